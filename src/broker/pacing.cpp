#include "broker/pacing.h"

#include "broker/reading.h"
#include "broker/scarcity.h"

#include <bit>

namespace godwit::broker {

namespace {

void add(PublishesTaken& sum, const Message& message) {
    if (message.qos() != mqtt::Qos::AtMostOnce) return;
    ++sum.count;
    sum.bytes += message.size_bytes();
}

bool is_behind(const Core& core, const PublishesTaken& on_the_way) {
    const uint64_t usual = core.config.pace.untaken_bytes_max;
    const uint64_t bytes_max = is_scarce(core) ? std::min(usual, kScarceUntakenBytes) : usual;
    return on_the_way.count >= core.config.pace.untaken_max || on_the_way.bytes >= bytes_max;
}

}  // namespace

void note_posted(Core& core, ShardId to, const Message& message) {
    add(core.pace.ways[to.value].untaken, message);
}

void note_taken(Core& core, ShardId from, const Message& message) {
    add(core.pace.ways[from.value].taken, message);
}

void wait_for_slow(Core& core, Connection& c, uint64_t shards) {
    for (; shards != 0; shards &= shards - 1) {
        const auto shard = size_t(std::countr_zero(shards));
        if (!is_behind(core, core.pace.ways[shard].untaken)) continue;
        core.pace.ways[shard].waiting.push_back(c.id);
        return pause_reading(core, c, Pause::Crossing);
    }
}

void tell_taken(Core& core) {
    for (uint16_t i = 0; i < core.config.shard_count; ++i)
        if (core.pace.ways[i].taken.count > 0)
            core.post({i}, std::exchange(core.pace.ways[i].taken, {}));
}

void on_publishes_taken(Core& core, ShardId from, const PublishesTaken& in) {
    PublishesTaken& left = core.pace.ways[from.value].untaken;
    left.count -= in.count;
    left.bytes -= in.bytes;
    if (is_behind(core, {2 * left.count, 2 * left.bytes})) return;
    for (const ConnectionId id : std::exchange(core.pace.ways[from.value].waiting, {}))
        if (Connection* c = core.find(id)) resume_reading(core, *c, Pause::Crossing);
}

}  // namespace godwit::broker
