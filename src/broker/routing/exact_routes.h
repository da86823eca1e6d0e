// ExactRoutes: which other shards want the names that their filters without wildcards say. Hashes
// and no texts, since most filters of most shards are such: a message may cross in vain, when two
// texts share 38 bits of a hash whose key nobody outside knows. It never stays where it is wanted.
#pragma once

#include "base/hash.h"
#include "base/ids.h"
#include "broker/envelope.h"
#include "topic/cell_table.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace godwit::broker {

/// Other shards, as sets: bit i is shard i.
struct RemoteShards {
    uint64_t shards = 0;       // they have takers
    uint64_t kept_shards = 0;  // of them, those where a log keeps it for one of them
    friend bool operator==(const RemoteShards&, const RemoteShards&) = default;
};

/// @cost  9 to 14 bytes for a filter of a shard
class ExactRoutes {
public:
    explicit ExactRoutes(HashKey key) : key_(key) {}

    /// What one shard wants of one filter is another than before.
    void change(std::string_view filter, ShardId shard, InterestChange change);

    /// Adds those that want this name. @cost a keyed hash of the name and a probe; none while empty
    void match(std::string_view name, RemoteShards& wanting) const;

    /// Filters of other shards, each counted for each.
    size_t size() const { return size_; }
    size_t memory_bytes() const { return cells_.memory_bytes(); }

private:
    /// Six bytes. Filters that share a tag have a cell each, so that each can go for itself.
    struct Cell {
        uint16_t tag_high, tag_low;
        uint16_t wants;  // 2 x shard + whether a log keeps it; kNobody: empty
        uint32_t tag() const { return uint32_t(tag_high) << 16 | tag_low; }
        bool empty() const { return wants == kNobody; }
        constexpr void clear() { tag_high = tag_low = UINT16_MAX, wants = kNobody; }
    };
    static constexpr uint16_t kNobody = UINT16_MAX;
    using Cells = topic::CellTable<Cell>;
    uint64_t hash_of(std::string_view name) const;

    HashKey key_;
    Cells cells_;
    size_t size_ = 0;
};

}  // namespace godwit::broker
