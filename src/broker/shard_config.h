// ShardConfig: what a shard is told once.
#pragma once

#include "base/hash.h"
#include "base/ids.h"
#include "broker/options.h"
#include "broker/pace.h"

namespace godwit::broker {

struct SharedRates;

struct ShardConfig {
    ShardId id;
    uint16_t shard_count = 1;                // 1..64
    HashKey hash_key;                        // the same on every shard: it finds homes
    uint64_t random_seed = 1;                // for assigned client ids
    const BrokerOptions* options = nullptr;  // outlives the shard
    PaceLimits pace;
    SharedRates* rates = nullptr;  // of all shards, outlives them; null: there is one shard
};

}  // namespace godwit::broker
