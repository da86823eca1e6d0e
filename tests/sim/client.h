// Client: a client that follows MQTT's rules by itself: session state kept across connections, QoS
// 1 and 2 in both directions with what was unacknowledged sent again, keep alive, Receive Maximum,
// topic aliases, reconnecting. It writes down what it sends and sees, and every broken rule of the
// broker that one connection can see (Event::Fault).
// Source: MQTT 5.0 section 4, MQTT 3.1.1 section 4.
#pragma once

#include "mqtt/decoder.h"
#include "sim/cluster.h"
#include "sim/network.h"

#include <deque>
#include <map>
#include <string>
#include <vector>

namespace godwit::sim {

struct Surroundings {
    Agenda& agenda;
    Network& network;
    Cluster& cluster;
    History& history;
};

class Client {
public:
    Client(uint32_t number, const ClientPlan& plan, Surroundings around)
        : number_(number), plan_(plan), around_(around), next_wish_(plan.connect) {}

    /// Comes now, and from now on comes back by itself.
    void begin();
    void act(const Action& action);
    /// Something arrived on one of its wires.
    void on_wire(Wire& wire);
    /// One of its times has come.
    void on_wake();
    /// Reads, acknowledges and stays from now on.
    void calm();
    /// Online, and nothing is owed in either direction.
    bool settled() const { return trouble().empty(); }
    /// What it still waits for; empty: nothing.
    std::string trouble() const;
    const std::string& id() const { return plan_.id; }
    size_t wanted_count() const { return wanted_.size(); }

private:
    enum class State : uint8_t { Offline, Connecting, Online };
    /// A publish of ours at QoS 1 or 2, sent and not through.
    struct Outgoing {
        uint32_t message = kNone;
        uint16_t packet_id = 0;
        bool released = false;  // PUBREC came
    };
    /// A SUBSCRIBE or UNSUBSCRIBE that is not answered.
    struct Request {
        bool subscribes = true;
        std::vector<SubscribeWish> wishes;
        uint16_t packet_id = 0;  // 0: not sent on this connection
    };
    struct PendingAck {
        Instant at;
        mqtt::PacketType type;
        uint16_t packet_id = 0;
        uint32_t message = kNone;
    };
    struct OldWire {
        Wire* wire;
        Instant end;
        CutKind kind;
    };
    struct PendingPublish {
        uint32_t message;
        bool alias;
    };

    // --- connecting (client.cpp) ---
    void dial();
    void leave(CutKind kind, Duration pause);
    void say_goodbye(const Action& action);
    void on_lost();
    void forget_session();
    void check_keepalive();
    void end_old_wires();
    void act_on_connection(const Action& action);
    void wake_at(Instant at) { around_.agenda.put(at, Due::Kind::WakeClient, number_); }
    Instant now() const { return around_.agenda.now(); }

    // --- asking (client_send.cpp) ---
    uint64_t send(Bytes bytes);
    void publish(const PublishWish& wish);
    void send_publish(uint32_t message, uint16_t packet_id, bool dup, bool alias);
    void send_pubrel(uint16_t packet_id);
    void send_waiting();
    void send_requests();
    void send_request(Request& request);
    void resend();
    void send_acks();
    void send_ack(const PendingAck& ack);
    void unsubscribe(uint32_t which);
    uint16_t next_packet_id();
    uint32_t add_message(const PublishWish& wish);
    Buffer connect_bytes(uint32_t will) const;

    // --- hearing (client_receive.cpp) ---
    void read();
    void on_frame(const mqtt::Frame& frame);
    void on_packet(const mqtt::Frame& frame);
    void on_connack(const mqtt::Connack& packet);
    void on_publish(const mqtt::Publish& packet, uint32_t size);
    bool check_publish(const mqtt::Publish& packet, std::string_view topic);
    std::optional<std::string> resolve_topic(const mqtt::Publish& packet);
    uint32_t identify(const mqtt::Publish& packet, std::string_view topic);
    void take_qos1(const mqtt::Publish& packet, uint32_t message);
    bool take_qos2(const mqtt::Publish& packet, uint32_t message);
    void on_ack(mqtt::PacketType type, const mqtt::Ack& ack);
    void on_pubrel(const mqtt::Ack& ack);
    void on_request_answer(bool subscribes, const mqtt::Suback& packet);
    bool may_refuse() const;
    void ask_again(Request request);
    void owe_ack(mqtt::PacketType type, uint16_t packet_id, uint32_t message);

    Event& note(Event::Kind kind);
    void fault(std::string why);
    Moment written_now() const;

    const uint32_t number_;
    const ClientPlan& plan_;
    Surroundings around_;
    ConnectWish wish_;       // of this connection, or the last one
    ConnectWish next_wish_;  // of the next

    // --- the session ---
    std::deque<PendingPublish> waiting_;
    std::deque<Outgoing> outgoing_;
    std::map<uint16_t, uint32_t> incoming_;  // QoS 2: PUBLISH came, PUBREL did not: message
    std::deque<Request> requests_;
    std::map<std::string, SubscribeWish> wanted_;
    uint16_t last_packet_id_ = 0;
    bool clean_owed_ = false;  // a clean start was asked for, and no CONNACK has come

    // --- the connection ---
    State state_ = State::Offline;
    Wire* wire_ = nullptr;
    std::vector<OldWire> old_wires_;
    Instant come_back_ = kNever;
    Instant answer_due_ = kNever;  // CONNACK, or PINGRESP
    Instant give_up_at_ = kNever;  // notices by itself that the connection is dead
    Duration next_pause_{};        // before it comes back, when the connection goes
    uint64_t accepted_order_ = 0;  // of the last connection whose CONNACK it saw
    Buffer in_;
    uint64_t in_offset_ = 0;  // of the broker's stream, at the end of the current packet
    uint16_t keepalive_s_ = 0;
    uint16_t send_window_ = 0;
    uint16_t alias_max_ = 0;
    uint32_t pings_ = 0;       // unanswered
    bool told_to_go_ = false;  // DISCONNECT came
    Instant last_sent_;
    std::map<std::string, uint16_t, std::less<>> aliases_out_;
    std::map<uint16_t, std::string> aliases_in_;
    std::map<uint16_t, uint32_t>
        unacked_;  // received on this connection, not acknowledged: message
    std::deque<PendingAck> acks_;
    Instant acks_held_until_;
    Instant reads_from_;
    Instant slow_until_;
    Instant slow_next_;
    Instant requests_from_;  // what was refused is asked again no earlier
    bool quiet_ = false;
};

}  // namespace godwit::sim
