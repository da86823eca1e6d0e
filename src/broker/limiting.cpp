#include "broker/limiting.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/delivering.h"
#include "broker/permitting.h"
#include "broker/realm_memory.h"
#include "broker/scarcity.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

using mqtt::Qos;

namespace {

/// Each count of a realm, and the bound that it is held against.
struct Bound {
    uint64_t RealmUse::*count;
    uint64_t RealmLimits::*max;
    bool zero_is_none;
};
constexpr Bound kBounds[] = {
    {&RealmUse::queued, &RealmLimits::queue_messages_max, false},
    {&RealmUse::queued_bytes, &RealmLimits::queue_bytes_max, false},
    {&RealmUse::retained, &RealmLimits::retained_messages_max, false},
    {&RealmUse::retained_bytes, &RealmLimits::retained_bytes_max, false},
    {&RealmUse::sessions, &RealmLimits::sessions_max, true},
    {&RealmUse::connections, &RealmLimits::connections_max, true},
    {&RealmUse::subscriptions, &RealmLimits::subscriptions_max, true},
    {&RealmUse::memory_bytes, &RealmLimits::memory_bytes_max, true},
};

RealmUse use_here(const Realm& realm) {
    RealmUse use = realm.here;
    use.realm = realm.id;
    use.retained = realm.retained.size();
    use.retained_bytes = realm.retained.memory_bytes();
    return use;
}

/// Some count has changed by so much that it is told: all shards together are off by a sixteenth of
/// the bound at most.
bool has_moved(const Core& core, const Realm& realm, const RealmUse& now) {
    return std::any_of(std::begin(kBounds), std::end(kBounds), [&](const Bound& bound) {
        const uint64_t told = realm.told.*bound.count, is = now.*bound.count;
        const uint64_t by = is > told ? is - told : told - is, max = realm.limits.*bound.max;
        return by * 16 * core.config.shard_count > max && !(bound.zero_is_none && max == 0);
    });
}

/// What all shards hold of it, as far as this one knows. Not for retained messages.
uint64_t held(const Realm& realm, uint64_t RealmUse::*count) {
    return realm.here.*count + realm.elsewhere.*count;
}

bool is_full(const Realm& realm, uint64_t RealmUse::*count, uint64_t max) {
    return max != 0 && held(realm, count) >= max;
}

bool any_refuses(const Core& core, const Realm& realm) {
    const Limits& limits = core.limits;
    return is_scarce(core, realm.id) || limits.queue_messages_full == WhenFull::Refuse ||
           limits.queue_bytes_full == WhenFull::Refuse ||
           realm.limits.queue_messages_full == WhenFull::Refuse ||
           realm.limits.queue_bytes_full == WhenFull::Refuse;
}

bool refuses(const std::optional<FullQueue>& full) {
    return full && full->answer == WhenFull::Refuse;
}

/// The taker has to keep the message, promised as it is.
bool has_to_keep(Core& core, const Delivery& delivery, const Message& message) {
    if (delivery.group) {
        const auto* group =
            core.groups.find(GroupRef{delivery.session.slot, delivery.session.generation});
        return group && group->queued() > 0;
    }
    const Session* session = core.find(delivery.session);
    const Qos qos = std::min(message.qos(), delivery.qos);
    return session && qos != Qos::AtMostOnce && would_wait(core, *session, qos) &&
           may_receive(core, *session, message);
}

/// The taker has to keep the message, and cannot. @param ahead  see full_queue()
bool cannot_keep(Core& core, const Delivery& delivery, const MessageRef& message, uint64_t ahead) {
    const uint64_t bytes = message->size_bytes();
    if (delivery.group)
        return is_scarce(core, message->realm()) ||
               refuses(full_realm(core.realm(message->realm()), bytes, ahead));
    Session& session = *core.find(delivery.session);
    if (!refuses(full_queue(core, session, bytes, ahead))) return false;
    count_loss(core, session, Loss::Refused, message);
    return true;
}

}  // namespace

void add_queued(Core& core, RealmId realm, uint64_t messages, uint64_t bytes) {
    core.counters.queued += messages;
    core.counters.queued_bytes += bytes;
    RealmUse& here = core.realm(realm).here;
    here.queued += messages;
    here.queued_bytes += bytes;
    hold(core, realm, bytes);
}

void remove_queued(Core& core, RealmId realm, uint64_t messages, uint64_t bytes) {
    core.counters.queued -= messages;
    core.counters.queued_bytes -= bytes;
    RealmUse& here = core.realm(realm).here;
    here.queued -= messages;
    here.queued_bytes -= bytes;
    let_go(core, realm, bytes);
}

void add_session(Core& core, RealmId realm) {
    ++core.counters.sessions;
    ++core.realm(realm).here.sessions;
}

void remove_session(Core& core, RealmId realm) {
    --core.counters.sessions;
    --core.realm(realm).here.sessions;
}

void add_connection(Core& core, RealmId realm, const Connection& c) {
    ++core.counters.sessions_online;
    count_connection(core, realm, c);
    ++core.realm(realm).here.connections;
}

void remove_connection(Core& core, RealmId realm, const Connection& c) {
    --core.counters.sessions_online;
    uncount_connection(core, realm, c);
    --core.realm(realm).here.connections;
}

void add_subscription(Core& core, RealmId realm, size_t bytes) {
    hold(core, realm, kSubscriptionBytes + bytes);
    ++core.counters.subscriptions;
    ++core.realm(realm).here.subscriptions;
}

void remove_subscription(Core& core, RealmId realm, size_t bytes) {
    let_go(core, realm, kSubscriptionBytes + bytes);
    --core.counters.subscriptions;
    --core.realm(realm).here.subscriptions;
}

void recount_group(Core& core, SharedGroup& group, SharedGroup::Load now) {
    RealmUse& here = core.realm(group.key().realm).here;
    const SharedGroup::Load before = std::exchange(group.counted, now);
    core.counters.group_queued += now.messages - before.messages;
    core.counters.group_queued_bytes += now.bytes - before.bytes;
    here.queued += now.messages - before.messages;
    here.queued_bytes += now.bytes - before.bytes;
    hold(core, group.key().realm, now.bytes - before.bytes);
}

void count_losses(Core& core, RealmId realm, Loss loss, uint64_t count) {
    core.counters.lost[loss] += count;
    core.realm(realm).refused.dropped += count;
}

void count_loss(Core& core, Session& session, Loss loss, const MessageRef& message) {
    count_losses(core, session.realm, loss);
    const uint64_t count = ++session.need_losses()[loss];
    // The first, the second, the fourth, ... are told in any case: the client's history has them.
    if (core.fx->least_severity > Severity::Debug && !std::has_single_bit(count)) return;
    core.event(Severity::Debug, "dropped", session, reason_of(loss),
               message ? std::string(message->topic()) : std::string());
}

std::optional<FullQueue> full_queue(const Core& core, const Session& session, uint64_t bytes,
                                    uint64_t ahead) {
    const Limits& limits = core.limits;
    if (session.waiting_count() >= limits.queue_messages_max)
        return FullQueue{limits.queue_messages_full};
    if (session.waiting_bytes() + bytes > limits.queue_bytes_max)
        return FullQueue{limits.queue_bytes_full};
    if (!may_queue(core, session)) return FullQueue{WhenFull::Refuse, FullQueue::Of::Process};
    return full_realm(core.realm(session.realm), bytes, ahead);
}

std::optional<FullQueue> full_realm(const Realm& realm, uint64_t bytes, uint64_t ahead) {
    const RealmLimits& limits = realm.limits;
    if (held(realm, &RealmUse::queued) + ahead >= limits.queue_messages_max)
        return FullQueue{limits.queue_messages_full, FullQueue::Of::Realm};
    if (held(realm, &RealmUse::queued_bytes) + (ahead + 1) * bytes > limits.queue_bytes_max)
        return FullQueue{limits.queue_bytes_full, FullQueue::Of::Realm};
    return std::nullopt;
}

std::optional<ConnectLimit> connect_limit(const Core& core, Realm& realm, const Session* known) {
    const RealmLimits& limits = realm.limits;
    const bool takes_over = known && known->online;
    if (!takes_over && is_full(realm, &RealmUse::connections, limits.connections_max))
        return ConnectLimit{.name = "realm_connections_max"};
    if (!known && is_full(realm, &RealmUse::sessions, limits.sessions_max))
        return ConnectLimit{.name = "realm_sessions_max"};
    if (!realm.arrivals.admit(core.now, realm.arrival_rate))
        return ConnectLimit{mqtt::ReasonCode::ConnectionRateExceeded, "realm_connection_rate"};
    return std::nullopt;
}

bool is_subscriptions_full(const Realm& realm) {
    return is_full(realm, &RealmUse::subscriptions, realm.limits.subscriptions_max);
}

bool is_retained_full(const Core& core, const Realm& realm, const Message& message) {
    if (message.payload().empty()) return false;  // it makes room
    if (message.publisher() == 0) return false;   // the broker's own are few
    const RealmLimits& limits = realm.limits;
    const Message* old = realm.retained.find(message.topic());
    if (!old && !GW_MUTANT(AnyRetainedCount) &&
        realm.retained.size() + realm.elsewhere.retained >= limits.retained_messages_max)
        return true;
    const uint64_t bytes = realm.retained.memory_bytes() + realm.elsewhere.retained_bytes;
    const uint64_t added = Retained::memory_bytes_of(message);
    const uint64_t freed = old ? Retained::memory_bytes_of(*old) : 0;
    return added > freed &&
           (is_scarce(core, realm.id) || bytes - freed + added > limits.retained_bytes_max);
}

bool must_refuse(Core& core, const MessageRef& message, const Matches* matches, bool keep) {
    const Realm& realm = core.realm(message->realm());
    const bool may_refuse =
        realm.limits.retained_full == WhenFull::Refuse || is_scarce(core, realm.id);
    bool refused = keep && may_refuse && is_retained_full(core, realm, *message);
    if (!matches || !any_refuses(core, realm)) return refused;
    uint64_t ahead = 0;
    for (const Delivery& delivery : matches->local) {
        if (!has_to_keep(core, delivery, *message)) continue;
        if (cannot_keep(core, delivery, message, ahead))
            refused = !GW_MUTANT(FullQueueAcknowledges);
        else
            ++ahead;
    }
    return refused;
}

void end_later(Core& core, const Session& session) {
    auto& ending = core.ending;
    if (std::find(ending.begin(), ending.end(), session.self) == ending.end())
        ending.push_back(session.self);
}

void end_full_sessions(Core& core) {
    for (const SessionRef ref : std::exchange(core.ending, {})) {
        Session* session = core.find(ref);
        if (!session) continue;
        if (Connection* c = core.connection_of(*session))
            disconnect(core, *c, mqtt::ReasonCode::QuotaExceeded, "its queue is full");
        session = core.find(ref);  // it may have ended with its connection
        if (session) end_session(core, *session, "queue_full");
    }
}

void tell_realm_use(Core& core) {
    if (core.config.shard_count == 1) return;
    for (const auto& realm : core.realms) {
        const RealmUse now = use_here(*realm);
        if (!has_moved(core, *realm, now) && now.memory == realm->told.memory) continue;
        realm->told = now;
        for (uint16_t i = 0; i < core.config.shard_count; ++i)
            if (i != core.config.id.value) core.post({i}, boxed(now));
    }
}

void on_realm_use(Core& core, ShardId from, const RealmUse& in) {
    Realm& realm = core.realm(in.realm);
    const RealmUse before = std::exchange(realm.told_by[from.value], in);
    for (const Bound& bound : kBounds)
        realm.elsewhere.*bound.count += in.*bound.count - before.*bound.count;
    if (from == judge_of(core, in.realm)) on_realm_memory(core, realm, in.memory);
}

}  // namespace godwit::broker
