#include "broker/routing/exact_routes.h"

#include "base/assert.h"

namespace godwit::broker {

namespace {

uint32_t wish_of(ShardId shard, Interest interest) {
    return 2u * shard.value + uint32_t(interest == Interest::Kept);
}

}  // namespace

uint64_t ExactRoutes::hash_of(std::string_view name) const {
    const uint64_t hash = keyed_hash(as_bytes(name), key_);
    return uint64_t(Cell::tag_of(uint32_t(hash >> 40))) << 32 | uint32_t(hash);
}

void ExactRoutes::change(std::string_view filter, ShardId shard, InterestChange change) {
    GW_ASSERT(change.before != change.now);
    const uint64_t hash = hash_of(filter);
    if (change.before == Interest::None) {
        cells_.insert(hash, {Cells::tag_of(hash) >> 8, wish_of(shard, change.now)});
        ++size_;
        return;
    }
    Cell* cell = cells_.first(hash);
    while (Cells::has_tag(cell, hash) && cell->wants != wish_of(shard, change.before)) ++cell;
    GW_ASSERT(Cells::has_tag(cell, hash));
    if (change.now != Interest::None) {
        cell->wants = wish_of(shard, change.now);
        return;
    }
    cells_.erase(hash, cell);
    --size_;
}

void ExactRoutes::match(std::string_view name, RemoteShards& wanting) const {
    if (size_ == 0) return;
    const uint64_t hash = hash_of(name);
    if (!cells_.may_hold(hash)) return;
    for (const Cell* cell = cells_.first(hash); Cells::has_tag(cell, hash); ++cell) {
        const uint64_t bit = uint64_t(1) << cell->wants / 2;
        wanting.shards |= bit;
        if (cell->wants % 2 != 0) wanting.kept_shards |= bit;
    }
}

}  // namespace godwit::broker
