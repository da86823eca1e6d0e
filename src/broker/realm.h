// Realm: one tenant on one shard: its routes, retained messages and shared groups, and the books of
// what it holds.
#pragma once

#include "base/rate_gate.h"
#include "broker/envelope.h"
#include "broker/realm_report.h"
#include "broker/routing/retained.h"
#include "broker/routing/router.h"
#include "broker/shard_config.h"

#include <map>
#include <string>
#include <vector>

namespace godwit::broker {

/// One tenant on this shard.
struct Realm {
    Realm(RealmId realm, const RealmOptions& its, const ShardConfig& config)
        : id(realm),
          name(its.name),
          limits(its.limits.value_or(config.options->limits.realm)),
          router(config.hash_key, config.id),
          arrival_rate(share_of(limits, config.shard_count)),
          told_by(config.shard_count) {}
    RealmId id;
    std::string name;
    RealmLimits limits;
    Router router;
    Retained retained;
    std::map<GroupKey, GroupRef> groups;  // whose home this shard is
    Rate arrival_rate;                    // this shard's share of the clients that may come in
    RateGate arrivals;

    // --- what it holds; see limiting.h ---
    RealmUse here;                  // but for what `retained` itself knows
    RealmUse told;                  // to the other shards
    std::vector<RealmUse> told_by;  // the other shards
    RealmUse elsewhere;             // of told_by the sum
    RealmRefusals refused;

    // --- its memory here, while some realm has a bound for it; see realm_memory.h ---
    uint64_t memory = 0;           // but for retained messages
    uint64_t fresh_output = 0;     // of it, written in this turn
    Memory state = Memory::Ample;  // as its judge says

private:
    /// Client ids are spread evenly, so each shard lets in as many.
    static Rate share_of(const RealmLimits& limits, uint16_t shards) {
        const uint32_t burst = (limits.connection_burst + shards - 1) / shards;
        Rate share = Rate::per_second(limits.connection_rate, burst);
        share.step *= shards;
        return share;
    }
};

}  // namespace godwit::broker
