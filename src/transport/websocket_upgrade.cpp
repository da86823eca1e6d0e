#include "transport/websocket_upgrade.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <algorithm>
#include <array>

namespace godwit::transport {

namespace {

using Judged = Result<UpgradeRequest, UpgradeRefusal>;

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::array<std::string_view, 2> kProtocols = {"mqtt", "mqttv3.1"};

Err<UpgradeRefusal> refuse(int status, std::string what) {
    return Err{UpgradeRefusal{status, std::move(what)}};
}

std::string_view reason_phrase(int status) {
    switch (status) {
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 426:
            return "Upgrade Required";
        case 431:
            return "Request Header Fields Too Large";
        case 505:
            return "HTTP Version Not Supported";
        default:
            return "Bad Request";
    }
}

/// 16 bytes in base64: 22 digits and "==". @source RFC 6455 section 4.2.1 item 5
bool is_websocket_key(std::string_view key) {
    if (key.size() != 24 || !key.ends_with("==")) return false;
    std::array<uint8_t, 18> decoded;
    const auto* text = reinterpret_cast<const uint8_t*>(key.data());
    return EVP_DecodeBlock(decoded.data(), text, int(key.size())) == int(decoded.size());
}

/// First known name of the client's list, in its order of preference; empty if there is none.
/// Names are compared exactly; the result points to a constant.
std::string_view choose_protocol(const HttpHead& head) {
    for (const std::string_view name : head.elements("Sec-WebSocket-Protocol")) {
        const auto* known = std::ranges::find(kProtocols, name);
        if (known != kProtocols.end()) return *known;
    }
    return {};
}

/// What may come once at most, and what a request for an upgrade cannot have.
Result<Done, UpgradeRefusal> check_fields(const HttpHead& head) {
    if (head.count("Host") != 1) return refuse(400, "exactly one Host header is required");
    for (const std::string_view name : {"Sec-WebSocket-Key", "Sec-WebSocket-Version"})
        if (head.count(name) > 1) return refuse(400, fmt::format("{} appears twice", name));
    if (head.count("Transfer-Encoding") > 0 || head.find("Content-Length").value_or("0") != "0")
        return refuse(400, "a request with a body cannot become a WebSocket");
    return Done{};
}

bool fits_in_head(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f; });
}

bool fits_in_target(std::string_view text) {
    return text.starts_with('/') &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

}  // namespace

Judged check_upgrade_request(const HttpHead& head, std::string_view path) {
    if (head.third != "HTTP/1.1") return refuse(505, "only HTTP/1.1 can become a WebSocket");
    if (head.first != "GET") return refuse(405, "only GET can become a WebSocket");
    if (!head.second.starts_with('/')) return refuse(400, "the request target is not a path");
    if (head.second.substr(0, head.second.find('?')) != path)
        return refuse(404, "nothing here; MQTT over WebSocket has another path");
    const auto fields = check_fields(head);
    if (!fields) return Err{fields.error()};

    if (!head.lists("Upgrade", "websocket") || !head.lists("Connection", "Upgrade"))
        return refuse(426, "MQTT over WebSocket lives here; send Upgrade: websocket");
    if (head.find("Sec-WebSocket-Version") != "13")
        return refuse(426, "only WebSocket version 13 is spoken here");
    const std::string_view key = head.find("Sec-WebSocket-Key").value_or("");
    if (!is_websocket_key(key)) return refuse(400, "Sec-WebSocket-Key is not 16 bytes in base64");
    const std::string_view protocol = choose_protocol(head);
    if (protocol.empty())  // [MQTT5-6.0.0-3]
        return refuse(400, "Sec-WebSocket-Protocol must offer mqtt or mqttv3.1");
    return UpgradeRequest{head.second, key, protocol};
}

void put_upgrade_granted(Buffer& out, const UpgradeRequest& request) {
    put_text(out, fmt::format("HTTP/1.1 101 Switching Protocols\r\n"
                              "Upgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: {}\r\n"
                              "Sec-WebSocket-Protocol: {}\r\n\r\n",  // [MQTT5-6.0.0-4]
                              websocket_accept(request.key), request.protocol));
}

void put_upgrade_refused(Buffer& out, const UpgradeRefusal& refusal) {
    std::string_view extra;
    if (refusal.status == 405) extra = "Allow: GET\r\n";
    if (refusal.status == 426) extra = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    put_text(out, fmt::format("HTTP/1.1 {} {}\r\n"
                              "{}"
                              "Connection: {}close\r\n"
                              "Content-Type: text/plain\r\n"
                              "Content-Length: {}\r\n\r\n"
                              "{}\n",
                              refusal.status, reason_phrase(refusal.status), extra,
                              refusal.status == 426 ? "Upgrade, " : "", refusal.what.size() + 1,
                              refusal.what));
}

Result<Done, std::string> put_upgrade_wish(Buffer& out, const UpgradeWish& wish) {
    if (!fits_in_target(wish.path)) return Err{std::string("WebSocket path is not a path")};
    if (wish.host.empty() || !fits_in_head(wish.host))
        return Err{std::string("WebSocket host cannot stand in a Host header")};
    std::string head = fmt::format(
        "GET {} HTTP/1.1\r\n"
        "Host: {}\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: {}\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: {}\r\n",
        wish.path, wish.host, wish.key, wish.protocol);
    for (const auto& [name, value] : wish.extra_fields) {
        if (!is_http_token(name) || !fits_in_head(value))
            return Err{std::string("a WebSocket header cannot stand in a request")};
        head += fmt::format("{}: {}\r\n", name, value);
    }
    put_text(out, head + "\r\n");
    return Done{};
}

Result<Done, std::string> check_upgrade_answer(const HttpHead& head, std::string_view key,
                                               std::string_view protocol) {
    if (head.first != "HTTP/1.1") return Err{std::string("the server does not speak HTTP/1.1")};
    if (head.second != "101")
        return Err{fmt::format("the server refuses the WebSocket: {} {}", head.second, head.third)};
    if (!head.lists("Upgrade", "websocket") || !head.lists("Connection", "Upgrade"))
        return Err{std::string("the server's 101 is not an upgrade to WebSocket")};
    if (head.find("Sec-WebSocket-Accept") != websocket_accept(key))
        return Err{std::string("the server's Sec-WebSocket-Accept does not answer our key")};
    if (head.find("Sec-WebSocket-Protocol") != protocol)
        return Err{fmt::format("the server does not agree to sub-protocol {}", protocol)};
    if (head.count("Sec-WebSocket-Extensions") > 0)
        return Err{std::string("the server wants a WebSocket extension nobody offered")};
    return Done{};
}

std::string base64(Bytes bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // OpenSSL ends it with a NUL
    const int size =
        EVP_EncodeBlock(reinterpret_cast<uint8_t*>(text.data()), bytes.data(), int(bytes.size()));
    text.resize(size_t(size));
    return text;
}

std::string websocket_accept(std::string_view key) {
    const std::string text = fmt::format("{}{}", key, kGuid);
    std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
    unsigned size = 0;
    GW_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1);
    return base64({digest.data(), size});
}

}  // namespace godwit::transport
