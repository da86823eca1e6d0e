// AckGate: holds PUBACK and PUBREC until what they promise is true, then lets them go in arrival
// order, each lane by itself. A Receipt names what must be true: this shard's log is on disk up to
// `ticket`, and every shard in `shards` has confirmed the publish numbered `number`. Source:
// [MQTT5-4.6.0-2] [MQTT5-4.6.0-3] (order, as a client would owe it), DESIGN.md "an acknowledgement
// is a fact".
#pragma once

#include "base/ids.h"
#include "broker/envelope.h"
#include "mqtt/reason_code.h"

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace godwit::broker {

struct Receipt {
    uint64_t shards = 0;      // bit i: shard i still has to confirm
    uint64_t number = 0;      // in its lane
    bool taken = false;       // somebody subscribes, here or elsewhere
    bool refused = false;     // nobody was given it: a queue is full
    uint64_t ticket = 0;      // of the log; 0: nothing was written for it
    bool crossing = false;    // posted to the other shards, and numbered, once `ticket` is on disk
    Lane lane = Lane::Usual;  // of a crossing one Usual
};

class AckGate {
public:
    struct Held {
        ConnectionId connection;
        SessionRef session;  // the publisher's
        PacketId packet_id;
        bool exactly_once = false;  // PUBREC, else PUBACK
        mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
        Receipt receipt;
        uint32_t more = 0;  // the gate's: so many more wait that are alike but for their packet id
    };

    explicit AckGate(uint16_t shard_count) : confirmed_(shard_count * kLanes, 0) {}

    /// True when nothing is held before it and the receipt is satisfied: acknowledge at once
    /// instead of hold().
    bool may_pass(const Receipt& receipt) const {
        return lines_[size_t(receipt.lane)].held.empty() && satisfied(receipt);
    }
    /// @return  a key for number(), if it crosses
    uint64_t hold(Held held);
    /// The crossing publish behind this key was posted under this number.
    void number(uint64_t key, uint64_t number);
    /// Who waits for the confirmation of this publish; nullptr: nobody.
    const Held* find(Lane lane, uint64_t number) const;
    /// That publish was refused by another shard: its acknowledgement says so once the log is on
    /// disk up to `ticket`, and so does that of the same QoS 2 publish sent again meanwhile.
    void refuse(const Held& held, mqtt::ReasonCode reason, uint64_t ticket);
    void confirm(ShardId shard, const PublishConfirm& confirm) {
        confirmed_[lane_of(shard, confirm.lane)] = confirm.upto;
    }
    void set_durable(uint64_t ticket) { durable_ = ticket; }
    /// The next acknowledgement that may leave. @cost O(1) for each
    std::optional<Held> release();
    size_t size() const { return lines_[0].size() + lines_[1].size(); }

private:
    /// What a client publishes in one turn waits for the same thing: one entry, and two bytes for
    /// each further one.
    struct Line {
        std::deque<Held> held;
        std::deque<PacketId> more;  // of all entries, in their order
        size_t size() const { return held.size() + more.size(); }
    };
    Line& line_of(const Receipt& receipt) { return lines_[size_t(receipt.lane)]; }
    bool satisfied(const Receipt& receipt) const;

    std::vector<uint64_t> confirmed_;  // by shard and lane
    uint64_t durable_ = 0;
    uint64_t released_ = 0;           // entries of the usual lane
    std::array<Line, kLanes> lines_;  // by lane
};

}  // namespace godwit::broker
