#include "broker/replaying.h"

#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/permitting.h"
#include "topic/filter.h"

#include <algorithm>

namespace godwit::broker {

using mqtt::Qos;

namespace {

constexpr uint32_t kBatchMax = 64;

void ask(Core& core, Session& session, Replay::Fetch& fetch) {
    RetainedQuery query{.replay = {session.self, fetch.number},
                        .realm = session.realm,
                        .filter = fetch.filter,
                        .stamp_max = fetch.stamp_max,
                        .need = {},
                        .after = fetch.after,
                        .count_max = std::min(kBatchMax, core.limits.queue_messages_max)};
    if (fetch.after.empty())
        for (const auto& posted : core.peer_posted)
            query.need.push_back(posted[fetch.next_home.value]);
    fetch.asked = true;
    core.post(fetch.next_home, boxed(std::move(query)));
}

/// The live messages that waited go on, in their order.
void end_replay(Core& core, Session& session) {
    const auto replay = session.take_replay();
    while (!replay->held.empty()) {
        OutboxEntry entry = replay->held.pop_front();
        remove_queued(core, session.realm, 1, entry.bytes);
        enqueue(core, session, std::move(entry));
    }
    pump(core, session);
}

/// Live messages that came before the fetch began may be older than the retained value, or the
/// value itself: older ones go first. @return  true when the value itself waits as a live message
bool settle_ambiguous(Core& core, Session& session, const MessageRef& value) {
    Replay& replay = *session.replay();
    if (replay.held_ambiguous == 0) return false;
    bool is_held = false;
    for (size_t at = 0; at < replay.held.size();) {
        const MessageRef& live = replay.held[at].message;
        // The value may be a copy.
        const bool is_same = live->stamp() == value->stamp() && live->origin() == value->origin();
        is_held |= is_same;
        if (is_same || live->topic() != value->topic() || live->stamp() > value->stamp()) {
            ++at;
            continue;
        }
        OutboxEntry entry = replay.held.erase_at(at);
        --replay.held_ambiguous;
        replay.held_bytes -= entry.bytes;
        remove_queued(core, session.realm, 1, entry.bytes);
        enqueue(core, session, std::move(entry));
    }
    return is_held;
}

void place(Core& core, Session& session, const Replay::Fetch& fetch, const MessageRef& message) {
    if (fetch.options.no_local && message->publisher() == session.client_hash) return;
    if (!may_receive(core, session, *message) || !may_stay_retained(core, *message))
        return count_loss(core, session, Loss::NotAuthorized, message);
    if (settle_ambiguous(core, session, message)) return;
    enqueue(core, session,
            {.message = message,
             .extras = nullptr,
             .subscription_id = fetch.subscription_id,
             .qos = std::min(message->qos(), fetch.options.qos),
             .retain = true});
}

/// Whether every shard's envelopes of before the subscription have arrived.
bool needs_met(const Core& core, const RetainedQuery& query) {
    for (size_t i = 0; i < query.need.size(); ++i)
        if (i != core.config.id.value && core.received[i] < query.need[i]) return false;
    return true;
}

void answer(Core& core, ShardId asker, const RetainedQuery& query) {
    auto batch =
        core.realm(query.realm)
            .retained.match(query.filter, query.after, ~uint64_t(0), query.count_max, core.now);
    std::erase_if(batch.messages, [&](const MessageRef& each) {
        const size_t origin = each->origin().value;  // may be of a time with more shards
        return origin < query.stamp_max.size() && each->stamp() > query.stamp_max[origin];
    });
    core.post(asker, boxed(RetainedBatch{query.replay,
                                         {batch.messages.begin(), batch.messages.end()},
                                         std::move(batch.after),
                                         batch.done}));
}

}  // namespace

void begin_hold(Core& core, Session& session, Replay::Fetch& plan) {
    SessionExtras& extras = session.need_extras();
    if (!extras.replay) extras.replay = std::make_unique<Replay>();
    plan.number = ++core.replay_number;
    extras.replay->filters.push_back(plan.filter);
    ++extras.replay->planned;
}

void begin_fetches(Core& core, Session& session, const std::vector<Replay::Fetch>& plans) {
    if (plans.empty()) return;
    Replay& replay = *session.replay();
    for (const Replay::Fetch& plan : plans) {
        --replay.planned;
        if (!core.realm(session.realm).router.find(plan.filter, session.self))
            continue;  // unsubscribed since
        Replay::Fetch& fetch = replay.fetches.emplace_back(plan);
        // What a shard stamped before it answered has come by now, and what it stamps afterwards
        // will come: no value in between can be had both ways, or neither.
        fetch.stamp_max = core.peer_clock;
        fetch.stamp_max[core.config.id.value] = core.clock.last();
        const bool exact = !topic::has_wildcard(plan.filter);
        fetch.next_home = exact ? core.home_of_topic(session.realm, plan.filter) : ShardId{0};
        fetch.last_home = exact ? fetch.next_home : ShardId{uint16_t(core.config.shard_count - 1)};
    }
    replay.held_ambiguous = replay.held.size();
    continue_replay(core, session);
}

void continue_replay(Core& core, Session& session) {
    Replay& replay = *session.replay();
    if (replay.fetches.empty()) {
        if (replay.planned == 0) end_replay(core, session);
        return;
    }
    if (!replay.fetches.front().asked && session.online && session.queued_count() == 0)
        ask(core, session, replay.fetches.front());
}

void cancel_fetches(Core& core, Session& session, std::string_view filter) {
    Replay* replay = session.replay();
    if (!replay) return;
    std::erase_if(replay->fetches,
                  [&](const Replay::Fetch& each) { return each.filter == filter; });
    continue_replay(core, session);
}

size_t drop_replay(Core& core, Session& session) {
    const auto replay = session.take_replay();
    if (!replay) return 0;
    remove_queued(core, session.realm, replay->held.size(), replay->held_bytes);
    const size_t count = replay->held.size();
    for (; !replay->held.empty(); replay->held.drop_front()) settle(core, replay->held.front());
    return count;
}

bool hold_behind_replay(Core& core, Session& session, OutboxEntry& entry) {
    Replay& replay = *session.replay();
    const auto waits = [&](const std::string& filter) {
        return topic::matches(filter, entry.message->topic());
    };
    if (std::none_of(replay.filters.begin(), replay.filters.end(), waits)) return false;
    if (GW_MUTANT(LiveOvertakesRetained)) return false;
    if (entry.qos == Qos::AtMostOnce && !session.online && !core.limits.queue_qos0) {
        count_loss(core, session, Loss::OfflineQos0, entry.message);
        return true;
    }
    entry.bytes = uint32_t(entry.message->size_bytes());
    if (!make_room(core, session, entry)) return true;
    replay.held_bytes += entry.bytes;
    add_queued(core, session.realm, 1, entry.bytes);
    if (is_durable(core, session) && entry.qos != Qos::AtMostOnce)
        keep_taker(core, session, entry, {});
    replay.held.push_back(std::move(entry));
    return true;
}

void on_retained_batch(Core& core, const RetainedBatch& in) {
    Session* session = core.find(in.replay.session);
    Replay* replay = session ? session->replay() : nullptr;
    if (!replay || replay->fetches.empty() || replay->fetches.front().number != in.replay.replay)
        return;
    Replay::Fetch& fetch = replay->fetches.front();
    fetch.asked = false;
    fetch.after = in.after;
    for (const MessageRef& message : in.messages) place(core, *session, fetch, message);
    if (in.done) {
        fetch.after.clear();
        if (fetch.next_home == fetch.last_home)
            replay->fetches.pop_front();
        else
            ++fetch.next_home.value;
    }
    pump(core, *session);
    // A session that went offline meanwhile goes on when it is back.
    if (session->replay() && session->replay()->fetches.empty()) continue_replay(core, *session);
}

void on_retained_query(Core& core, ShardId from, const RetainedQuery& in) {
    if (needs_met(core, in)) return answer(core, from, in);
    core.deferred_queries.push_back({from, in});
}

void answer_deferred(Core& core) {
    std::erase_if(core.deferred_queries, [&](const DeferredQuery& each) {
        if (!needs_met(core, each.query)) return false;
        answer(core, each.asker, each.query);
        return true;
    });
}

}  // namespace godwit::broker
