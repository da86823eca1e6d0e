// Homes: which shard a key lives on. The same on every shard, and after a restart too: it follows
// from the key alone, the hash key of the broker and the number of shards.
#pragma once

#include "base/hash.h"
#include "broker/envelope.h"

#include <string_view>

namespace godwit::broker {

inline constexpr uint16_t kShardsMax = 64;

struct Homes {
    HashKey key;
    uint16_t shard_count = 1;  // 1..kShardsMax

    /// Key of a session, in hashes and on the wire between shards.
    uint64_t client_hash(RealmId realm, std::string_view client_id) const;
    ShardId of_client(RealmId realm, std::string_view client_id) const;
    /// Of a topic's retained message.
    ShardId of_topic(RealmId realm, std::string_view topic) const;
    ShardId of_group(const GroupKey& group) const;
};

}  // namespace godwit::broker
