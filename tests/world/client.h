// Client: a scripted MQTT client. Every call that asks the broker for something waits until the
// answer is there, so scripts read top down; every call that looks at what came first lets
// everything settle, so "nothing came" is a fact and not a matter of patience.
#pragma once

#include "world/host.h"
#include "world/packet.h"

#include <deque>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::world {

class AnyWorld;

/// What travels with a message besides topic and payload.
struct MessageProperties {
    std::optional<uint32_t> expiry_s;
    std::optional<uint32_t> payload_format;
    std::optional<std::string> content_type, response_topic, correlation;
    Pairs user_properties;
};

struct WillOptions {
    std::string topic, payload;
    uint8_t qos = 0;
    bool retain = false;
    uint32_t delay_s = 0;
    MessageProperties properties;
};

struct ConnectOptions {
    mqtt::Version version = mqtt::Version::V5;
    bool bridge = false;
    bool clean_start = true;
    uint32_t expiry_s = 0;
    uint16_t keepalive_s = 0;
    std::optional<WillOptions> will;
    std::optional<std::string> username, password;
    uint16_t receive_maximum = 65535;
    uint32_t packet_bytes_max = mqtt::kPacketBytesMax;
    uint16_t topic_alias_maximum = 0;
    bool request_problem_information = true;
    bool request_response_information = false;
    std::optional<std::string> auth_method;
    std::string auth_data;
    Pairs user_properties;
    /// Acknowledge what comes and go on with QoS 2 handshakes. False: the script does.
    bool auto_ack = true;
    uint16_t listener = 0;
};

struct SubscribeOptions {
    uint8_t qos = 0;
    bool no_local = false;
    bool retain_as_published = false;
    uint8_t retain_handling = 0;
    uint32_t id = 0;  // subscription identifier; 0: none
};

struct PublishOptions {
    uint8_t qos = 0;
    bool retain = false;
    bool dup = false;
    uint16_t packet_id = 0;  // 0: the next one
    uint16_t topic_alias = 0;
    MessageProperties properties;
};

/// State of one scripted client; the world owns it.
class ClientState {
public:
    ClientState(AnyWorld& world, std::string id) : world_(world), id_(std::move(id)) {}

    void dial(const ConnectOptions& options);
    void send(Bytes bytes);
    /// Takes what has arrived and answers it as the options say. @return true when it sent
    bool absorb();
    /// CONNACK said yes, and the broker has not closed since.
    bool online() const { return online_ && link_ && !link_->closed(); }
    bool closed() const { return !link_ || link_->closed(); }
    const Packet* last(mqtt::PacketType type) const;
    size_t count(mqtt::PacketType type) const;
    uint16_t next_packet_id();
    void ping_for_barrier();

    AnyWorld& world_;
    std::string id_;
    ConnectOptions options_;
    std::unique_ptr<Link> link_;
    Buffer in_;
    std::deque<Packet> packets_;   // of all connections
    size_t connection_begin_ = 0;  // first packet of this connection
    size_t looked_at_ = 0;         // PUBLISHes before it were given to the script
    std::map<uint16_t, std::string> aliases_;
    std::deque<Publish> publishes_;
    uint16_t last_packet_id_ = 0;
    size_t barrier_pings_ = 0;
    bool online_ = false;

private:
    void take_packet(Packet packet);
    void answer(const Packet& packet);
};

/// A handle: copies mean the same client. Valid while its world lives.
class Client {
public:
    using Type = mqtt::PacketType;
    explicit Client(ClientState& state) : state_(&state) {}

    // --- asking; each returns when the broker has answered, or closed ---
    Client& connect(const ConnectOptions& options = {});  // over a link that is dialled already
    /// Any bytes in place of CONNECT.
    Client& connect_bytes(Bytes bytes);
    Client& subscribe(std::string_view filter, const SubscribeOptions& options = {});
    Client& subscribe(std::initializer_list<std::string_view> filters,
                      const SubscribeOptions& options = {});
    Client& unsubscribe(std::string_view filter);
    Client& unsubscribe(std::initializer_list<std::string_view> filters);
    /// Up to the last acknowledgement; with auto_ack off, up to the first.
    Client& publish(std::string_view topic, std::string_view payload,
                    const PublishOptions& options = {});
    Client& ping();
    Client& auth(mqtt::ReasonCode reason, std::string_view method, std::string_view data = {});
    Client& puback(uint16_t id, mqtt::ReasonCode reason = {});
    Client& pubrec(uint16_t id, mqtt::ReasonCode reason = {});
    Client& pubrel(uint16_t id, mqtt::ReasonCode reason = {});
    Client& pubcomp(uint16_t id, mqtt::ReasonCode reason = {});

    // --- going and coming back ---
    Client& disconnect(mqtt::ReasonCode reason = {}, std::optional<uint32_t> expiry_s = {});
    /// The transport breaks; no DISCONNECT.
    Client& cut();
    /// The same options again, but Clean Start off.
    Client& resume();
    Client& reconnect(const ConnectOptions& options);

    // --- bytes ---
    /// Sends as is and lets it settle. Whole packets, or the broker's answer to them is awaited in
    /// vain.
    Client& raw(Bytes bytes);
    /// Sends and returns at once: what follows may overtake it on other shards.
    Client& push(Bytes bytes);
    Client& set_reading(bool on);

    // --- looking ---
    /// Payloads that came since the last look, in order.
    Messages received();
    /// The same with everything that came with them.
    std::vector<Publish> publishes();
    /// The last packet of a type on this connection; nullptr if none came.
    const Packet* last(Type type);
    size_t count(Type type);
    /// Types of all packets on this connection, in order of arrival.
    std::vector<Type> types();
    /// Is it closed, when everything has settled?
    bool closed();
    /// Waits for the broker to close it.
    bool closes();
    /// The reason of the broker's DISCONNECT on this connection.
    std::optional<mqtt::ReasonCode> disconnect_reason();
    mqtt::Connack connack();
    mqtt::ReasonCode connack_reason() { return connack().reason; }
    bool session_present() { return connack().session_present; }
    /// Reasons of the last SUBACK or UNSUBACK.
    Codes suback();
    Codes unsuback();
    /// Reason of the last acknowledgement of this type.
    mqtt::ReasonCode ack_reason(Type type);
    const std::string& id() const { return state_->id_; }
    /// The session's identity as the broker knows it: the assigned one if the client sent none.
    std::string broker_id();
    ClientState& state() { return *state_; }

private:
    Client& await(Type type, size_t count_before);
    Client& send_ack(Type type, uint16_t id, mqtt::ReasonCode reason);
    ClientState* state_;
};

/// CONNECT as these options say, for scripts that change its bytes.
Buffer connect_packet(std::string_view id, const ConnectOptions& options);
Buffer publish_packet(mqtt::Version version, std::string_view topic, std::string_view payload,
                      const PublishOptions& options);
Buffer encoded(const MessageProperties& properties);

}  // namespace godwit::world
