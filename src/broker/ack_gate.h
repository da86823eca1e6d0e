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
    bool crossing = false;    // posted to the other shards, and numbered, once `ticket` is on disk
    Lane lane = Lane::Usual;  // of a crossing one Usual
    uint64_t ticket = 0;      // of the log; 0: nothing was written for it
};

/// An acknowledgement to be sent.
struct HeldAck {
    ConnectionId connection;
    SessionRef session;  // the publisher's
    PacketId packet_id;
    bool exactly_once = false;  // PUBREC, else PUBACK
    mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
};

class AckGate {
public:
    explicit AckGate(uint16_t shard_count) : confirmed_(shard_count * kLanes, 0) {}

    /// True when nothing is held before it and the receipt is satisfied: acknowledge at once
    /// instead of hold().
    bool may_pass(const Receipt& receipt) const {
        return lines_[size_t(receipt.lane)].held.empty() && satisfied(receipt);
    }
    /// @return  a key for number(), if it crosses
    uint64_t hold(const HeldAck& ack, const Receipt& receipt);
    /// The crossing publish behind this key was posted under this number.
    void number(uint64_t key, uint64_t number);
    /// Whose publish waits for this confirmation; nullptr: nobody's.
    const HeldAck* find(Lane lane, uint64_t number) const;
    /// That publish was refused by another shard: its acknowledgement says so once the log is on
    /// disk up to `ticket`, and so does that of the same QoS 2 publish sent again meanwhile.
    void refuse(Lane lane, uint64_t number, mqtt::ReasonCode reason, uint64_t ticket);
    void confirm(ShardId shard, const PublishConfirm& confirm) {
        confirmed_[lane_of(shard, confirm.lane)] = confirm.upto;
    }
    void set_durable(uint64_t ticket) { durable_ = ticket; }
    /// The next acknowledgement that may leave. @cost O(1) for each
    std::optional<HeldAck> release();
    size_t size() const { return lines_[0].ids.size() + lines_[1].ids.size(); }

private:
    /// `count` acknowledgements that wait for the same and are alike but for their packet ids: what
    /// a client publishes in one turn.
    struct Held {
        HeldAck ack;  // the first
        Receipt receipt;
        uint32_t count = 1;
        bool is_like(const HeldAck& other, const Receipt& its) const;
        bool waits_for(uint64_t number) const {
            return receipt.shards != 0 && receipt.number == number;
        }
    };
    struct Line {
        std::deque<Held> held;
        std::deque<PacketId> ids;  // of all of them, in order
    };
    bool satisfied(const Receipt& receipt) const;

    std::vector<uint64_t> confirmed_;  // by shard and lane
    uint64_t durable_ = 0;
    uint64_t released_ = 0;           // entries of the usual lane
    std::array<Line, kLanes> lines_;  // by lane
};

}  // namespace godwit::broker
