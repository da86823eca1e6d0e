// Connection: one way to a broker, from the first address to the last byte: connect, TLS,
// WebSocket, then MQTT bytes in both directions. Never blocks but for the name server. The driver
// waits in its Poller and hands the socket's events in.
#pragma once

#include "base/bytes.h"
#include "client/endpoint.h"
#include "mqtt/protocol.h"
#include "os/address.h"
#include "os/poller.h"
#include "transport/wire.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace godwit::client {

/// Why there is no connection (any more), in a sentence that names the other end.
struct ConnectionEnd {
    std::string what;
};

class Connection {
public:
    using Step = Result<Done, ConnectionEnd>;

    /// Resolves the host and begins to connect to its first address.
    /// @param endpoint  outlives the connection
    /// @param tls       needed where the endpoint says tls; outlives the call only
    /// @param poller    watches the socket under `token` for as long as the connection lives
    /// @errors          unknown host, name server away, refused or impossible at once
    /// @cost            blocks while a name server is asked
    static Result<std::unique_ptr<Connection>, ConnectionEnd> open(const Endpoint& endpoint,
                                                                   const transport::TlsContext* tls,
                                                                   mqtt::Version version,
                                                                   os::Poller& poller,
                                                                   uint64_t token);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// Takes what the Poller says: connects on, reads once, writes what waits.
    /// @param room  scratch memory for reading; may be shared by many connections
    /// @param mqtt  received MQTT bytes are appended; those before an end count
    /// @errors      the connection is over
    Step on_event(const os::PollEvent& event, std::span<uint8_t> room, Buffer& mqtt);

    /// Sends MQTT bytes, or queues what the socket does not take. Only once ready().
    Step send(Bytes mqtt);

    /// Says good-bye in TLS and WebSocket and that no more will come; what the other end still
    /// sends is to be read until it closes.
    void say_goodbye();

    /// MQTT may flow.
    bool ready() const { return stage_ == Stage::Open; }
    /// Bytes that wait for room in the socket.
    size_t waiting_bytes() const { return out_.size() - sent_; }
    /// "127.0.0.1:1883": the address in use.
    const std::string& address() const { return address_text_; }
    const transport::PeerIdentity* identity() const { return wire_ ? &wire_->peer() : nullptr; }

private:
    enum class Stage : uint8_t { Connecting, Handshake, Open, Ending };

    Connection(const Endpoint& endpoint, const transport::TlsContext* tls, os::Poller& poller,
               uint64_t token);
    Step begin_unix();
    Step begin_tcp();
    Step try_next_address();
    Step watch(os::Fd fd);
    Step on_connected();
    Step read_once(std::span<uint8_t> room, Buffer& mqtt);
    Step take(Bytes raw, Buffer& mqtt);
    Step flush();
    void listen_for_room();

    const Endpoint& endpoint_;
    const transport::TlsContext* tls_;
    os::Poller& poller_;
    const uint64_t token_;
    mqtt::Version version_ = mqtt::Version::V5;
    Stage stage_ = Stage::Connecting;
    os::Fd socket_;
    os::Interest interest_ = os::Interest::None;
    std::vector<os::SocketAddress> addresses_;
    size_t next_address_ = 0;
    std::optional<os::SocketAddress> bind_;
    std::string address_text_;
    std::string last_refusal_;
    std::unique_ptr<transport::Wire> wire_;
    Buffer out_;
    size_t sent_ = 0;
};

}  // namespace godwit::client
