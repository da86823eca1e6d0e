#include "broker/limiting.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/delivering.h"
#include "broker/permitting.h"
#include "broker/scarcity.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

using mqtt::Qos;

namespace {

RealmUse use_here(const Realm& realm) {
    return {realm.id, realm.queued, realm.queued_bytes, realm.retained.size(),
            realm.retained.memory_bytes()};
}

/// So much that it is told: all shards together are off by a sixteenth of the bound at most.
bool has_moved(const Core& core, uint64_t told, uint64_t now, uint64_t max) {
    const uint64_t by = now > told ? now - told : told - now;
    return by * 16 * core.config.shard_count > max;
}

bool any_refuses(const Core& core) {
    const Limits& limits = core.limits;
    return is_scarce(core) || limits.queue_messages_full == WhenFull::Refuse ||
           limits.queue_bytes_full == WhenFull::Refuse ||
           limits.realm_queue_messages_full == WhenFull::Refuse ||
           limits.realm_queue_bytes_full == WhenFull::Refuse;
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
        return is_scarce(core) ||
               refuses(full_realm(core, core.realm(message->realm()), bytes, ahead));
    Session& session = *core.find(delivery.session);
    if (!refuses(full_queue(core, session, bytes, ahead))) return false;
    count_loss(core, session, Loss::Refused, message);
    return true;
}

}  // namespace

void add_queued(Core& core, RealmId realm, uint64_t messages, uint64_t bytes) {
    core.counters.queued += messages;
    core.counters.queued_bytes += bytes;
    core.realm(realm).queued += messages;
    core.realm(realm).queued_bytes += bytes;
}

void remove_queued(Core& core, RealmId realm, uint64_t messages, uint64_t bytes) {
    core.counters.queued -= messages;
    core.counters.queued_bytes -= bytes;
    core.realm(realm).queued -= messages;
    core.realm(realm).queued_bytes -= bytes;
}

void recount_group(Core& core, SharedGroup& group, SharedGroup::Load now) {
    Realm& realm = core.realm(group.key().realm);
    const SharedGroup::Load before = std::exchange(group.counted, now);
    core.counters.group_queued += now.messages - before.messages;
    core.counters.group_queued_bytes += now.bytes - before.bytes;
    realm.queued += now.messages - before.messages;
    realm.queued_bytes += now.bytes - before.bytes;
}

void count_loss(Core& core, Session& session, Loss loss, const MessageRef& message) {
    ++core.counters.lost[loss];
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
    return full_realm(core, core.realm(session.realm), bytes, ahead);
}

std::optional<FullQueue> full_realm(const Core& core, const Realm& realm, uint64_t bytes,
                                    uint64_t ahead) {
    const Limits& limits = core.limits;
    const uint64_t messages = realm.queued + realm.elsewhere.queued + ahead;
    if (messages >= limits.realm_queue_messages_max)
        return FullQueue{limits.realm_queue_messages_full, FullQueue::Of::Realm};
    const uint64_t queued_bytes = realm.queued_bytes + realm.elsewhere.queued_bytes;
    if (queued_bytes + (ahead + 1) * bytes > limits.realm_queue_bytes_max)
        return FullQueue{limits.realm_queue_bytes_full, FullQueue::Of::Realm};
    return std::nullopt;
}

bool is_retained_full(const Core& core, const Realm& realm, const Message& message) {
    if (message.payload().empty()) return false;  // it makes room
    if (message.publisher() == 0) return false;   // the broker's own are few
    const Limits& limits = core.limits;
    const Message* old = realm.retained.find(message.topic());
    if (!old && !GW_MUTANT(AnyRetainedCount) &&
        realm.retained.size() + realm.elsewhere.retained >= limits.retained_messages_max)
        return true;
    const uint64_t bytes = realm.retained.memory_bytes() + realm.elsewhere.retained_bytes;
    const uint64_t added = Retained::memory_bytes_of(message);
    const uint64_t freed = old ? Retained::memory_bytes_of(*old) : 0;
    return added > freed && (is_scarce(core) || bytes - freed + added > limits.retained_bytes_max);
}

bool must_refuse(Core& core, const MessageRef& message, const Matches* matches, bool keep) {
    const Limits& limits = core.limits;
    bool refused = keep && (limits.retained_full == WhenFull::Refuse || is_scarce(core)) &&
                   is_retained_full(core, core.realm(message->realm()), *message);
    if (!matches || !any_refuses(core)) return refused;
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
    const Limits& limits = core.limits;
    for (const auto& realm : core.realms) {
        const RealmUse now = use_here(*realm), &told = realm->told;
        const bool moved =
            has_moved(core, told.queued, now.queued, limits.realm_queue_messages_max) ||
            has_moved(core, told.queued_bytes, now.queued_bytes, limits.realm_queue_bytes_max) ||
            has_moved(core, told.retained, now.retained, limits.retained_messages_max) ||
            has_moved(core, told.retained_bytes, now.retained_bytes, limits.retained_bytes_max);
        if (!moved) continue;
        realm->told = now;
        for (uint16_t i = 0; i < core.config.shard_count; ++i)
            if (i != core.config.id.value) core.post({i}, now);
    }
}

void on_realm_use(Core& core, ShardId from, const RealmUse& in) {
    Realm& realm = core.realm(in.realm);
    const RealmUse before = std::exchange(realm.told_by[from.value], in);
    RealmUse& sum = realm.elsewhere;
    sum.queued += in.queued - before.queued;
    sum.queued_bytes += in.queued_bytes - before.queued_bytes;
    sum.retained += in.retained - before.retained;
    sum.retained_bytes += in.retained_bytes - before.retained_bytes;
}

}  // namespace godwit::broker
