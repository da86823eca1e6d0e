// Outbox: what a session still owes its client: a queue in order, and the window of messages sent
// and not acknowledged. Made when the first message waits, gone when nothing does. Source: MQTT 5.0
// sections 4.3, 4.4, 4.6 and 4.9; [MQTT5-4.4.0-1] [MQTT5-4.6.0-5]
#pragma once

#include "broker/envelope.h"

#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace godwit::broker {

/// What few deliveries have.
struct DeliveryExtras {
    std::vector<uint32_t> more_subscription_ids;
    ShardId group_home;
    GroupRef group;
    uint32_t membership = 0;   // through which it came
    uint64_t group_token = 0;  // 0: not of a shared group
};

/// A message on its way to one session.
struct OutboxEntry {
    MessageRef message;
    std::unique_ptr<DeliveryExtras> extras;
    uint32_t subscription_id = 0;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;  // the RETAIN flag it goes out with

    uint64_t group_token() const { return extras ? extras->group_token : 0; }
};

struct Inflight {
    OutboxEntry entry;  // message empty once only PUBREL is owed
    PacketId packet_id;
    bool released = false;  // QoS 2: PUBREC came, PUBREL was sent
};

struct Outbox {
    std::deque<OutboxEntry> queue;
    std::deque<Inflight> inflight;  // in the order of sending
    uint64_t queued_bytes = 0;
    uint32_t queued_qos0 = 0;  // in queue
    uint32_t to_resend = 0;    // at the end of inflight: not yet sent again on this connection

    bool empty() const { return queue.empty() && inflight.empty(); }
    void push_back(OutboxEntry entry);
    OutboxEntry pop_front();
    /// nullptr when no such packet is in flight. @cost from the oldest on: O(1) for clients that
    /// answer in order
    Inflight* find(PacketId packet_id);
    void erase(PacketId packet_id);
};

}  // namespace godwit::broker
