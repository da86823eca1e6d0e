// SessionReport: one session as its home shard saw it at the end of its last turn, for people.
#pragma once

#include "base/ids.h"
#include "base/instant.h"
#include "broker/counters.h"
#include "broker/losses.h"
#include "mqtt/packets.h"

#include <optional>

namespace godwit::broker {

/// Of the client's present connection: how its rates held it back.
struct HeldBackReport {
    std::optional<RateOf> by;  // now; nullopt: it is not
    uint64_t times = 0;
    Duration held{};  // all together
};

struct SessionReport {
    ShardId shard;  // its home
    mqtt::Version version = mqtt::Version::V5;
    bool online = false;
    uint64_t subscriptions = 0;  // memberships in shared groups included
    uint64_t queued = 0;         // messages that wait for the client
    uint64_t queued_bytes = 0;
    uint64_t inflight = 0;      // sent and not acknowledged
    uint64_t expires_in_s = 0;  // while offline
    HeldBackReport held_back;
    Losses lost;  // since the session, or the broker, began
};

}  // namespace godwit::broker
