// Wire: everything between a socket and MQTT that is not plain TCP: PROXY header, TLS, HTTP head,
// WebSocket, in this order, each only if asked for. Bytes in, bytes out; no socket is touched here.
// A plain TCP connection without PROXY header has no Wire and pays nothing.
#pragma once

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"
#include "transport/tls_context.h"
#include "transport/websocket.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::transport {

class TlsSession;
struct UpgradeRefusal;

/// What the layers told about the peer; complete once Wire::ready().
struct PeerIdentity {
    std::string address;  // told by a PROXY header: "203.0.113.7:49152"; else empty
    std::string tls_version, tls_cipher, sni, alpn;
    std::string certificate_subject;  // "CN=pump-7,O=Plant"; empty without certificate
    std::string certificate_name;     // "pump-7"; see TlsOptions::peer_name
    std::string http_target;          // "/mqtt?x=1" with its query
    std::string websocket_protocol;   // "mqtt" or "mqttv3.1"
};

/// What a listener speaks. Borrowed for the call only, but for what `tls` says itself.
struct ServerWireOptions {
    bool proxy_protocol = false;
    const TlsContext* tls = nullptr;  // nullptr: no TLS
    bool websocket = false;
    std::string_view websocket_path = "/mqtt";
    size_t proxy_bytes_max = 4096;
    size_t head_bytes_max = 8192;
    uint64_t frame_bytes_max = 0;  // 0: any; frames are passed on, not collected
};

/// How a client connects.
struct ClientWireOptions {
    const TlsContext* tls = nullptr;   // nullptr: no TLS
    std::string_view tls_server_name;  // name or IP to verify, SNI if a name; empty: unchecked
    bool tls_check_name = true;  // false: SNI only, a verified certificate of any name will do
    std::string_view alpn;       // offered if not empty
    bool websocket = false;
    std::string_view websocket_path = "/mqtt";
    std::string_view websocket_host;  // "broker.example:8083"
    std::string_view websocket_protocol = "mqtt";
    std::vector<std::pair<std::string, std::string>> websocket_fields;  // more header fields
    HashKey mask_key;  // from src/os, secret and new for each connection: WebSocket key and masks
    size_t head_bytes_max = 8192;
    uint64_t frame_bytes_max = 0;
};

enum class WireErrorKind : uint8_t {
    PeerClosed,  // ended properly: close_notify or a WebSocket close
    Proxy,
    Tls,
    Http,
    WebSocket,
};

struct WireError {
    WireErrorKind kind;
    std::string what;  // one sentence for the log, without the peer's bytes
};

/// Thread: any, one at a time; may move between threads between calls.
class Wire {
public:
    static std::unique_ptr<Wire> server(const ServerWireOptions& options);
    /// Appends the first bytes to send to `raw`.
    /// @errors  Http: path, host or fields that cannot stand in a request
    static Result<std::unique_ptr<Wire>, WireError> client(const ClientWireOptions& options,
                                                           Buffer& raw);
    ~Wire();

    /// The PROXY header is still to come.
    bool awaits_proxy() const { return stage_ == Stage::Proxy; }
    /// Takes the header alone from the front of `raw`, for who wants to know the peer before any
    /// other layer is begun. Only while awaits_proxy().
    /// @return  the bytes behind it; none while it is not whole
    /// @errors  as receive()
    Result<Bytes, WireError> receive_proxy(Bytes raw);
    /// Takes bytes off the socket. MQTT bytes are appended to `mqtt`, bytes to be sent (handshake,
    /// 101, pong, close) to `reply`. All of `raw` is taken.
    /// @errors  the first fault of any layer. MQTT bytes that came before it are in `mqtt` and
    /// count;
    ///          `reply` may hold a last answer (HTTP status, close frame, TLS alert) to be sent
    ///          before closing. After an error, and after close(), nothing more is read or written:
    ///          every further receive() fails, send() appends nothing.
    Result<Done, WireError> receive(Bytes raw, Buffer& mqtt, Buffer& reply);

    /// Appends to `raw` what carries `mqtt`: one binary frame, TLS records. Only once ready().
    /// @errors  Tls: see TlsSession::write
    /// @cost    no allocation besides the growth of `raw`
    Result<Done, WireError> send(Bytes mqtt, Buffer& raw);

    /// Says good-bye in every layer that is open: close frame with `code`, close_notify. The driver
    /// sends it, shuts the socket down for writing and drains it.
    void close(CloseCode code, Buffer& raw);

    /// All layers are open: MQTT flows.
    bool ready() const { return stage_ == Stage::Open; }
    const PeerIdentity& peer() const { return peer_; }
    /// See TlsSession; false without TLS.
    bool is_revoked_by(const TlsContext& context) const;
    /// What this connection holds, itself included; OpenSSL's part is an estimate.
    size_t memory_bytes() const;

private:
    enum class Stage : uint8_t { Proxy, Tls, Head, Open, Closed };
    /// Needed until the WebSocket is open; freed then.
    struct Opening;

    Wire();
    Stage first_stage() const;
    Stage after_tls() const;
    Result<Done, WireError> receive_layers(Bytes raw, Buffer& mqtt, Buffer& reply);
    Result<Bytes, WireError> take_proxy(Bytes raw);
    Result<Done, WireError> receive_tls(Bytes raw, Buffer& mqtt, Buffer& reply);
    Result<Done, WireError> receive_inner(Bytes plain, Buffer& mqtt, Buffer& reply);
    Result<Bytes, WireError> take_head(Bytes plain, Buffer& reply);
    Result<Done, WireError> on_request(std::string_view head, Buffer& reply);
    Result<Done, WireError> on_answer(std::string_view head);
    Err<WireError> refuse(Buffer& reply, const UpgradeRefusal& refusal);
    Result<Done, WireError> send_tls(Bytes plain, Buffer& raw);
    Result<Done, WireError> send_framed_tls(Bytes mqtt, Buffer& raw);
    void on_tls_ready(Buffer& inner_reply);

    PeerIdentity peer_;
    std::unique_ptr<TlsSession> tls_;
    std::unique_ptr<Opening> opening_;
    std::unique_ptr<WebSocket> websocket_;
    Buffer proxy_pending_;
    size_t proxy_bytes_max_ = 0;
    Stage stage_ = Stage::Open;
};

}  // namespace godwit::transport
