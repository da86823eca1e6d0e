#include "broker/keeping/restoring.h"

#include "broker/accepting.h"
#include "broker/closing.h"
#include "broker/keeping/crossing.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/realm_memory.h"
#include "broker/sharing.h"
#include "broker/subscribing.h"

#include <algorithm>

#include <fmt/format.h>

namespace godwit::broker {

namespace {

constexpr std::string_view kUnreadable = "not of this release's format";
constexpr std::string_view kNoRealm = "of a realm that is not there";
constexpr std::string_view kNoShard = "of a shard that is not there";
constexpr std::string_view kHeldAlready = "a second one of its session";

std::unique_ptr<WillState> will_of(const WillRecord& record) {
    auto will = std::make_unique<WillState>();
    will->topic = record.topic;
    will->payload.assign(record.payload.begin(), record.payload.end());
    will->forwarded_properties.assign(record.forwarded_properties.begin(),
                                      record.forwarded_properties.end());
    will->qos = record.qos;
    will->retain = record.retain;
    will->delay_s = record.delay_s;
    will->expiry_s = record.expiry_s;
    will->due = record.due;
    return will;
}

bool knows_shards_of(const Core& core, const RestoredMessage& message) {
    const auto knows = [&](ShardId shard) { return shard.value < core.config.shard_count; };
    const std::vector<OwedTaker>& takers = message.owed.takers;
    return (message.owed.waiting_shards & ~core.all_others()) == 0 &&
           std::all_of(takers.begin(), takers.end(),
                       [&](const OwedTaker& each) { return !each.loan || knows(each.loan->home); });
}

/// From now on, as if every client had lost its connection in this moment.
void begin_offline(Core& core, Session& session) {
    const auto arm = [&](TimerToken::Kind kind, Instant due) {
        core.arm(due, {kind, session.self.slot, session.self.generation});
    };
    const bool was_online = session.expires == kNever;
    if (was_online) {
        const auto left = std::chrono::seconds(session.ends_with_connection ? 0 : session.expiry_s);
        session.expires = core.now + left;
        if (session.will)
            session.will->due = core.now + std::chrono::seconds(session.will->delay_s);
        keep_session(core, session);
    }
    if (session.will) arm(TimerToken::Kind::WillDelay, session.will->due);
    arm(TimerToken::Kind::SessionExpiry, session.expires);
}

}  // namespace

Restorer::Object& Restorer::object(ObjectId id) {
    if (id.value >= objects_.size()) objects_.resize(id.value + 1);
    return objects_[id.value];
}

void Restorer::put_message(ObjectId id, Bytes bytes) {
    const auto record = read_message(bytes);
    auto owed = record ? sum_up(*record) : std::nullopt;
    if (!owed) return void(refused_[id.value] = ObjectKind::Message);
    RestoredMessage message{.owed = std::move(*owed), .count = record->taker_count};
    const MessageParts& parts = record->parts;
    message.bytes = uint32_t(parts.size_bytes());
    message.stamp = parts.stamp;
    message.realm = parts.realm;
    message.origin = parts.origin;
    const auto& takers = message.owed.takers;
    const bool for_group =
        std::any_of(takers.begin(), takers.end(), [](const OwedTaker& each) { return each.group; });
    if (message.owed.waiting_shards != 0 || for_group) message.message = MessageRef::make(parts);
    newest_stamp_ = std::max(newest_stamp_, parts.stamp);
    object(id) = {ObjectKind::Message, uint32_t(messages_.size())};
    messages_.push_back(std::move(message));
}

void Restorer::put_retained(ObjectId id, Bytes bytes) {
    const auto parts = read_retained(bytes);
    if (!parts) return void(refused_[id.value] = ObjectKind::Retained);
    newest_stamp_ = std::max(newest_stamp_, parts->stamp);
    object(id) = {ObjectKind::Retained, uint32_t(retained_.size())};
    retained_.push_back(MessageRef::make(*parts));
}

void Restorer::on_put(ObjectId id, Bytes bytes) {
    on_erase(id);
    const ObjectKind kind = kind_of(bytes);
    switch (kind) {
        case ObjectKind::None:
            refused_[id.value] = kind;
            return;
        case ObjectKind::Message:
            return put_message(id, bytes);
        case ObjectKind::Session: {
            auto record = read_session(bytes);
            if (!record) return void(refused_[id.value] = kind);
            object(id) = {kind, uint32_t(sessions_.size())};
            sessions_.push_back({Buffer(bytes.begin(), bytes.end()), sum_up(std::move(*record))});
            return;
        }
        case ObjectKind::Retained:
            return put_retained(id, bytes);
        default:
            object(id) = {kind, uint32_t(others_.size())};
            return others_.emplace_back(bytes.begin(), bytes.end()), void();
    }
}

void Restorer::on_note(ObjectId id, Bytes bytes) {
    const auto note = read_note(bytes);
    if (!note) return;
    const Object at = object(id);
    if (at.kind == ObjectKind::Session) add(sessions_[at.index].handshakes, *note);
    if (at.kind == ObjectKind::Message) add(messages_[at.index].owed, *note);
}

void Restorer::on_erase(ObjectId id) {
    object(id) = {};
    refused_.erase(id.value);
}

void Restorer::report(ObjectId id, ObjectKind kind, std::string_view why) {
    ++found_.unreadable;
    if (found_.refused.size() < kRefusedNamed)
        found_.refused.push_back(fmt::format("object {} ({}): {}", id.value, kind_name(kind), why));
}

void Restorer::drop(Core& core, ObjectId id, std::string_view why) {
    report(id, kind(id), why);
    object(id) = {};
    forget(core, id);
}

/// The log has them, the ledger never did.
void Restorer::erase_refused(Core& core) {
    for (const auto& [id, kind] : refused_) {
        report({id}, kind, kUnreadable);
        core.keeper.log->erase({id});
        ++core.keeper.record_count;
    }
}

Found Restorer::finish(Core& core) {
    Keeper& keeper = core.keeper;
    for (uint32_t i = 1; i < objects_.size(); ++i)
        if (objects_[i].kind != ObjectKind::None) keeper.ledger.adopt({i}, objects_[i].kind);
    keeper.ledger.collect_free();
    erase_refused(core);
    make_sessions(core);
    make_groups(core);
    make_subscriptions(core);
    make_retained(core);
    make_messages(core);
    if (found_.clock) newest_stamp_ = std::max(newest_stamp_, found_.clock->stamp);
    core.clock.observe(newest_stamp_);
    set_clock();
    core.counters.retained_bytes = 0;
    for (const auto& realm : core.realms) {
        core.counters.retained += realm->retained.size();
        core.counters.retained_bytes += realm->retained.memory_bytes();
    }
    return std::move(found_);
}

/// The clock goes on behind everything that was stamped, on whatever shard: else what is published
/// from now on would be older than what stands. Where the clock's object is lost, the stamps are
/// all that is known.
void Restorer::set_clock() {
    const auto latest = uint64_t(kClockMax.time_since_epoch().count());
    const Instant stamped{Duration(int64_t(std::min(newest_stamp_, latest)))};
    if (found_.clock)
        found_.clock->now =
            std::max(found_.clock->now + kClockEvery, stamped);  // since it was written
    else if (newest_stamp_ > 0)
        found_.clock = ClockRecord{stamped, WallTime{INT64_MAX}, newest_stamp_};
}

void Restorer::make_sessions(Core& core) {
    for (uint32_t i = 1; i < objects_.size(); ++i)
        if (objects_[i].kind == ObjectKind::Session)
            make_session_of(core, {i}, sessions_[objects_[i].index]);
}

void Restorer::make_session_of(Core& core, ObjectId id, const RestoredSession& from) {
    const auto record = read_session(from.bytes);
    if (record->realm.value >= core.realms.size()) return drop(core, id, kNoRealm);
    Realm& realm = core.realm(record->realm);
    if (core.find(realm.id, record->client_id))
        return drop(core, id, "a second session of one client");
    Session& session = make_session(core, realm.id, record->client_id);
    session.version = record->version;
    session.ends_with_connection = record->ends_with_connection;
    session.expiry_s = record->expiry_s;
    session.expires = record->expires;
    session.set_user(record->username);
    session.restored = session.was_durable = true;
    if (record->will) session.will = will_of(*record->will);
    const OpenHandshakes& open = from.handshakes;
    if (!open.unreleased.empty())
        session.unreleased = std::make_unique<std::vector<PacketId>>(open.unreleased);
    session.kept = id;
    core.keeper.ledger.set_slot(id, session.self.slot);
    for (const PacketId owed : open.owed) {
        in_flight_.insert(uint64_t(id.value) << 16 | owed.value);
        core.need_outbox(session).inflight.push_back(
            {.entry = {.qos = mqtt::Qos::ExactlyOnce}, .packet_id = owed, .released = true});
    }
    core.counters.inflight += open.owed.size();
    recount_session(core, session);
    ++found_.sessions;
}

void Restorer::make_subscriptions(Core& core) {
    for (uint32_t i = 1; i < objects_.size(); ++i) {
        switch (objects_[i].kind) {
            case ObjectKind::Subscription:
            case ObjectKind::Membership:
                make_subscription(core, {i});
                break;
            case ObjectKind::Crossing:
                make_crossing(core, {i});
                break;
            case ObjectKind::Clock:
                make_clock(core, {i});
                break;
            default:
                break;
        }
    }
}

void Restorer::make_crossing(Core& core, ObjectId id) {
    auto newest = read_crossing(others_[object(id).index]);
    if (!newest) return drop(core, id, kUnreadable);
    if (core.keeper.crossing_object.value != 0) return drop(core, id, "a second one");
    newest->resize(core.config.shard_count);
    core.keeper.newest_crossing = std::move(*newest);
    core.keeper.crossing_object = id;
}

void Restorer::make_clock(Core& core, ObjectId id) {
    const auto clock = read_clock(others_[object(id).index]);
    if (!clock) return drop(core, id, kUnreadable);
    if (found_.clock) return drop(core, id, "a second one");
    found_.clock = clock;
    core.keeper.clock_object = id;
}

void Restorer::make_subscription(Core& core, ObjectId id) {
    const auto record = read_subscription(others_[object(id).index]);
    if (!record) return drop(core, id, kUnreadable);
    if (kind(record->session) != ObjectKind::Session) return drop(core, id, "its session is gone");
    Session& session = *core.sessions.at(core.keeper.ledger.slot(record->session));
    if (record->share.empty())
        subscribe(core, session, id, *record);
    else
        join(core, session, id, *record);
}

void Restorer::subscribe(Core& core, Session& session, ObjectId id,
                         const SubscriptionRecord& record) {
    Realm& realm = core.realm(session.realm);
    if (realm.router.find(record.filter, session.self)) return drop(core, id, kHeldAlready);
    const Taker taker{session.self,
                      record.subscription_id,
                      record.options.qos,
                      record.options.no_local,
                      record.options.retain_as_published,
                      false,
                      is_durable(core, session) && record.options.qos != mqtt::Qos::AtMostOnce};
    const auto added = add_route(core, realm, record.filter, taker);
    session.subscriptions.add(added.id)->kept = id;
    ++found_.subscriptions;
    add_subscription(core, session.realm, record.filter.size());
}

void Restorer::join(Core& core, Session& session, ObjectId id, const SubscriptionRecord& record) {
    GroupKey key{session.realm, std::string(record.share), std::string(record.filter)};
    if (is_member(session, key)) return drop(core, id, kHeldAlready);
    SessionExtras& extras = session.need_extras();
    extras.memberships.push_back(
        {record.membership, key, record.options, record.subscription_id, id});
    extras.next_membership = std::max(extras.next_membership, record.membership + 1);
    join_group(core, session, std::move(key), record.options, record.subscription_id);
    ++found_.subscriptions;
    add_subscription(core, session.realm, record.filter.size() + record.share.size());
}

void Restorer::make_groups(Core& core) {
    for (uint32_t i = 1; i < objects_.size(); ++i)
        if (objects_[i].kind == ObjectKind::Group) make_group_of(core, {i});
}

void Restorer::make_group_of(Core& core, ObjectId id) {
    const auto record = read_group(others_[object(id).index]);
    if (!record) return drop(core, id, kUnreadable);
    if (record->realm.value >= core.realms.size()) return drop(core, id, kNoRealm);
    const GroupKey key{record->realm, std::string(record->share), std::string(record->filter)};
    if (core.realm(key.realm).groups.contains(key)) return drop(core, id, "a second one");
    const GroupRef ref = make_group(core, key);
    core.groups.find(ref)->kept = id;
    core.keeper.ledger.set_slot(id, ref.slot);
}

/// The oldest first: should two have one topic, the younger one stays.
void Restorer::make_retained(Core& core) {
    std::vector<std::pair<uint64_t, uint32_t>> order;  // stamp, id
    for (uint32_t i = 1; i < objects_.size(); ++i)
        if (objects_[i].kind == ObjectKind::Retained)
            order.emplace_back(retained_[objects_[i].index]->stamp(), i);
    std::sort(order.begin(), order.end());
    for (const auto& [stamp, id] : order) {
        const MessageRef& value = retained_[objects_[id].index];
        if (value->realm().value >= core.realms.size()) {
            drop(core, {id}, kNoRealm);
        } else {
            Retained& retained = core.realm(value->realm()).retained;
            const auto change = retained.set(value, ~uint64_t(0));
            if (change.displaced.value != 0) drop(core, change.displaced, "a younger one is there");
            if (change.stands)
                retained.set_kept(value->topic(), {id});
            else
                drop(core, {id}, "a younger one is there");
        }
    }
    for (const auto& realm : core.realms) found_.retained += realm->retained.size();
}

void Restorer::make_messages(Core& core) {
    std::vector<std::pair<uint64_t, uint32_t>> order;  // number, id
    for (uint32_t i = 1; i < objects_.size(); ++i)
        if (objects_[i].kind == ObjectKind::Message)
            order.emplace_back(messages_[objects_[i].index].owed.number, i);
    std::sort(order.begin(), order.end());
    for (const auto& [number, id] : order) queue_message(core, {id}, messages_[objects_[id].index]);
    if (!order.empty()) core.keeper.message_number = order.back().first;
    auto& crossings = core.keeper.crossings;
    std::sort(crossings.begin(), crossings.end(), [](const Crossing& a, const Crossing& b) {
        return a.message->stamp() < b.message->stamp();
    });
}

void Restorer::give_to_session(Core& core, Session& session, ObjectId id,
                               const RestoredMessage& from, const OwedTaker& taker) {
    Outbox& box = core.need_outbox(session);
    const bool sent =
        taker.packet_id.value != 0 && taker.qos != mqtt::Qos::AtMostOnce &&
        // Damage may have taken the end of an older message under the same id: it is sent anew.
        in_flight_.insert(uint64_t(taker.owner.value) << 16 | taker.packet_id.value).second;
    if (!sent) {
        box.parked.push_back({id, taker.taker, uint32_t(taker.qos)});
        box.queued_bytes += from.bytes;
        add_queued(core, session.realm, 1, from.bytes);
        return count_parked(core, session.realm, from.bytes);
    }
    OutboxEntry entry{.kept = id, .taker = taker.taker, .bytes = from.bytes, .qos = taker.qos};
    box.inflight.push_back({std::move(entry), taker.packet_id});
    if (taker.loan) {  // the group may have it still
        box.inflight.back().lent = true;
        core.post(taker.loan->home, GroupTaken{.group = taker.loan->group,
                                               .stamp = from.stamp,
                                               .origin = from.origin,
                                               .member = session.self,
                                               .packet_id = taker.packet_id});
    }
    session.last_packet_id = taker.packet_id;
    ++core.counters.inflight;
}

/// @return  false when there is no such taker any more
bool Restorer::give_to_taker(Core& core, ObjectId id, const RestoredMessage& from,
                             const OwedTaker& taker) {
    const auto wanted = taker.group ? ObjectKind::Group : ObjectKind::Session;
    if (kind(taker.owner) != wanted) return false;
    core.keeper.ledger.open_taker(id, taker.taker);
    const uint32_t slot = core.keeper.ledger.slot(taker.owner);
    if (taker.group) {
        SharedGroup& group = *core.groups.at(slot);
        group.offer(from.message, {id, taker.taker});
        recount_group(core, group, group.load());
    } else {
        give_to_session(core, *core.sessions.at(slot), id, from, taker);
    }
    return true;
}

void Restorer::queue_message(Core& core, ObjectId id, const RestoredMessage& from) {
    if (from.realm.value >= core.realms.size()) return drop(core, id, kNoRealm);
    if (!knows_shards_of(core, from)) return drop(core, id, kNoShard);
    Keeper& keeper = core.keeper;
    keeper.ledger.restore_takers(id, from.bytes, from.count);
    const uint64_t shards = from.owed.waiting_shards;
    bool owed = shards != 0;
    std::vector<uint32_t> gone;
    for (const OwedTaker& taker : from.owed.takers) {
        const bool given = give_to_taker(core, id, from, taker);
        owed |= given;
        if (!given) gone.push_back(taker.taker);
    }
    if (!owed) return drop(core, id, "nobody takes it");
    ++found_.messages;
    if (shards != 0 && !GW_MUTANT(CrossingLost)) {
        keeper.waiting_shards[id.value] = shards;
        add_crossing(core, {.message = from.message, .id = id, .shards = shards, .routed = shards});
    }
    if (!gone.empty()) report(id, ObjectKind::Message, "some who take it are gone");
    for (const uint32_t taker : gone) settle(core, id, taker);
}

Instant clock_after(const ClockRecord& kept, WallTime wall) {
    const int64_t passed_ms = wall.unix_ms - kept.wall.unix_ms;
    const auto passed = std::chrono::milliseconds(std::max<int64_t>(passed_ms, 0));
    return std::min(kept.now + passed, kClockMax);
}

void on_restarted(Core& core) {
    if (!core.keeper.log) return;
    core.sessions.for_each([&](SessionRef, Session& session) { begin_offline(core, session); });
    send_crossings(core);
}

}  // namespace godwit::broker
