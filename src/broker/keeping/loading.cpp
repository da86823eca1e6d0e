#include "broker/keeping/loading.h"

#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/limiting.h"
#include "broker/realm_memory.h"

#include <algorithm>

namespace godwit::broker {

namespace {

/// Bytes of the oldest segment that are written again in one turn.
constexpr uint64_t kMoveBytesMax = 1024 * 1024;

/// An entry that waits for its message, as one of the takers of the record that came.
struct Waiting {
    uint32_t taker = 0;
    OutboxEntry* entry = nullptr;
    RealmId realm;
    bool in_flight = false;
};

/// Mostly the first of those that wait in the queue.
std::optional<Waiting> find_waiting(Session& session, ObjectId id, uint32_t taker) {
    if (!session.outbox) return std::nullopt;
    Outbox& box = *session.outbox;
    const auto waits = [&](const OutboxEntry& entry) {
        return entry.kept == id && entry.taker == taker && !entry.message;
    };
    for (size_t i = 0; i < box.queue.size(); ++i)
        if (waits(box.queue[i])) return Waiting{taker, &box.queue[i], session.realm};
    for (size_t i = 0; i < box.inflight.size(); ++i)
        if (waits(box.inflight[i].entry) && !box.inflight[i].released)
            return Waiting{taker, &box.inflight[i].entry, session.realm, true};
    return std::nullopt;
}

void fill_entry(OutboxEntry& entry, const MessageRef& message, TakerRecord taker) {
    entry.message = message;
    entry.retain = taker.retain;
    if (taker.subscription_ids.empty()) return;
    entry.subscription_id = taker.subscription_ids.front();
    if (taker.subscription_ids.size() == 1) return;
    if (!entry.extras) entry.extras = std::make_unique<DeliveryExtras>();
    taker.subscription_ids.erase(taker.subscription_ids.begin());
    entry.extras->more_subscription_ids = std::move(taker.subscription_ids);
}

/// One pass over the takers, however many sessions wait.
void fill_all(const MessageRecord& record, std::vector<Waiting>& waiting) {
    std::sort(waiting.begin(), waiting.end(),
              [](const Waiting& a, const Waiting& b) { return a.taker < b.taker; });
    const MessageRef message = MessageRef::make(record.parts);
    Bytes takers = record.takers;
    size_t next = 0;
    for (uint32_t i = 0; i < record.taker_count && next < waiting.size(); ++i) {
        auto taker = read_taker(takers);
        GW_ASSERT(taker.has_value());
        for (; next < waiting.size() && waiting[next].taker == i; ++next)
            fill_entry(*waiting[next].entry, message, *taker);
    }
}

/// The log cannot give the message back: the disk lost it.
void lose(Core& core, Session& session, ObjectId id, const std::string& why) {
    if (!session.outbox) return;
    Outbox& box = *session.outbox;
    const auto lost = [&](const OutboxEntry& entry) {
        if (entry.kept != id || entry.message) return false;
        count_losses(core, session.realm, Loss::Damaged);
        ++session.need_losses()[Loss::Damaged];
        core.event(Severity::Error, "dropped", session, reason_of(Loss::Damaged), why);
        settle(core, entry);
        return true;
    };
    for (size_t i = box.queue.size(); i-- > 0;) {
        if (!lost(box.queue[i])) continue;
        const OutboxEntry gone = box.queue.erase_at(i);
        box.queued_bytes -= gone.bytes;
        box.queued_qos0 -= gone.qos == mqtt::Qos::AtMostOnce;
        remove_queued(core, session.realm, 1, gone.bytes);
    }
    for (size_t i = box.inflight.size(); i-- > 0;) {
        if (box.inflight[i].released || !lost(box.inflight[i].entry)) continue;
        (void)box.take_inflight(i);
        --core.counters.inflight;
    }
}

/// The sessions among them that still live, each once.
std::vector<Session*> living(Core& core, const std::vector<Wanting>& wanting) {
    std::vector<Session*> sessions;
    for (const Wanting& each : wanting) {
        Session* session = core.find(each.session);
        if (session && std::find(sessions.begin(), sessions.end(), session) == sessions.end())
            sessions.push_back(session);
    }
    return sessions;
}

void give_to_those_who_want(Core& core, const store::Loaded& loaded) {
    auto wanted = core.keeper.wanted.extract(loaded.id.value);
    if (wanted.empty()) return;
    const auto sessions = living(core, wanted.mapped());
    const auto record = loaded.gone ? std::nullopt : read_message(loaded.bytes);
    if (record) {
        std::vector<Waiting> waiting;
        for (const Wanting& each : wanted.mapped()) {
            Session* session = core.find(each.session);
            const auto found =
                session ? find_waiting(*session, loaded.id, each.taker) : std::nullopt;
            if (found) waiting.push_back(*found);
        }
        fill_all(*record, waiting);
        for (const Waiting& each : waiting)
            if (each.in_flight) count_inflight(core, each.realm, *each.entry);
    } else {
        for (Session* session : sessions) lose(core, *session, loaded.id, loaded.why);
    }
    for (Session* session : sessions) pump(core, *session);
}

/// The packet id under which a session has the message in flight for this taker; 0: it has not. A
/// session may be more takers than one: through its own subscription, and through groups.
PacketId packet_id_of(const Core& core, ObjectId owner, ObjectId message, uint32_t taker) {
    const Session* session = core.sessions.at(core.keeper.ledger.slot(owner));
    if (!session || session->kept != owner || !session->outbox) return {};
    const auto& inflight = session->outbox->inflight;
    for (size_t i = 0; i < inflight.size(); ++i)
        if (inflight[i].entry.kept == message && inflight[i].entry.taker == taker)
            return inflight[i].packet_id;
    return {};
}

/// The record as it is now: who is through leaves only its place, so that no place changes.
void rewrite_message(Core& core, ObjectId id, MessageRecord record) {
    Keeper& keeper = core.keeper;
    Buffer takers;
    Bytes old = record.takers;
    for (uint32_t i = 0; i < record.taker_count; ++i) {
        auto taker = read_taker(old);
        GW_ASSERT(taker.has_value());
        if (!keeper.ledger.is_open(id, i)) taker = TakerRecord{};
        if (!taker->group && taker->owner.value != 0)
            taker->packet_id = packet_id_of(core, taker->owner, id, i);
        append_taker(takers, *taker);
    }
    const auto waiting = keeper.waiting_shards.find(id.value);
    record.waiting_shards = waiting == keeper.waiting_shards.end() ? 0 : waiting->second;
    record.takers = takers;
    ++keeper.record_count;
    keeper.log->put(id, object_bytes(record), [&](uint8_t* at) { write_object(at, record); });
}

void rewrite(Core& core, const store::Loaded& loaded) {
    if (loaded.gone) {
        core.fx->events.push_back(
            {Severity::Error, "damaged", {}, {}, {}, "object_lost", loaded.why});
        return;
    }
    if (const auto record = read_message(loaded.bytes))
        return rewrite_message(core, loaded.id, *record);
    ++core.keeper.record_count;
    core.keeper.log->put(loaded.id, loaded.bytes);
}

}  // namespace

void place_last(Core& core, Session& session, OutboxEntry entry) {
    Outbox& box = core.need_outbox(session);
    add_queued(core, session.realm, 1, entry.bytes);
    const bool in_memory = session.online && box.queue.size() < kQueueInMemory;
    const bool may_park = entry.kept.value != 0 && entry.group_token() == 0;
    if (!may_park || (box.parked.empty() && in_memory)) return box.push_back(std::move(entry));
    box.queued_bytes += entry.bytes;
    count_parked(core, session.realm, entry.bytes);
    box.parked.push_back({entry.kept, entry.taker, uint32_t(entry.qos)});
}

void park(Core& core, Session& session) {
    if (!session.outbox) return;
    Outbox& box = *session.outbox;
    while (!box.queue.empty() && box.queue.back().kept.value != 0 &&
           box.queue.back().group_token() == 0) {
        const OutboxEntry entry = box.queue.pop_back();
        box.queued_qos0 -= entry.qos == mqtt::Qos::AtMostOnce;
        count_parked(core, session.realm, entry.bytes);
        box.parked.push_front({entry.kept, entry.taker, uint32_t(entry.qos)});
    }
    for (size_t i = 0; i < box.inflight.size(); ++i) {
        OutboxEntry& entry = box.inflight[i].entry;
        if (entry.kept.value == 0 || entry.group_token() != 0) continue;
        uncount_inflight(core, session.realm, entry);
        entry.message = {};
    }
}

void unpark(Core& core, Session& session) {
    if (!session.outbox || !session.online) return;
    Outbox& box = *session.outbox;
    while (!box.parked.empty() && box.queue.size() < kQueueInMemory) {
        const Parked next = box.parked.pop_front();
        if (core.keeper.forming.id == next.kept) end_forming(core);
        OutboxEntry entry{.kept = next.kept,
                          .taker = next.taker,
                          .bytes = core.keeper.ledger.bytes(next.kept),
                          .qos = mqtt::Qos(next.qos)};
        uncount_parked(core, session.realm, entry.bytes);
        want(core, session, entry);
        box.queued_qos0 += entry.qos == mqtt::Qos::AtMostOnce;
        box.queue.push_back(std::move(entry));
    }
}

void want(Core& core, const Session& session, const OutboxEntry& entry) {
    if (core.keeper.forming.id == entry.kept) end_forming(core);
    const auto [at, is_first] = core.keeper.wanted.try_emplace(entry.kept.value);
    if (is_first) core.keeper.log->request(entry.kept);
    const Wanting wanting{session.self, entry.taker};
    if (std::find(at->second.begin(), at->second.end(), wanting) == at->second.end())
        at->second.push_back(wanting);
}

void take_loaded(Core& core) {
    while (const auto loaded = core.keeper.log->next_loaded()) {
        if (core.keeper.moving.erase(loaded->id.value) > 0) rewrite(core, *loaded);
        give_to_those_who_want(core, *loaded);
    }
}

void move_objects(Core& core) {
    Keeper& keeper = core.keeper;
    keeper.to_move.clear();
    keeper.log->to_move(kMoveBytesMax, keeper.to_move);
    for (const ObjectId id : keeper.to_move) {
        if (keeper.ledger.kind(id) == ObjectKind::Session) {
            Session* session = core.sessions.at(keeper.ledger.slot(id));
            GW_ASSERT(session && session->kept == id);
            keep_session(core, *session);
        } else if (keeper.moving.insert(id.value).second) {
            keeper.log->request(id);
        }
    }
}

}  // namespace godwit::broker
