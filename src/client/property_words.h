// Properties of MQTT 5.0 as words of a command line: -D COMMAND NAME VALUE, for example
//   -D publish content-type text/plain      -D connect user-property site north
// What is allowed where, how often and with which values is mqtt's property table.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "mqtt/properties.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace godwit::client {

/// Encoded lists, as mqtt::put_property makes them, one for each packet that can have one.
struct PropertyLists {
    Buffer connect, publish, subscribe, unsubscribe, disconnect, will;
    bool empty() const {
        return connect.empty() && publish.empty() && subscribe.empty() && unsubscribe.empty() &&
               disconnect.empty() && will.empty();
    }
};

/// "content-type"; the words of mosquitto_pub(1).
std::string_view property_name(mqtt::PropertyId id);

/// @param words  four for each property: COMMAND, NAME, VALUE, and the value of a user property
///               (whose name is VALUE), else empty
/// @errors       a sentence that names the word: no such command or property, not of this packet,
///               twice, not a number, out of range, not UTF-8, too long, a word too many
Result<PropertyLists, std::string> parse_properties(std::span<const std::string> words);

/// The number of a property in an encoded list; nullopt if it is not there.
std::optional<uint32_t> find_number(Bytes properties, mqtt::PropertyId id);

}  // namespace godwit::client
