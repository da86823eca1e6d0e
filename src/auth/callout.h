// The words of the call-out: what an HTTP server is asked about a client, and what it may answer.
//   question  {"client": "pump-7", "user": "ann" | null, "password": "..." | null,
//              "protocol": "5.0", "address": "203.0.113.7", "listener": "mqtts://0.0.0.0:8883",
//              "realm": "default", "certificate": {"name": "pump-7", "subject": "CN=pump-7"},
//              "server_name": "plant.example"}
//   answer    {"result": "allow" | "deny" | "pass", "expires_in_s": 3600, "cache_s": 60,
//              "claims": {"site": "north"}, "realm": "acme"}
// A password that is no text (UTF-8 without U+0000) is in "password_base64" instead, so that no two
// passwords are the same question. Members of an answer that are not known are passed over.
#pragma once

#include "auth/subject.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

/// Borrowed. Texts, but for the password; empty is left out, where nothing else is said.
struct CalloutQuestion {
    std::string_view client;                   // always there
    std::optional<std::string_view> user;      // null without
    std::optional<std::string_view> password;  // likewise; any bytes
    std::string_view protocol;                 // "3.1", "3.1.1", "5.0"
    std::string_view address;                  // of the client, without a port
    std::string_view listener, realm;
    std::string_view certificate_name, certificate_subject;  // empty: it showed none
    std::string_view server_name;                            // that it asked TLS for
};

/// The same text for the same question.
std::string render_callout(const CalloutQuestion& question);

struct CalloutAnswer {
    enum class Kind : uint8_t { Allow, Deny, Pass };
    Kind kind = Kind::Deny;
    std::optional<double> expires_in_s;  // not negative; nullopt: never
    std::optional<double> cache_s;       // not negative; how long the answer may be kept
    std::vector<Claim> claims;           // as of a token
    std::string realm;                   // where the client belongs; empty: where it is
};

/// Of the claims of one answer, names and values together, as much as a token can hold.
inline constexpr size_t kCalloutClaimsBytesMax = 8 * 1024;

/// @errors  half a sentence for the log, with nothing of the answer: no JSON object without
///          repetitions, no result, a member of another type, a time that is none, too many claims.
///          An answer that is not wholly understood is none.
Result<CalloutAnswer, std::string> parse_callout(std::string_view text);

}  // namespace godwit::auth
