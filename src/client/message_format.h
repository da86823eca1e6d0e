// How a received message is printed: the formats of mosquitto_sub -F, as its manual lists them.
//   %t topic  %p payload  %x %X in hexadecimal  %l its length  %q QoS  %r retain  %m packet id
//   %A alias  %C content type  %D correlation data  %E expiry  %F payload format  %R response topic
//   %S subscription identifiers  %P user properties
//   %I time, ISO 8601  %U seconds since 1970  %j %J JSON  %% a percent sign
//   @X what strftime makes of %X, @N nanoseconds, @@ an at sign   \\ \0 \a \e \n \r \t \v
// Between % and the letter: 0 or - (left), a width, and for %C %I %R %t a maximum as in %.10t.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "mqtt/packets.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::client {

/// When a message was received.
using ReceivedAt = std::chrono::sys_time<std::chrono::nanoseconds>;

/// Appends an encoded property list as a JSON object, as %J shows it.
void append_json_properties(std::string& out, Bytes properties);

class MessageFormat {
public:
    /// @errors  a sentence that names the place: an unknown letter or escape, one cut off, a width
    ///          over 10000
    static Result<MessageFormat, std::string> parse(std::string_view format);

    /// Appends the message. Times are in the zone of the environment (TZ).
    /// @errors  %J and a payload that is not JSON; nothing is appended
    Result<Done, std::string> print(std::string& out, const mqtt::Publish& message,
                                    ReceivedAt at) const;

private:
    struct Piece {
        enum class Kind : uint8_t { Text, Field, Time };
        Kind kind = Kind::Text;
        std::string text;  // of Text
        char letter = 0;   // of Field and Time
        bool zero = false, left = false;
        size_t width = 0;
        std::optional<size_t> width_max;
    };
    class Parser;
    struct Printer;

    std::vector<Piece> pieces_;
    bool needs_json_ = false;
};

}  // namespace godwit::client
