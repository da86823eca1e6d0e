#include "broker/keeping/crossing.h"

#include "broker/keeping/keeping.h"

#include <bit>

namespace godwit::broker {

namespace {

uint64_t topic_hash(const Core& core, const Message& message) {
    return core.client_hash(message.realm(), message.topic());
}

void post_crossing(Core& core, const Crossing& crossing, uint64_t number) {
    const bool retain = crossing.message->retain();
    const ShardId home = core.home_of_topic(crossing.message->realm(), crossing.message->topic());
    for (uint64_t left = crossing.shards; left != 0; left &= left - 1) {
        const ShardId to{uint16_t(std::countr_zero(left))};
        const bool once = crossing.id.value != 0;
        if (once) core.keeper.crossed[to.value].push_back({number, crossing.id});
        core.post(to, PublishEnvelope{.message = crossing.message,
                                      .number = number,
                                      .route = (crossing.routed >> to.value & 1) != 0,
                                      .keep = retain && to == home,
                                      .once = once,
                                      .refusable = crossing.refusable});
    }
}

void confirmed_by(Core& core, ObjectId id, ShardId shard) {
    Keeper& keeper = core.keeper;
    const auto waiting = keeper.waiting_shards.find(id.value);
    GW_ASSERT(waiting != keeper.waiting_shards.end());
    waiting->second &= ~(uint64_t(1) << shard.value);
    const bool everywhere = waiting->second == 0;
    if (everywhere) keeper.waiting_shards.erase(waiting);
    if (everywhere && !keeper.ledger.any_open(id)) return forget(core, id);
    note_confirmed(core, id, shard);
}

}  // namespace

void add_crossing(Core& core, Crossing crossing) {
    Keeper& keeper = core.keeper;
    ++keeper.crossings_made;
    ++keeper.crossing_topics[topic_hash(core, *crossing.message)];
    keeper.crossings.push_back(std::move(crossing));
}

bool waits_behind_crossing(const Core& core, const Message& message) {
    const auto& topics = core.keeper.crossing_topics;
    if (topics.empty() || message.qos() == mqtt::Qos::AtMostOnce) return false;
    return topics.contains(topic_hash(core, message)) && !GW_MUTANT(OvertakeCrossing);
}

void send_crossings(Core& core) {
    auto& crossings = core.keeper.crossings;
    for (; !crossings.empty() && is_on_disk(core, crossings.front().ticket);
         crossings.pop_front()) {
        const Crossing& crossing = crossings.front();
        const uint64_t number = ++core.publish_number[size_t(Lane::Usual)];
        post_crossing(core, crossing, number);
        ++core.keeper.crossings_posted;
        const auto topic = core.keeper.crossing_topics.find(topic_hash(core, *crossing.message));
        if (--topic->second == 0) core.keeper.crossing_topics.erase(topic);
        if (crossing.gate_key != 0) core.gate.number(crossing.gate_key, number);
    }
}

bool is_known_crossing(Core& core, ShardId from, const Message& message) {
    Keeper& keeper = core.keeper;
    if (!keeper.log) return false;
    uint64_t& newest = keeper.newest_crossing[from.value];
    if (message.stamp() <= newest && !GW_MUTANT(CrossingTwice)) return true;
    newest = message.stamp();
    keep_newest_crossing(core);
    return false;
}

void settle_crossings(Core& core, ShardId from, uint64_t upto) {
    auto& crossed = core.keeper.crossed[from.value];
    for (; !crossed.empty() && crossed.front().number <= upto; crossed.pop_front())
        confirmed_by(core, crossed.front().id, from);
}

void confirm_when_on_disk(Core& core, ShardId to, PublishConfirm confirm, uint64_t ticket) {
    uint32_t& waiting = core.keeper.held_confirm_count[lane_of(to, confirm.lane)];
    if (waiting == 0 && (is_on_disk(core, ticket) || GW_MUTANT(ConfirmBeforeDisk)))
        return core.post(to, std::move(confirm));
    ++waiting;
    core.keeper.held_confirms.push_back({ticket, to, std::move(confirm)});
}

void release_confirms(Core& core) {
    auto& held = core.keeper.held_confirms;
    for (; !held.empty() && is_on_disk(core, held.front().ticket); held.pop_front()) {
        HeldConfirm& next = held.front();
        --core.keeper.held_confirm_count[lane_of(next.to, next.confirm.lane)];
        core.post(next.to, std::move(next.confirm));
    }
}

}  // namespace godwit::broker
