// ExactRoutes: which other shards want the names that their filters without wildcards say. Hashes
// and no texts, since most filters of most shards are such: a message may cross in vain, when two
// texts share 30 bits of a hash whose key nobody outside knows. It never stays where it is wanted.
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

/// @cost  6 to 8 bytes for a filter of a shard
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
    /// Filters that share a tag have a cell each, so that each can go for itself.
    struct Cell {
        uint32_t short_tag : 24;
        uint32_t wants : 8;  // 2 x shard + whether a log keeps it; kNobody: empty
        uint32_t tag() const { return tag_of(short_tag); }
        bool empty() const { return wants == kNobody; }
        constexpr void clear() { short_tag = kShortTagMax, wants = kNobody; }

        static constexpr uint32_t kShortTagMax = (1u << 24) - 1;
        /// The table asks of a tag's low bits that they tell apart those with the same high bits.
        static constexpr uint32_t tag_of(uint32_t short_tag) {
            return short_tag << 8 | (short_tag >> 6 & 0xff);
        }
    };
    static_assert(sizeof(Cell) == 4, "docs/adr/0018-idle-memory.md");
    static constexpr uint32_t kNobody = UINT8_MAX;
    using Cells = topic::CellTable<Cell>;
    /// As a cell can hold it: of its upper half only 24 bits are the name's own.
    uint64_t hash_of(std::string_view name) const;

    HashKey key_;
    Cells cells_;
    size_t size_ = 0;
};

}  // namespace godwit::broker
