#include "transport/wire.h"

#include "transport/http_head.h"
#include "transport/proxy.h"
#include "transport/tls_session.h"
#include "transport/websocket_upgrade.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>

namespace godwit::transport {

namespace {

using Step = Result<Done, WireError>;

constexpr size_t kTlsRecordBytes = 16 * 1024;

Err<WireError> fault(WireErrorKind kind, std::string what) {
    return Err{WireError{kind, std::move(what)}};
}

Err<WireError> tls_fault(const TlsEnd& end) {
    if (end.by_peer) return fault(WireErrorKind::PeerClosed, end.what);
    return fault(WireErrorKind::Tls, "TLS: " + end.what);
}

Err<WireError> websocket_fault(const WebSocketEnd& end) {
    if (!end.by_peer)
        return fault(WireErrorKind::WebSocket, fmt::format("WebSocket: {}", end.what));
    if (end.code == CloseCode::None) return fault(WireErrorKind::PeerClosed, end.what);
    return fault(WireErrorKind::PeerClosed, fmt::format("{}: code {}", end.what, int(end.code)));
}

/// Tells the usual mistakes of configuration by the first byte of what should be HTTP.
std::string not_http(uint8_t first) {
    if (first == 0x10) return "HTTP: the peer speaks MQTT without WebSocket";
    if (first == 0x16) return "HTTP: the peer speaks TLS, which is not expected here";
    return "HTTP: the peer does not speak HTTP";
}

/// 16 bytes in base64 that nobody without the key can foretell.
std::string draw_websocket_key(const HashKey& key) {
    Buffer drawn;
    put_u64(drawn, keyed_hash(as_bytes("Sec-WebSocket-Key, first half"), key));
    put_u64(drawn, keyed_hash(as_bytes("Sec-WebSocket-Key, second half"), key));
    return base64(drawn);
}

}  // namespace

struct Wire::Opening {
    WebSocketRole role;
    size_t head_bytes_max;
    uint64_t frame_bytes_max;
    HashKey mask_key;
    std::string path;      // server: what is served
    Buffer request;        // client: to be sent once TLS is ready
    std::string key;       // client
    std::string protocol;  // client
    Buffer head;           // of the peer, so far
};

Wire::Wire() = default;
Wire::~Wire() = default;

std::unique_ptr<Wire> Wire::server(const ServerWireOptions& options) {
    std::unique_ptr<Wire> wire(new Wire());
    if (options.websocket)
        wire->opening_ =
            std::make_unique<Opening>(Opening{.role = WebSocketRole::Server,
                                              .head_bytes_max = options.head_bytes_max,
                                              .frame_bytes_max = options.frame_bytes_max,
                                              .path = std::string(options.websocket_path)});
    if (options.tls)
        wire->tls_ = std::make_unique<TlsSession>(
            *options.tls, TlsSessionOptions{.alpn = options.websocket ? "http/1.1" : "mqtt"});
    wire->proxy_bytes_max_ = std::max(options.proxy_bytes_max, kProxyLineBytesMax);
    wire->stage_ = options.proxy_protocol ? Stage::Proxy : wire->first_stage();
    return wire;
}

Result<std::unique_ptr<Wire>, WireError> Wire::client(const ClientWireOptions& options,
                                                      Buffer& raw) {
    std::unique_ptr<Wire> wire(new Wire());
    if (options.websocket) {
        Opening opening{.role = WebSocketRole::Client,
                        .head_bytes_max = options.head_bytes_max,
                        .frame_bytes_max = options.frame_bytes_max,
                        .mask_key = options.mask_key,
                        .key = draw_websocket_key(options.mask_key),
                        .protocol = std::string(options.websocket_protocol)};
        const auto put = put_upgrade_wish(
            opening.request, {options.websocket_host, options.websocket_path, opening.protocol,
                              opening.key, options.websocket_fields});
        if (!put) return fault(WireErrorKind::Http, put.error());
        wire->peer_.http_target = options.websocket_path;
        wire->opening_ = std::make_unique<Opening>(std::move(opening));
    }
    if (options.tls) {
        wire->tls_ = std::make_unique<TlsSession>(
            *options.tls, TlsSessionOptions{.alpn = options.alpn,
                                            .server_name = options.tls_server_name,
                                            .check_name = options.tls_check_name});
        wire->tls_->start(raw);
    } else if (wire->opening_) {
        put_bytes(raw, wire->opening_->request);
    }
    wire->stage_ = wire->first_stage();
    return wire;
}

Wire::Stage Wire::first_stage() const {
    return tls_ ? Stage::Tls : after_tls();
}
Wire::Stage Wire::after_tls() const {
    return opening_ ? Stage::Head : Stage::Open;
}

Result<Bytes, WireError> Wire::receive_proxy(Bytes raw) {
    GW_ASSERT(awaits_proxy());
    auto rest = take_proxy(raw);
    if (!rest) stage_ = Stage::Closed;
    return rest;
}

Step Wire::receive(Bytes raw, Buffer& mqtt, Buffer& reply) {
    if (stage_ == Stage::Closed) return fault(WireErrorKind::PeerClosed, "closed already");
    const Step step = receive_layers(raw, mqtt, reply);
    if (!step) stage_ = Stage::Closed;
    return step;
}

Step Wire::receive_layers(Bytes raw, Buffer& mqtt, Buffer& reply) {
    if (stage_ == Stage::Proxy) {
        const auto rest = take_proxy(raw);
        if (!rest) return Err{rest.error()};
        if (stage_ == Stage::Proxy) return Done{};
        raw = *rest;
    }
    return tls_ ? receive_tls(raw, mqtt, reply) : receive_inner(raw, mqtt, reply);
}

/// @return  the bytes behind the header, once it is whole
Result<Bytes, WireError> Wire::take_proxy(Bytes raw) {
    const size_t before = proxy_pending_.size();
    put_bytes(proxy_pending_, raw.first(std::min(raw.size(), proxy_bytes_max_ - before)));
    const auto status = parse_proxy_header(proxy_pending_, proxy_bytes_max_);
    if (!status) return fault(WireErrorKind::Proxy, status.error());
    if (!status->complete) return Bytes{};
    peer_.address = status->header.address;
    proxy_pending_ = {};
    stage_ = first_stage();
    return raw.subspan(status->header.size - before);
}

Step Wire::receive_tls(Bytes raw, Buffer& mqtt, Buffer& reply) {
    std::array<uint8_t, kTlsRecordBytes> plain;  // not zeroed: read() says how much of it counts
    Buffer inner_reply;
    while (true) {
        const auto size = tls_->read(raw, plain, reply);
        if (!size) return tls_fault(size.error());
        if (stage_ == Stage::Tls && tls_->ready()) on_tls_ready(inner_reply);
        const Step inner =
            *size == 0 ? Step(Done{}) : receive_inner(Bytes(plain).first(*size), mqtt, inner_reply);
        const auto written = inner_reply.empty() ? Done{} : tls_->write(inner_reply, reply);
        inner_reply.clear();
        if (!inner) {
            tls_->close(reply);
            return inner;
        }
        if (!written) return tls_fault(written.error());
        if (*size == 0 && raw.empty()) return Done{};
    }
}

void Wire::on_tls_ready(Buffer& inner_reply) {
    TlsPeer told = tls_->peer();
    peer_.tls_version = std::move(told.version);
    peer_.tls_cipher = std::move(told.cipher);
    peer_.sni = std::move(told.sni);
    peer_.alpn = std::move(told.alpn);
    peer_.certificate_subject = std::move(told.certificate_subject);
    peer_.certificate_name = std::move(told.certificate_name);
    if (opening_) put_bytes(inner_reply, opening_->request);
    stage_ = after_tls();
}

Step Wire::receive_inner(Bytes plain, Buffer& mqtt, Buffer& reply) {
    if (stage_ == Stage::Head) {
        const auto rest = take_head(plain, reply);
        if (!rest) return Err{rest.error()};
        if (stage_ == Stage::Head) return Done{};
        plain = *rest;
    }
    if (!websocket_) {
        put_bytes(mqtt, plain);
        return Done{};
    }
    const auto received = websocket_->receive(plain, mqtt, reply);
    if (!received) return websocket_fault(received.error());
    return Done{};
}

/// @return  the bytes behind the head, once it is whole
Result<Bytes, WireError> Wire::take_head(Bytes plain, Buffer& reply) {
    Buffer& head = opening_->head;
    const size_t before = head.size();
    put_bytes(head, plain.first(std::min(plain.size(), opening_->head_bytes_max - before)));
    if (!head.empty() && (head[0] < 'A' || head[0] > 'Z'))
        return fault(WireErrorKind::Http, not_http(head[0]));

    const size_t size = http_head_size(as_text(head), before);
    if (size == 0 && head.size() < opening_->head_bytes_max) return Bytes{};
    if (size == 0) return refuse(reply, {431, "the head is larger than the limit"});
    const std::string_view text = as_text(Bytes(head).first(size));
    const bool server = opening_->role == WebSocketRole::Server;
    const Step judged = server ? on_request(text, reply) : on_answer(text);
    if (!judged) return Err{judged.error()};

    websocket_ =
        std::make_unique<WebSocket>(opening_->role, opening_->frame_bytes_max, opening_->mask_key);
    opening_.reset();
    stage_ = Stage::Open;
    return plain.subspan(size - before);
}

/// A server answers before it closes; a client only tells.
Err<WireError> Wire::refuse(Buffer& reply, const UpgradeRefusal& refusal) {
    if (opening_->role == WebSocketRole::Client)
        return fault(WireErrorKind::Http, "HTTP: " + refusal.what);
    put_upgrade_refused(reply, refusal);
    return fault(WireErrorKind::Http, fmt::format("HTTP {}: {}", refusal.status, refusal.what));
}

Step Wire::on_request(std::string_view text, Buffer& reply) {
    const auto head = parse_http_head(text);
    if (!head) return refuse(reply, {400, head.error()});
    const auto request = check_upgrade_request(*head, opening_->path);
    if (!request) return refuse(reply, request.error());
    put_upgrade_granted(reply, *request);
    peer_.http_target = request->target;
    peer_.websocket_protocol = request->protocol;
    return Done{};
}

Step Wire::on_answer(std::string_view text) {
    const auto head = parse_http_head(text);
    if (!head) return fault(WireErrorKind::Http, fmt::format("HTTP: {}", head.error()));
    const auto granted = check_upgrade_answer(*head, opening_->key, opening_->protocol);
    if (!granted) return fault(WireErrorKind::Http, "HTTP: " + granted.error());
    peer_.websocket_protocol = opening_->protocol;
    return Done{};
}

Step Wire::send(Bytes mqtt, Buffer& raw) {
    if (stage_ == Stage::Closed || mqtt.empty()) return Done{};
    GW_ASSERT(stage_ == Stage::Open);
    if (websocket_ && tls_) return send_framed_tls(mqtt, raw);
    if (tls_) return send_tls(mqtt, raw);
    if (websocket_)
        websocket_->send(mqtt, raw);
    else
        put_bytes(raw, mqtt);
    return Done{};
}

Step Wire::send_tls(Bytes plain, Buffer& raw) {
    const auto written = tls_->write(plain, raw);
    if (written) return Done{};
    stage_ = Stage::Closed;
    return tls_fault(written.error());
}

/// Frame header and payload share records, by way of the stack: no allocation, no record of 4
/// bytes.
Step Wire::send_framed_tls(Bytes mqtt, Buffer& raw) {
    std::array<uint8_t, kTlsRecordBytes> record;
    const FrameHeader header = websocket_->begin_frame(mqtt.size());
    std::ranges::copy(header.bytes(), record.begin());
    size_t used = header.size;
    size_t phase = 0;
    while (!mqtt.empty()) {
        const size_t taken = std::min(mqtt.size(), record.size() - used);
        std::memcpy(record.data() + used, mqtt.data(), taken);
        if (header.masked) apply_mask(std::span(record).subspan(used, taken), header.mask, phase);
        phase = (phase + taken) & 3;
        mqtt = mqtt.subspan(taken);
        const Step written = send_tls(Bytes(record).first(used + taken), raw);
        if (!written) return written;
        used = 0;
    }
    return Done{};
}

void Wire::close(CloseCode code, Buffer& raw) {
    if (stage_ == Stage::Closed) return;
    Buffer farewell;
    if (websocket_) websocket_->close(code, tls_ ? farewell : raw);
    if (tls_ && !farewell.empty()) static_cast<void>(tls_->write(farewell, raw).has_value());
    if (tls_) tls_->close(raw);
    stage_ = Stage::Closed;
}

bool Wire::is_revoked_by(const TlsContext& context) const {
    return tls_ && tls_->is_revoked_by(context);
}

size_t Wire::memory_bytes() const {
    const auto heap = [](const std::string& text) {
        return text.capacity() > std::string().capacity() ? text.capacity() : 0;
    };
    size_t bytes = sizeof *this + proxy_pending_.capacity();
    for (const std::string* text :
         {&peer_.address, &peer_.tls_version, &peer_.tls_cipher, &peer_.sni, &peer_.alpn,
          &peer_.certificate_subject, &peer_.certificate_name, &peer_.http_target,
          &peer_.websocket_protocol})
        bytes += heap(*text);
    if (tls_) bytes += tls_->memory_bytes();
    if (websocket_) bytes += sizeof(WebSocket) + websocket_->heap_bytes();
    if (opening_)
        bytes += sizeof(Opening) + opening_->head.capacity() + opening_->request.capacity() +
                 heap(opening_->path) + heap(opening_->key) + heap(opening_->protocol);
    return bytes;
}

}  // namespace godwit::transport
