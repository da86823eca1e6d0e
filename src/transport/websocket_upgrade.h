// The HTTP exchange that opens a WebSocket for MQTT: what the server demands and answers, what the
// client asks and checks.
// Source: RFC 6455 section 4; MQTT 5.0 section 6, MQTT 3.1.1 section 6.
#pragma once

#include "base/bytes.h"
#include "transport/http_head.h"

#include <span>
#include <string>
#include <utility>

namespace godwit::transport {

/// Why a request is refused: the HTTP status and a sentence, for the answer and the log alike.
struct UpgradeRefusal {
    int status = 400;  // 400, 404, 405, 426, 431, 505
    std::string what;
};

/// A request that will be granted. Borrowed from the head.
struct UpgradeRequest {
    std::string_view target;    // "/mqtt?x=1"
    std::string_view key;       // Sec-WebSocket-Key
    std::string_view protocol;  // "mqtt" or "mqttv3.1": the first known one of the client's list
};

/// Judges a client's request.
/// @param path  the listener's, "/mqtt"; compared with the target up to its '?'
/// @errors  400 malformed, no Host, a field twice that may come once, a body, no known sub-protocol
///          404 another path   405 not GET   426 no upgrade asked, or another WebSocket version
///          505 not HTTP/1.1
/// @source  RFC 6455 section 4.2.1, [MQTT5-6.0.0-3] [MQTT5-6.0.0-4]
Result<UpgradeRequest, UpgradeRefusal> check_upgrade_request(const HttpHead& head,
                                                             std::string_view path);

/// Appends "101 Switching Protocols".
void put_upgrade_granted(Buffer& out, const UpgradeRequest& request);
/// Appends the refusal as a whole HTTP answer with its sentence as the body.
void put_upgrade_refused(Buffer& out, const UpgradeRefusal& refusal);

/// What a client asks for.
struct UpgradeWish {
    std::string_view host;  // "broker.example:8083"
    std::string_view path;  // "/mqtt?x=1"
    std::string_view protocol;
    std::string_view key;  // 16 random bytes in base64
    std::span<const std::pair<std::string, std::string>> extra_fields;
};

/// Appends the request.
/// @errors  a path that does not begin with '/', or characters that would break the head
Result<Done, std::string> put_upgrade_wish(Buffer& out, const UpgradeWish& wish);

/// Judges a server's answer.
/// @errors  any status but 101 (told with its reason), missing upgrade, wrong accept value, another
///          sub-protocol, an extension nobody asked for
Result<Done, std::string> check_upgrade_answer(const HttpHead& head, std::string_view key,
                                               std::string_view protocol);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key. @source RFC 6455 section 4.2.2
std::string websocket_accept(std::string_view key);

/// Base64 with padding, as Sec-WebSocket-Key wants it.
std::string base64(Bytes bytes);

}  // namespace godwit::transport
