#include "server/opening.h"

#include "os/clock.h"
#include "os/entropy.h"

#include <algorithm>

namespace godwit::server {

namespace {

Duration ahead_after(const broker::ClockRecord& clock) {
    return broker::clock_after(clock, os::wall_now()) - os::monotonic_now();
}

Result<OpenedShard, std::string> open_shard(DataDirectory& data, const broker::ShardConfig& config,
                                            store::Options options, os::LogWriter& log) {
    OpenedShard opened;
    options.salt = uint32_t(os::random_hash_key().k0);
    auto found =
        broker::Shard::open(config, data.directory(), data.folder(config.id), options, opened.fx);
    if (!found) return Err{"shard " + std::to_string(config.id.value) + ": " + found.error().what};
    for (const store::Damage& each : found->damage)
        log.log(LogLine(LogLevel::Error, "state.damaged").add("detail", each.what));
    opened.shard = std::move(found->shard);
    opened.found = std::move(found->found);
    for (const std::string& each : opened.found.refused)
        log.log(LogLine(LogLevel::Error, "state.refused")
                    .add("shard", config.id.value)
                    .add("detail", each));
    return opened;
}

}  // namespace

Instant OpenedShards::now() const {
    return os::monotonic_now() + clock_ahead;
}

std::vector<broker::ShardSeat> OpenedShards::seats() {
    std::vector<broker::ShardSeat> seats;
    for (OpenedShard& each : shards) seats.push_back({each.shard.get(), &each.fx});
    return seats;
}

void OpenedShards::restart(const auth::Policy* policy) {
    const Instant at = now();
    broker::settle(seats(), at, os::wall_now());
    for (OpenedShard& each : shards) {
        each.shard->handle(broker::PolicyChanged{policy}, at, each.fx);
        each.shard->handle(broker::Restarted{}, at, each.fx);
    }
}

Result<OpenedShards, std::string> open_shards(DataDirectory& data,
                                              const broker::ShardConfig& config,
                                              const store::Options& store, os::LogWriter& log) {
    OpenedShards opened;
    for (uint16_t i = 0; i < data.shard_count(); ++i) {
        broker::ShardConfig own = config;
        own.id = {i};
        own.random_seed = os::random_hash_key().k0;
        auto shard = open_shard(data, own, store, log);
        if (!shard) return Err{shard.error()};
        if (const auto& clock = shard->found.clock)
            opened.clock_ahead = std::max(opened.clock_ahead, ahead_after(*clock));
        opened.shards.push_back(std::move(*shard));
    }
    return opened;
}

}  // namespace godwit::server
