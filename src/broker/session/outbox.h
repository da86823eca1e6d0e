// Outbox: what a session still owes its client: a queue in order, and the window of messages sent
// and not acknowledged. Made when the first message waits, gone when nothing does. Source: MQTT 5.0
// sections 4.3, 4.4, 4.6 and 4.9; [MQTT5-4.4.0-1] [MQTT5-4.6.0-5]
#pragma once

#include "base/ring.h"
#include "broker/envelope.h"

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
    uint64_t group_token = 0;  // 0: not of a shared group, or not its any more
    ObjectId group_kept;       // the group's durable object at its home; 0: none
};

/// A message on its way to one session.
struct OutboxEntry {
    MessageRef message;  // null: it is on disk, and asked for
    std::unique_ptr<DeliveryExtras> extras;
    uint32_t subscription_id = 0;
    ObjectId kept;       // the message's durable object; 0: none
    uint32_t taker = 0;  // this session's place among the takers of that object
    uint32_t bytes = 0;  // what it counts for while it waits
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;  // the RETAIN flag it goes out with

    uint64_t group_token() const { return extras ? extras->group_token : 0; }
};

/// A message that waits on disk alone; the rest of what is to be known stands there.
struct Parked {
    ObjectId kept;
    uint32_t taker : 30 = 0;
    uint32_t qos : 2 = 0;
};
static_assert(sizeof(Parked) == 8, "docs/durability.md: memory of queued messages");

struct Inflight {
    OutboxEntry entry;  // message empty once only PUBREL is owed
    PacketId packet_id;
    bool released = false;  // QoS 2: PUBREC came, PUBREL is what is owed
    bool sent = true;       // false: what is owed waits for `ticket`, or for the next connection
    bool lent = false;      // it may not leave before the group has forgotten it
    uint64_t ticket = 0;    // it may leave once this much is on disk
};

struct Outbox {
    Ring<OutboxEntry> queue;    // what goes next
    Ring<Parked> parked;        // what goes after that
    Ring<Inflight> inflight;    // in the order of sending
    uint64_t queued_bytes = 0;  // of queue and parked
    uint32_t queued_qos0 = 0;   // in queue
    uint32_t to_resend = 0;     // at the end of inflight: not yet sent again on this connection
    uint32_t unsent = 0;        // of inflight: Inflight::sent is false

    bool empty() const { return queue.empty() && parked.empty() && inflight.empty(); }
    /// Something waits to be sent for the first time.
    bool waits() const { return !queue.empty() || !parked.empty(); }
    size_t queued_count() const { return queue.size() + parked.size(); }
    /// Gives back what short queues keep while they are empty.
    void trim();
    void push_back(OutboxEntry entry);
    OutboxEntry pop_front();
    /// nullptr when no such packet is in flight. @cost from the oldest on: O(1) for clients that
    /// answer in order
    Inflight* find(PacketId packet_id);
    void erase(PacketId packet_id);
    /// Of what waits for the disk, the last: what goes behind it waits as long.
    uint64_t last_unsent_ticket() const;
    /// Takes number `i` of what is in flight out of it.
    Inflight take_inflight(size_t i);
};

}  // namespace godwit::broker
