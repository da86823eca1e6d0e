// ClientProtocol: the client's side of MQTT, without I/O. The driver appends received bytes to
// input(), takes events out one by one, and sends what output() holds. Time is an argument.
//   protocol.begin(now);                       a transport is open: CONNECT is in output()
//   put_bytes(protocol.input(), received);
//   while (auto event = protocol.next_event()) ...
//   send(protocol.output()); protocol.output_taken(now);
// It outlives its connections: begin() again resumes the session with what is unacknowledged.
// The server is not trusted: a packet that breaks a rule ends the connection, with a DISCONNECT
// that says why. Source: MQTT 5.0 sections 3 and 4, MQTT 3.1.1 sections 3 and 4, MQTT 3.1.
#pragma once

#include "base/instant.h"
#include "base/result.h"
#include "client/login.h"
#include "mqtt/decoder.h"
#include "mqtt/encoder.h"

#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace godwit::client {

/// What is to be published.
struct Message {
    std::string topic;
    std::string payload;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    // 5.0
    uint16_t topic_alias = 0;  // 0: none; told with the topic once a connection, then in its place
    std::optional<uint32_t> expiry_s;
    Buffer properties;  // encoded list of the others
};

// --- what happened ---

/// The server has accepted us. Publishing and subscribing may begin.
struct Connected {
    mqtt::Connack packet;
};
/// A message, once each. `packet.topic` is never empty: a topic alias is resolved.
struct Received {
    mqtt::Publish packet;
};
/// A message of ours with QoS 1 or 2 is done with: taken by the server, or refused by it.
struct Published {
    PacketId id;
    mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
    std::string_view reason_string;
};
struct Subscribed {
    mqtt::Suback packet;  // one reason for each filter that was asked for
};
struct Unsubscribed {
    mqtt::Suback packet;  // 3.x: without reasons
};
enum class EndCause : uint8_t {
    Refused,           // CONNACK with an error
    ByServer,          // DISCONNECT from the server
    ServerFault,       // the server broke a rule; `reason_string` says which
    KeepAliveTimeout,  // the server did not answer a PINGREQ
};
/// The connection is over: send what output() still holds, then close it.
struct Ended {
    EndCause cause = EndCause::ServerFault;
    mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
    std::string reason_string;     // as the server said it, or our own words about its fault
    std::string server_reference;  // where to go instead
};

/// Views in an event live until next_event(), input() or begin() is called.
using Event = std::variant<Connected, Received, Published, Subscribed, Unsubscribed, Ended>;

enum class SendError : uint8_t {
    NotConnected,
    WindowFull,  // as many messages are unacknowledged as may be: wait for Published
    BadTopic,
    TooLarge,  // for the server's maximum packet size
    QosNotSupported,
    RetainNotSupported,
    AliasNotAllowed,  // above the server's topic alias maximum
};
/// For messages: "the message is larger than the broker takes".
std::string_view describe(SendError error);

struct ProtocolLimits {
    uint16_t inflight_max = 20;  // unacknowledged messages of ours; the server may allow fewer
    uint32_t aliases_bytes_max = 1 << 20;  // topics of the server's aliases, all together
};

/// A packet that came in, for debug output.
struct SeenPacket {
    mqtt::PacketType type{};
    uint32_t bytes = 0;
};

class ClientProtocol {
public:
    explicit ClientProtocol(Login login, ProtocolLimits limits = {});
    ClientProtocol(const ClientProtocol&) = delete;
    ClientProtocol& operator=(const ClientProtocol&) = delete;

    // --- the connection ---

    /// A new transport connection is open. Forgets what belonged to the one before, keeps the
    /// session, writes CONNECT.
    void begin(Instant now);
    /// Where the driver appends what it received.
    Buffer& input();
    /// The next event in the input; nullopt when there is none. Ended comes last, and once.
    /// @cost  one pass over the packet, no allocation but for the first mention of an alias
    std::optional<Event> next_event();
    /// What time asks for: a PINGREQ, or Ended when the server has not answered the last one.
    std::optional<Event> tick(Instant now);
    /// When tick is due; nullopt while nothing waits for time.
    std::optional<Instant> next_deadline() const;
    /// To be sent; whole packets.
    Bytes output() const { return output_; }
    /// The driver has taken the output; from now on the keep alive counts.
    void output_taken(Instant now);
    bool is_connected() const { return state_ == State::Connected; }

    // --- requests, while is_connected() ---

    /// Sends a message and, at QoS 1 and 2, keeps it until it is acknowledged.
    /// @return  the packet id that Published will name; 0 at QoS 0
    /// @errors  nothing was sent
    Result<PacketId, SendError> publish(const Message& message);
    /// @param request  its packet_id is chosen here
    /// @errors         NotConnected, TooLarge
    Result<PacketId, SendError> subscribe(mqtt::SubscribeRequest request);
    Result<PacketId, SendError> unsubscribe(mqtt::UnsubscribeRequest request);
    /// Writes DISCONNECT; nothing may be asked for afterwards, and no event follows but Ended.
    void disconnect(const mqtt::Disconnect& packet);

    // --- the session ---

    /// Messages of ours that are not done with.
    size_t unacknowledged() const { return unacknowledged_.size() + unreleased_.size(); }
    bool window_is_full() const { return unacknowledged() >= window(); }
    mqtt::Version version() const { return login_.version; }
    const Login& login() const { return login_; }
    /// Packets that came in since the last call, oldest first; recorded once asked for.
    std::vector<SeenPacket> take_seen();

private:
    enum class State : uint8_t { Idle, Connecting, Connected, Leaving, Over };
    /// Of ours, from PUBLISH until PUBACK or PUBREC.
    struct Kept {
        PacketId id;
        Message message;
        bool sent_before = false;  // in this session: a further time is a duplicate
        bool on_the_wire = false;  // in this connection
    };
    /// What the server allows in this connection.
    struct ServerLimits {
        uint16_t receive_maximum = 65535;
        uint32_t packet_bytes_max = mqtt::kPacketBytesMax;
        uint16_t topic_alias_maximum = 0;
        mqtt::Qos maximum_qos = mqtt::Qos::ExactlyOnce;
        bool retain_available = true;
    };
    using Step = Result<std::optional<Event>, mqtt::DecodeError>;

    bool is_v5() const { return login_.version == mqtt::Version::V5; }
    size_t window() const;
    PacketId take_id();
    bool is_used(PacketId id) const;
    std::optional<SendError> refusal(const Message& message) const;
    Result<PacketId, SendError> note_request(PacketId id, size_t filter_count, size_t begin);

    Step on_frame(const mqtt::Frame& frame);
    Step on_connack(const mqtt::Frame& frame);
    Step on_publish(const mqtt::Frame& frame);
    Step on_ack(const mqtt::Frame& frame);
    Step on_puback(const mqtt::Ack& ack);
    Step on_pubrec(const mqtt::Ack& ack);
    Step on_pubrel(const mqtt::Ack& ack);
    Step on_pubcomp(const mqtt::Ack& ack);
    Step on_suback(const mqtt::Frame& frame);
    Step on_unsuback(const mqtt::Frame& frame);
    Step on_disconnect(const mqtt::Frame& frame);
    Step on_auth(const mqtt::Frame& frame);
    Result<Done, mqtt::DecodeError> resolve_alias(mqtt::Publish& packet);
    Result<Done, mqtt::DecodeError> check_answer(const mqtt::Suback& packet, bool has_reasons);

    Event end_by_fault(const mqtt::DecodeError& fault);
    void adopt_limits(const mqtt::Connack& packet);
    void resume(bool session_present);
    void send_waiting();
    std::deque<Kept>::iterator find_sent(PacketId id);
    void put_publish(const Message& message, PacketId id, bool dup);

    const Login login_;
    const mqtt::Connect connect_;  // views into login_
    const ProtocolLimits limits_;
    State state_ = State::Idle;
    Buffer input_;
    size_t consumed_ = 0;
    Buffer output_;
    ServerLimits server_;

    // keep alive
    Duration keepalive_{};
    Instant last_sent_{};
    std::optional<Instant> ping_sent_;

    // our messages
    uint16_t last_id_ = 0;
    std::deque<Kept> unacknowledged_;
    std::deque<PacketId> unreleased_;     // PUBREL sent, in the order of the PUBRECs
    std::deque<PacketId> lost_releases_;  // taken by the server before it lost the session
    size_t waiting_count_ = 0;            // of unacknowledged_, not yet on the wire
    std::unordered_set<uint16_t> aliases_out_;
    /// SUBSCRIBE and UNSUBSCRIBE without answer: how many filters they had.
    std::unordered_map<uint16_t, size_t> requests_;

    // the server's messages
    std::unordered_set<uint16_t> received_;  // QoS 2, PUBREC sent, PUBREL not yet here
    std::unordered_map<uint16_t, std::string> aliases_in_;
    size_t aliases_in_bytes_ = 0;

    bool records_ = false;
    std::vector<SeenPacket> seen_;
};

}  // namespace godwit::client
