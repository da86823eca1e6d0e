#include "broker/keeping/restoring.h"

#include "broker/closing.h"
#include "broker/connecting.h"
#include "broker/keeping/crossing.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/sharing.h"
#include "broker/subscribing.h"

#include <algorithm>

namespace godwit::broker {

namespace {

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
    if (!record) return on_erase(id);
    RestoredMessage message{.owed = sum_up(*record), .count = record->taker_count};
    const MessageParts& parts = record->parts;
    message.bytes = uint32_t(sizeof(Message) + parts.topic.size() +
                             parts.forwarded_properties.size() + parts.payload.size());
    newest_stamp_ = std::max(newest_stamp_, parts.stamp);
    message.stamp = parts.stamp;
    message.origin = parts.origin;
    const auto& takers = message.owed.takers;
    const bool for_group =
        std::any_of(takers.begin(), takers.end(), [](const OwedTaker& each) { return each.group; });
    if (message.owed.waiting_shards != 0 || for_group) message.message = MessageRef::make(parts);
    object(id) = {ObjectKind::Message, uint32_t(messages_.size())};
    messages_.push_back(std::move(message));
}

void Restorer::on_put(ObjectId id, Bytes bytes) {
    const ObjectKind kind = kind_of(bytes);
    switch (kind) {
        case ObjectKind::None:
            ++found_.unreadable;
            return on_erase(id);
        case ObjectKind::Message:
            return put_message(id, bytes);
        case ObjectKind::Session: {
            auto record = read_session(bytes);
            if (!record) return on_erase(id);
            object(id) = {kind, uint32_t(sessions_.size())};
            sessions_.push_back({Buffer(bytes.begin(), bytes.end()), sum_up(std::move(*record))});
            return;
        }
        case ObjectKind::Retained: {
            const auto parts = read_retained(bytes);
            if (!parts) return on_erase(id);
            newest_stamp_ = std::max(newest_stamp_, parts->stamp);
            object(id) = {kind, uint32_t(retained_.size())};
            return retained_.push_back(MessageRef::make(*parts));
        }
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
}

void Restorer::drop(Core& core, ObjectId id) {
    object(id) = {};
    ++found_.unreadable;
    forget(core, id);
}

Found Restorer::finish(Core& core) {
    Keeper& keeper = core.keeper;
    for (uint32_t i = 1; i < objects_.size(); ++i)
        if (objects_[i].kind != ObjectKind::None) keeper.ledger.adopt({i}, objects_[i].kind);
    keeper.ledger.collect_free();
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
    return found_;
}

/// The clock goes on behind everything that was stamped, on whatever shard: else what is published
/// from now on would be older than what stands. Where the clock's object is lost, the stamps are
/// all that is known.
void Restorer::set_clock() {
    const Instant stamped{Duration(int64_t(newest_stamp_))};
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
    if (record->realm.value >= core.realms.size()) return drop(core, id);
    Realm& realm = core.realm(record->realm);
    if (realm.sessions.contains(record->client_id)) return drop(core, id);
    Session& session = make_session(core, realm, record->client_id);
    session.version = record->version;
    session.ends_with_connection = record->ends_with_connection;
    session.expiry_s = record->expiry_s;
    session.expires = record->expires;
    session.has_username = record->username.has_value();
    session.username = record->username.value_or("");
    if (record->will) session.will = will_of(*record->will);
    const OpenHandshakes& open = from.handshakes;
    if (!open.unreleased.empty())
        session.unreleased = std::make_unique<std::vector<PacketId>>(open.unreleased);
    session.kept = id;
    core.keeper.ledger.set_slot(id, session.self.slot);
    for (const PacketId owed : open.owed)
        core.need_outbox(session).inflight.push_back(
            {.entry = {.qos = mqtt::Qos::ExactlyOnce}, .packet_id = owed, .released = true});
    core.counters.inflight += open.owed.size();
    ++found_.sessions;
}

void Restorer::make_subscriptions(Core& core) {
    for (uint32_t i = 1; i < objects_.size(); ++i) {
        const Object at = objects_[i];
        if (at.kind == ObjectKind::Subscription || at.kind == ObjectKind::Membership) {
            const auto record = read_subscription(others_[at.index]);
            if (!record || object(record->session).kind != ObjectKind::Session)
                drop(core, {i});
            else
                subscribe(core, {i}, *record);
        } else if (at.kind == ObjectKind::Crossing) {
            core.keeper.crossing_object = {i};
            if (auto newest = read_crossing(others_[at.index])) {
                newest->resize(core.config.shard_count);
                core.keeper.newest_crossing = std::move(*newest);
            }
        } else if (at.kind == ObjectKind::Clock) {
            core.keeper.clock_object = {i};
            found_.clock = read_clock(others_[at.index]);
        }
    }
}

void Restorer::subscribe(Core& core, ObjectId id, const SubscriptionRecord& record) {
    Session& session = *core.sessions.at(core.keeper.ledger.slot(record.session));
    ++found_.subscriptions;
    ++core.counters.subscriptions;
    if (record.share.empty()) {
        const Taker taker{session.self,
                          record.subscription_id,
                          record.options.qos,
                          record.options.no_local,
                          record.options.retain_as_published,
                          false,
                          is_durable(core, session) && record.options.qos != mqtt::Qos::AtMostOnce};
        const auto added = add_route(core, core.realm(session.realm), record.filter, taker);
        session.subscriptions.push_back({added.id, id});
        return;
    }
    SessionExtras& extras = session.need_extras();
    extras.memberships.push_back(
        {record.membership,
         {session.realm, std::string(record.share), std::string(record.filter)},
         record.options,
         record.subscription_id,
         id});
    extras.next_membership = std::max(extras.next_membership, record.membership + 1);
    join_group(core, session, GroupKey(extras.memberships.back().key), record.options,
               record.subscription_id);
}

void Restorer::make_groups(Core& core) {
    for (uint32_t i = 1; i < objects_.size(); ++i) {
        if (objects_[i].kind != ObjectKind::Group) continue;
        const auto record = read_group(others_[objects_[i].index]);
        if (!record || record->realm.value >= core.realms.size()) {
            drop(core, {i});
            continue;
        }
        const GroupRef ref = make_group(
            core, {record->realm, std::string(record->share), std::string(record->filter)});
        core.groups.find(ref)->kept = {i};
        core.keeper.ledger.set_slot({i}, ref.slot);
    }
}

void Restorer::make_retained(Core& core) {
    for (uint32_t i = 1; i < objects_.size(); ++i) {
        if (objects_[i].kind != ObjectKind::Retained) continue;
        const MessageRef& value = retained_[objects_[i].index];
        if (value->realm().value >= core.realms.size()) {
            drop(core, {i});
            continue;
        }
        Retained& retained = core.realm(value->realm()).retained;
        const auto change = retained.set(value, ~uint64_t(0));
        if (change.displaced.value != 0) drop(core, change.displaced);
        if (!change.stands) {
            drop(core, {i});
            continue;
        }
        retained.set_kept(value->topic(), {i});
        ++found_.retained;
    }
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

/// @return  false when there is no such taker any more
bool Restorer::give_to_taker(Core& core, ObjectId id, const RestoredMessage& from,
                             const OwedTaker& taker) {
    Keeper& keeper = core.keeper;
    const auto kind = taker.group ? ObjectKind::Group : ObjectKind::Session;
    if (object(taker.owner).kind != kind) return false;
    keeper.ledger.open_taker(id, taker.taker);
    const uint32_t slot = keeper.ledger.slot(taker.owner);
    if (taker.group) {
        SharedGroup& group = *core.groups.at(slot);
        group.offer(from.message, {id, taker.taker});
        recount_group(core, group, group.load());
        return true;
    }
    Session& session = *core.sessions.at(slot);
    Outbox& box = core.need_outbox(session);
    if (taker.packet_id.value == 0) {
        box.parked.push_back({id, taker.taker, uint32_t(taker.qos)});
        box.queued_bytes += from.bytes;
        add_queued(core, session.realm, 1, from.bytes);
        return true;
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
    return true;
}

void Restorer::queue_message(Core& core, ObjectId id, const RestoredMessage& from) {
    Keeper& keeper = core.keeper;
    keeper.ledger.restore_takers(id, from.bytes, from.count);
    const uint64_t shards = from.owed.waiting_shards;
    bool owed = shards != 0;
    for (const OwedTaker& taker : from.owed.takers) owed |= give_to_taker(core, id, from, taker);
    if (!owed) return drop(core, id);
    ++found_.messages;
    if (shards == 0 || GW_MUTANT(CrossingLost)) return;
    keeper.waiting_shards[id.value] = shards;
    add_crossing(core, {.message = from.message, .id = id, .shards = shards, .routed = shards});
}

Instant clock_after(const ClockRecord& kept, WallTime wall) {
    const int64_t passed_ms = wall.unix_ms - kept.wall.unix_ms;
    return kept.now + std::chrono::milliseconds(std::max<int64_t>(passed_ms, 0));
}

void on_restarted(Core& core) {
    if (!core.keeper.log) return;
    core.sessions.for_each([&](SessionRef, Session& session) { begin_offline(core, session); });
    send_crossings(core);
}

}  // namespace godwit::broker
