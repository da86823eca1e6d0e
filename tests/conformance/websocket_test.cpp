// MQTT 5.0 chapter 6: MQTT in WebSocket frames. The real layer in front of the core; the whole way
// is walked by the real clients of tests/integration.
#include "conformance/conformance.h"
#include "transport/wire.h"

namespace godwit::conformance {
namespace {

/// A client's WebSocket: both ends of it, and the broker's connection behind.
class Tunnel {
public:
    explicit Tunnel(Client client, std::string_view offered = "mqtt")
        : client_(client), server_(transport::Wire::server({.websocket = true})) {
        auto made = transport::Wire::client({.websocket = true,
                                             .websocket_host = "broker.example",
                                             .websocket_protocol = offered,
                                             .mask_key = {1, 2}},
                                            out_);
        end_ = std::move(*made);
        to_server(std::exchange(out_, {}));
    }
    /// One frame for each of the pieces.
    void send(const std::vector<Buffer>& pieces) {
        for (const Buffer& each : pieces) {
            Buffer raw;
            EXPECT_TRUE(end_->send(each, raw));
            to_server(raw);
        }
        client_.raw({});
    }
    /// Raw bytes of a client that is not ours.
    void to_server(Bytes raw) {
        Buffer mqtt, reply;
        open_ = bool(server_->receive(raw, mqtt, reply));
        client_.push(mqtt);
        Buffer came, answer;
        if (!reply.empty()) client_open_ = bool(end_->receive(reply, came, answer));
        replies_.insert(replies_.end(), reply.begin(), reply.end());
    }
    bool open() const { return open_; }
    bool client_open() const { return client_open_; }
    const transport::PeerIdentity& peer() const { return server_->peer(); }
    std::string replies() const { return std::string(as_text(replies_)); }
    transport::Wire& server() { return *server_; }

private:
    Client client_;
    std::unique_ptr<transport::Wire> server_, end_;
    Buffer out_, replies_;
    bool open_ = true, client_open_ = true;
};

std::vector<Buffer> pieces_of(const Buffer& bytes, size_t size) {
    std::vector<Buffer> pieces;
    for (size_t at = 0; at < bytes.size(); at += size)
        pieces.emplace_back(bytes.begin() + std::ptrdiff_t(at),
                            bytes.begin() + std::ptrdiff_t(std::min(at + size, bytes.size())));
    return pieces;
}

GW_STATEMENT_CORE("MQTT5-6.0.0-1", TextFrameClosesTheConnection) {
    World world(seed());
    auto client = world.dial();
    Tunnel tunnel(client);
    tunnel.to_server(packet("81 82 00000000 6162"));
    EXPECT_FALSE(tunnel.open());
    EXPECT_FALSE(tunnel.client_open());  // it was told so
}

GW_STATEMENT_CORE("MQTT5-6.0.0-1", BrokerSendsBinaryFrames) {
    World world(seed());
    Tunnel tunnel(world.dial());
    Buffer raw;
    ASSERT_TRUE(tunnel.server().send(packet("d000"), raw));
    EXPECT_EQ(raw, packet("82 02 d000"));
}

GW_STATEMENT_CORE("MQTT5-6.0.0-2", PacketsNeedNotAlignWithFrames) {
    World world(seed());
    Buffer bytes = world::connect_packet("c", {});
    put_bytes(bytes, packet("82 # 0001 () 't' 00"));
    for (const char* payload : {"1", "2", "3"})
        put_bytes(bytes, world::publish_packet(Version::V5, "t", payload, {}));
    for (const size_t size : {size_t(1), size_t(3), size_t(7), bytes.size()}) {
        auto client = world.dial();
        Tunnel tunnel(client);
        tunnel.send(pieces_of(bytes, size));
        EXPECT_EQ(client.received(), (Messages{"1", "2", "3"}));
    }
}

GW_STATEMENT_CORE("MQTT5-6.0.0-4", SubprotocolMqttIsSelected) {
    World world(seed());
    Tunnel tunnel(world.dial());
    EXPECT_TRUE(tunnel.open());
    EXPECT_EQ(tunnel.peer().websocket_protocol, "mqtt");
    EXPECT_NE(tunnel.replies().find("Sec-WebSocket-Protocol: mqtt\r\n"), std::string::npos);
}

}  // namespace
}  // namespace godwit::conformance
