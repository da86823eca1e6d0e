// AckGate: holds PUBACK and PUBREC until what they promise is true, then lets them go in arrival
// order. A Receipt names what must be true: every shard in `shards` has confirmed the publish
// numbered `number`. Source: [MQTT5-4.6.0-2] [MQTT5-4.6.0-3] (order, as a client would owe it),
// DESIGN.md "an acknowledgement is a fact".
#pragma once

#include "base/ids.h"
#include "mqtt/reason_code.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace godwit::broker {

struct Receipt {
    uint64_t shards = 0;  // bit i: shard i still has to confirm
    uint64_t number = 0;
    bool taken = false;  // somebody subscribes, here or elsewhere
};

class AckGate {
public:
    struct Held {
        ConnectionId connection;
        PacketId packet_id;
        bool exactly_once = false;  // PUBREC, else PUBACK
        mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
        Receipt receipt;
    };

    explicit AckGate(uint16_t shard_count) : confirmed_(shard_count, 0) {}

    /// True when nothing is held before it and the receipt is satisfied: acknowledge at once
    /// instead of hold().
    bool may_pass(const Receipt& receipt) const { return held_.empty() && satisfied(receipt); }
    void hold(Held held) { held_.push_back(held); }
    void confirm(ShardId shard, uint64_t upto) { confirmed_[shard.value] = upto; }
    /// The next acknowledgement that may leave. @cost O(1) for each
    std::optional<Held> release();
    size_t size() const { return held_.size(); }

private:
    bool satisfied(const Receipt& receipt) const;
    std::vector<uint64_t> confirmed_;
    std::deque<Held> held_;
};

}  // namespace godwit::broker
