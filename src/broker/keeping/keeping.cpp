#include "broker/keeping/keeping.h"

#include "broker/accepting.h"
#include "broker/delivering.h"
#include "broker/keeping/crossing.h"
#include "broker/keeping/loading.h"
#include "broker/publishing.h"
#include "broker/sharing.h"
#include "broker/subscribing.h"
#include "mqtt/encoder.h"

namespace godwit::broker {

namespace {

Bytes scratch_of(Keeper& keeper) {
    ++keeper.record_count;
    return keeper.scratch;
}

void write_note(Core& core, ObjectId id, const Note& note) {
    Keeper& keeper = core.keeper;
    keeper.scratch.clear();
    append_note(keeper.scratch, note);
    keeper.log->note(id, scratch_of(keeper));
}

std::optional<WillRecord> will_record(const Session& session) {
    if (!session.will || GW_MUTANT(ForgetWillOnDisk)) return std::nullopt;
    const WillState& will = *session.will;
    return WillRecord{.due = session.online ? kNever : will.due,
                      .delay_s = will.delay_s,
                      .qos = will.qos,
                      .retain = will.retain,
                      .expiry_s = will.expiry_s,
                      .topic = will.topic,
                      .forwarded_properties = will.forwarded_properties,
                      .payload = will.payload};
}

SessionRecord session_record(const Session& session) {
    SessionRecord record{.realm = session.realm,
                         .version = session.version,
                         .ends_with_connection = session.ends_with_connection,
                         .expiry_s = session.expiry_s,
                         .expires = session.online ? kNever : session.expires,
                         .client_id = session.client_id,
                         .username = session.user(),
                         .will = will_record(session)};
    if (session.unreleased) record.unreleased = *session.unreleased;
    if (!session.outbox) return record;
    for (size_t i = 0; i < session.outbox->inflight.size(); ++i)
        if (session.outbox->inflight[i].released)
            record.owed.push_back(session.outbox->inflight[i].packet_id);
    return record;
}

TakerRecord taker_record(const Session& session, const OutboxEntry& entry, PacketId packet_id) {
    TakerRecord taker{
        .owner = session.kept, .retain = entry.retain, .qos = entry.qos, .packet_id = packet_id};
    if (entry.extras && entry.extras->group_kept.value != 0)
        taker.loan = GroupLoan{entry.extras->group_home, entry.extras->group_kept};
    if (entry.subscription_id != 0) taker.subscription_ids.push_back(entry.subscription_id);
    if (entry.extras)
        taker.subscription_ids.insert(taker.subscription_ids.end(),
                                      entry.extras->more_subscription_ids.begin(),
                                      entry.extras->more_subscription_ids.end());
    return taker;
}

/// Collects takers of this message from here on.
Forming& form(Core& core, const MessageRef& message) {
    Forming& forming = core.keeper.forming;
    if (forming.message == message && forming.count < Ledger::kTakersMax) return forming;
    end_forming(core);
    forming.message = message;
    forming.id = core.keeper.ledger.allocate(ObjectKind::Message);
    return forming;
}

bool waits_for_shards(const Keeper& keeper, ObjectId kept) {
    return !keeper.waiting_shards.empty() && keeper.waiting_shards.contains(kept.value);
}

void keep_clock(Core& core, WallTime wall) {
    Keeper& keeper = core.keeper;
    if (core.now < keeper.clock_kept + kClockEvery && keeper.clock_object.value != 0) return;
    if (keeper.clock_object.value == 0)
        keeper.clock_object = keeper.ledger.allocate(ObjectKind::Clock);
    keeper.clock_kept = core.now;
    keeper.scratch.clear();
    append_object(keeper.scratch, ClockRecord{core.now, wall, core.clock.last()});
    keeper.log->put(keeper.clock_object, scratch_of(keeper));
}

void release_pubcomps(Core& core) {
    auto& held = core.keeper.held_pubcomps;
    for (; !held.empty() && is_on_disk(core, held.front().ticket); held.pop_front()) {
        Connection* c = core.find(held.front().connection);
        if (c) send_pubcomp(core, *c, held.front().packet_id, held.front().known);
    }
}

void release_ended(Core& core) {
    Keeper& keeper = core.keeper;
    for (; !keeper.ended.empty() && is_on_disk(core, keeper.ended.front().ticket);
         keeper.ended.pop_front()) {
        const auto last = keeper.ended_tickets.find(keeper.ended.front().client);
        if (last != keeper.ended_tickets.end() && last->second == keeper.ended.front().ticket)
            keeper.ended_tickets.erase(last);
    }
}

void release_sends(Core& core) {
    auto& held = core.keeper.held_sends;
    while (!held.empty() && is_on_disk(core, held.front().ticket)) {
        const SessionRef ref = held.front().session;
        held.pop_front();
        if (Session* session = core.find(ref)) pump(core, *session);
    }
}

}  // namespace

bool is_durable(const Core& core, const Session& session) {
    return core.keeper.log && !session.ends_with_connection;
}

uint64_t writing_mark(Core& core) {
    end_forming(core);
    return core.keeper.record_count;
}

uint64_t ticket_since(const Core& core, uint64_t mark) {
    const Keeper& keeper = core.keeper;
    const bool written = keeper.record_count != mark || keeper.forming.message;
    return keeper.log && written ? keeper.log->next_ticket() : 0;
}

uint64_t newest_ticket(const Core& core) {
    const Keeper& keeper = core.keeper;
    if (!keeper.log) return 0;
    const bool open = keeper.record_count != keeper.committed_records || keeper.forming.message;
    return keeper.log->next_ticket() - (open ? 0 : 1);
}

bool is_on_disk(const Core& core, uint64_t ticket) {
    return ticket == 0 || core.keeper.log->durable() >= ticket;
}

void keep_session(Core& core, Session& session) {
    Keeper& keeper = core.keeper;
    if (!keeper.log) return;
    session.was_durable |= !session.ends_with_connection;
    const bool wanted = !session.ends_with_connection || session.will;
    if (session.kept.value == 0) {
        if (!wanted) return;
        session.kept = keeper.ledger.allocate(ObjectKind::Session);
        keeper.ledger.set_slot(session.kept, session.self.slot);
    }
    keeper.scratch.clear();
    append_object(keeper.scratch, session_record(session));
    keeper.log->put(session.kept, scratch_of(keeper));
}

void note_session(Core& core, const Session& session, Note::Kind kind, PacketId id) {
    if (session.kept.value == 0) return;
    write_note(core, session.kept, {.kind = kind, .packet_id = id});
}

void keep_subscription(Core& core, const Session& session, ObjectId& kept,
                       const SubscriptionRecord& record) {
    Keeper& keeper = core.keeper;
    if (!is_durable(core, session)) return;
    const auto kind = record.share.empty() ? ObjectKind::Subscription : ObjectKind::Membership;
    if (kept.value == 0) kept = keeper.ledger.allocate(kind);
    keeper.scratch.clear();
    append_object(keeper.scratch, record);
    keeper.log->put(kept, scratch_of(keeper));
}

void forget(Core& core, ObjectId& id) {
    if (id.value == 0) return;
    ++core.keeper.record_count;
    if (!GW_MUTANT(KeepErased)) core.keeper.log->erase(id);
    core.keeper.ledger.release(id);
    id = {};
}

void forget_session(Core& core, Session& session) {
    if (session.kept.value == 0) return;
    Keeper& keeper = core.keeper;
    const uint64_t ticket = keeper.log->next_ticket();
    keeper.ended.push_back({ticket, session.client_hash});
    keeper.ended_tickets[session.client_hash] = ticket;
    forget(core, session.kept);
}

uint64_t ended_ticket(const Core& core, uint64_t client_hash) {
    const auto known = core.keeper.ended_tickets.find(client_hash);
    return known == core.keeper.ended_tickets.end() ? 0 : known->second;
}

ObjectId keep_retained_object(Core& core, ObjectId id, const Message& message) {
    Keeper& keeper = core.keeper;
    if (id.value == 0) id = keeper.ledger.allocate(ObjectKind::Retained);
    keeper.scratch.clear();
    append_retained(keeper.scratch, message.parts());
    keeper.log->put(id, scratch_of(keeper));
    return id;
}

void keep_taker(Core& core, const Session& session, OutboxEntry& entry, PacketId packet_id) {
    if (session.kept.value == 0) return;
    Forming& forming = form(core, entry.message);
    entry.kept = forming.id;
    entry.taker = forming.count++;
    append_taker(forming.takers, taker_record(session, entry, packet_id));
}

void keep_group(Core& core, SharedGroup& group, GroupRef ref) {
    Keeper& keeper = core.keeper;
    if (!keeper.log) return;
    group.kept = keeper.ledger.allocate(ObjectKind::Group);
    keeper.ledger.set_slot(group.kept, ref.slot);
    keeper.scratch.clear();
    append_object(keeper.scratch,
                  GroupRecord{group.key().realm, group.key().share, group.key().filter});
    keeper.log->put(group.kept, scratch_of(keeper));
}

KeptPlace keep_for_group(Core& core, const SharedGroup& group, const MessageRef& message) {
    if (group.kept.value == 0 || message->qos() == mqtt::Qos::AtMostOnce) return {};
    Forming& forming = form(core, message);
    append_taker(forming.takers,
                 {.owner = group.kept, .group = true, .qos = mqtt::Qos::ExactlyOnce});
    return {forming.id, forming.count++};
}

void note_sent(Core& core, const OutboxEntry& entry, PacketId packet_id) {
    if (entry.kept.value == 0 || GW_MUTANT(ForgetSentId)) return;
    if (core.keeper.forming.id == entry.kept) end_forming(core);
    write_note(core, entry.kept,
               {.kind = Note::Kind::Sent, .taker = entry.taker, .packet_id = packet_id});
}

void settle(Core& core, const OutboxEntry& entry) {
    settle(core, entry.kept, entry.taker);
}

void settle(Core& core, ObjectId kept, uint32_t taker) {
    if (kept.value == 0) return;
    Keeper& keeper = core.keeper;
    if (keeper.forming.id == kept) end_forming(core);
    const bool nobody = keeper.ledger.close_taker(kept, taker);
    if (nobody && !waits_for_shards(keeper, kept)) {
        if (!keeper.wanted.empty()) keeper.wanted.erase(kept.value);
        return forget(core, kept);
    }
    write_note(core, kept, {.kind = Note::Kind::Done, .taker = taker});
}

void end_forming(Core& core) {
    Keeper& keeper = core.keeper;
    Forming& forming = keeper.forming;
    if (!forming.message) return;
    const MessageRecord record{.number = ++keeper.message_number,
                               .waiting_shards = forming.waiting_shards,
                               .parts = forming.message->parts(),
                               .taker_count = forming.count,
                               .takers = forming.takers};
    ++keeper.record_count;
    keeper.log->put(forming.id, object_bytes(record),
                    [&](uint8_t* at) { write_object(at, record); });
    keeper.ledger.set_takers(forming.id, uint32_t(forming.message->size_bytes()), forming.count);
    forming.message = {};
    forming.id = {};
    forming.takers.clear();
    forming.count = 0;
    forming.waiting_shards = 0;
}

ObjectId keep_crossing(Core& core, const MessageRef& message, uint64_t shards) {
    Forming& forming = form(core, message);
    forming.waiting_shards = shards;
    core.keeper.waiting_shards[forming.id.value] = shards;
    return forming.id;
}

void note_confirmed(Core& core, ObjectId id, ShardId shard) {
    write_note(core, id, {.kind = Note::Kind::Confirmed, .shard = shard});
}

void keep_newest_crossing(Core& core) {
    Keeper& keeper = core.keeper;
    if (keeper.crossing_object.value == 0)
        keeper.crossing_object = keeper.ledger.allocate(ObjectKind::Crossing);
    keeper.scratch.clear();
    append_crossing(keeper.scratch, keeper.newest_crossing);
    keeper.log->put(keeper.crossing_object, scratch_of(keeper));
}

void commit(Core& core, WallTime wall) {
    Keeper& keeper = core.keeper;
    end_forming(core);
    if (keeper.record_count != keeper.committed_records) keep_clock(core, wall);
    keeper.committed_records = keeper.record_count;
    keeper.log->commit();
    keeper.log->set_sparing(keeper.logs.worst() >= store::Condition::Full);
    while (auto work = keeper.log->work(core.now)) core.fx->work.push_back(std::move(*work));
}

void on_store_done(Core& core, store::WorkDone done) {
    store::Log& log = *core.keeper.log;
    const uint64_t before = log.durable();
    log.done(std::move(done), core.now);
    take_loaded(core);
    if (log.durable() == before) return;
    core.gate.set_durable(log.durable());
    send_crossings(core);
    release_acks(core);
    release_confirms(core);
    release_subacks(core);
    release_pubcomps(core);
    release_handouts(core);
    release_lent(core);
    release_sends(core);
    release_ended(core);
    release_connects(core);
}

}  // namespace godwit::broker
