#include "broker/delivering.h"

#include "broker/closing.h"
#include "broker/keeping/keeping.h"
#include "broker/keeping/loading.h"
#include "broker/limiting.h"
#include "broker/permitting.h"
#include "broker/reading.h"
#include "broker/realm_memory.h"
#include "broker/replaying.h"
#include "broker/scarcity.h"
#include "broker/sending.h"
#include "broker/sharing.h"
#include "mqtt/encoder.h"

namespace godwit::broker {

using mqtt::Qos;
using mqtt::ReasonCode;

namespace {

size_t window_of(const Core& core, const Connection& c) {
    if (GW_MUTANT(IgnoreReceiveMaximum)) return core.limits.inflight_max;
    const uint16_t most = std::min(c.receive_maximum, core.limits.inflight_max);
    return is_scarce(core, c) ? std::min(most, kScarceInflight) : most;
}

/// Messages sent and unacknowledged, without those that a resume has still to send again.
size_t in_window(const Session& session) {
    return session.outbox ? session.outbox->inflight.size() - session.outbox->to_resend : 0;
}

bool output_full(const Core& core, const Connection& c) {
    return c.unsent_bytes >= output_bytes_max(core, c);
}

/// Out of the session's hands for good: what a group lent is settled.
void give_up(Core& core, const OutboxEntry& entry) {
    settle(core, entry);
    if (entry.group_token() != 0)
        core.post(entry.extras->group_home,
                  GroupDone{entry.extras->group, entry.extras->group_token});
}

OutboxEntry dequeue(Core& core, Session& session) {
    OutboxEntry entry = session.outbox->pop_front();
    remove_queued(core, session.realm, 1, entry.bytes);
    return entry;
}

void lose(Core& core, Session& session, const OutboxEntry& entry, Loss loss) {
    count_loss(core, session, loss, entry.message);
    give_up(core, entry);
}

/// QoS of what has waited longest.
Qos oldest_qos(const Outbox& box) {
    return box.queue.empty() ? Qos(box.parked.front().qos) : box.queue.front().qos;
}

/// Loses what has waited longest. What is in flight stays. @return its bytes
uint64_t lose_oldest(Core& core, Session& session, Loss loss) {
    Outbox& box = *session.outbox;
    if (!box.queue.empty()) {
        const OutboxEntry oldest = dequeue(core, session);
        lose(core, session, oldest, loss);
        return oldest.bytes;
    }
    const Parked oldest = box.parked.pop_front();
    if (core.keeper.forming.id == oldest.kept) end_forming(core);
    const uint64_t bytes = core.keeper.ledger.bytes(oldest.kept);
    uncount_parked(core, session.realm, bytes);
    box.queued_bytes -= bytes;
    remove_queued(core, session.realm, 1, bytes);
    count_loss(core, session, loss, {});
    settle(core, oldest.kept, oldest.taker);
    return bytes;
}

/// Older messages may go for this one: it fits then, and QoS 0 never takes the place of more.
bool may_displace(const Core& core, const Session& session, const OutboxEntry& entry) {
    if (!session.outbox || !session.outbox->waits()) return false;
    const uint64_t most =
        std::min(core.limits.queue_bytes_max, core.realm(session.realm).limits.queue_bytes_max);
    return entry.bytes <= most &&
           (entry.qos != Qos::AtMostOnce || oldest_qos(*session.outbox) == Qos::AtMostOnce);
}

Loss loss_of(const FullQueue& full) {
    switch (full.of) {
        case FullQueue::Of::Session:
            return Loss::QueueFull;
        case FullQueue::Of::Realm:
            return Loss::RealmFull;
        case FullQueue::Of::Process:
            break;
    }
    return Loss::MemoryFull;
}

/// Does what the bounds say until the entry may wait. @return what it is lost by; nullopt: it may
std::optional<Loss> lost_to_bounds(Core& core, Session& session, const OutboxEntry& entry) {
    uint64_t freed = 0;
    for (bool any = false;; any = true) {
        const auto full = full_queue(core, session, entry.bytes);
        if (!full) return std::nullopt;
        // Others fill the realm: this session holds no more than before.
        const bool of_realm = full->of == FullQueue::Of::Realm;
        if (of_realm && any && freed >= entry.bytes) return std::nullopt;
        if (full->answer == WhenFull::EndSession && entry.qos != Qos::AtMostOnce)
            end_later(core, session);
        if (full->answer != WhenFull::DropOldest || !may_displace(core, session, entry))
            return loss_of(*full);
        freed += lose_oldest(core, session, of_realm ? Loss::RealmOldest : Loss::QueueOldest);
    }
}

/// On this shard's disk, or bound for it: what a group lent is on its home's.
bool is_kept(const Core& core, const Session& session, const OutboxEntry& entry) {
    return entry.kept.value != 0 || (is_durable(core, session) && entry.group_token() == 0);
}

/// A QoS 2 message of a group that this session will have to finish, whatever crashes.
bool must_take_over(const Core& core, const Session& session, const OutboxEntry& entry) {
    return is_durable(core, session) && entry.qos == Qos::ExactlyOnce && entry.group_token() != 0 &&
           entry.extras->group_kept.value != 0;
}

/// Remembers under which id the message goes to a session that outlives us.
void keep_sent(Core& core, const Session& session, OutboxEntry& entry, PacketId id) {
    if (entry.kept.value != 0) return note_sent(core, entry, id);
    if (is_kept(core, session, entry)) keep_taker(core, session, entry, id);
}

/// What is owed to this session leaves when the log is on disk up to `ticket`.
void hold_send(Core& core, const Session& session, Inflight& each, uint64_t ticket) {
    if (each.sent) ++session.outbox->unsent;
    each.sent = false;
    each.ticket = ticket;
    core.keeper.held_sends.push_back({ticket, session.self});
}

/// What may be sent now, as far as the disks are concerned.
bool may_leave(const Core& core, const Inflight& each) {
    return !each.lent && is_on_disk(core, each.ticket);
}

/// At QoS 0: it is out of our hands then.
void send_once(Core& core, Session& session, Connection& c, const OutboxEntry& entry) {
    if (entry.message->expired(core.now) && !GW_MUTANT(IgnoreMessageExpiry))  // [MQTT5-3.3.2-5]
        return lose(core, session, entry, Loss::Expired);
    if (!send_publish(core, c, entry, {}, false))  // [MQTT5-3.1.2-25]
        return lose(core, session, entry, Loss::TooLarge);
    settle(core, entry);
}

/// First transmission of an entry. A QoS 2 message of a durable session leaves once its packet id
/// is on disk: after a crash that id must mean this message and no other.
void transmit(Core& core, Session& session, Connection& c, OutboxEntry entry) {
    if (entry.qos == Qos::AtMostOnce) return send_once(core, session, c, entry);
    if (entry.message->expired(core.now) && !GW_MUTANT(IgnoreMessageExpiry))  // [MQTT5-3.3.2-5]
        return lose(core, session, entry, Loss::Expired);
    const PacketId id = session.next_packet_id();
    const bool lent = must_take_over(core, session, entry);
    const bool kept_first =
        lent || (entry.qos == Qos::ExactlyOnce && is_kept(core, session, entry));
    const bool behind_held = entry.qos == Qos::ExactlyOnce && session.outbox &&
                             session.outbox->unsent > 0;  // [MQTT5-4.6.0-6]
    const bool held = (kept_first || behind_held) && !GW_MUTANT(SendBeforeDisk);
    const uint64_t ticket = kept_first    ? core.keeper.log->next_ticket()
                            : behind_held ? session.outbox->last_unsent_ticket()
                                          : 0;
    if (!held && !send_publish(core, c, entry, id, false))  // [MQTT5-3.1.2-25]
        return lose(core, session, entry, Loss::TooLarge);
    if (lent) take_over(core, session, entry, id);
    keep_sent(core, session, entry, id);
    ++core.counters.inflight;
    count_inflight(core, session.realm, entry);
    core.need_outbox(session).inflight.push_back({std::move(entry), id});
    session.outbox->inflight.back().lent = lent;
    if (held) hold_send(core, session, session.outbox->inflight.back(), ticket);
}

/// May this entry go out now, ahead of nothing that waits?
bool may_send(const Core& core, const Session& session, const Connection& c, Qos qos) {
    if (output_full(core, c)) return false;
    if (qos == Qos::AtMostOnce) return true;
    const bool resending = session.outbox && session.outbox->to_resend > 0;
    return !resending && in_window(session) < window_of(core, c);
}

/// What has waited may not be for this client any more.
void send_queued(Core& core, Session& session, Connection& c, OutboxEntry entry) {
    if (!may_receive(core, session, *entry.message))
        return lose(core, session, entry, Loss::NotAuthorized);
    transmit(core, session, c, std::move(entry));
}

/// Sends what `each` owes, for the first time or again. @return  false when it is too large for the
/// client
bool send_owed(Core& core, Connection& c, Outbox& box, Inflight& each) {
    const bool again = each.sent;  // [MQTT5-3.3.1-1]
    if (!again) --box.unsent;
    each.sent = true;
    if (!each.released) return send_publish(core, c, each.entry, each.packet_id, again);
    send_packet(core, c, [&](Buffer& out) {
        mqtt::encode_pubrel(out, c.version, {each.packet_id, {}, {}, {}});
    });  // [MQTT5-4.3.3-4]
    return true;
}

/// Takes entry `i` out of flight: its packet is above what the client takes, or it has expired.
void lose_inflight(Core& core, Session& session, size_t i, Loss loss) {
    const OutboxEntry& entry = session.outbox->inflight[i].entry;
    uncount_inflight(core, session.realm, entry);
    lose(core, session, entry, loss);
    (void)session.outbox->take_inflight(i);
    --core.counters.inflight;
}

/// Sends what entry `i` owes, or gives it up. @return  whether it is in flight still
bool send_or_lose(Core& core, Session& session, Connection& c, size_t i) {
    Inflight& each = session.outbox->inflight[i];
    const bool is_new = !each.sent && !each.released;
    if (is_new && each.entry.message->expired(core.now) && !GW_MUTANT(IgnoreMessageExpiry)) {
        lose_inflight(core, session, i, Loss::Expired);
        return false;  // [MQTT5-3.3.2-5]: its delivery has not begun
    }
    if (!each.released && !may_receive(core, session, *each.entry.message)) {
        lose_inflight(core, session, i, Loss::NotAuthorized);
        return false;
    }
    if (send_owed(core, c, *session.outbox, each)) return true;
    lose_inflight(core, session, i, Loss::TooLarge);
    return false;
}

/// What waited for the disk on this connection, in its order.
void send_held(Core& core, Session& session, Connection& c) {
    Outbox& box = *session.outbox;
    for (size_t i = 0; box.unsent > 0 && i < box.inflight.size() - box.to_resend;) {
        if (output_full(core, c)) return;  // on_flushed goes on
        const Inflight& each = box.inflight[i];
        if (each.sent || !may_leave(core, each) || send_or_lose(core, session, c, i)) ++i;
    }
}

/// What an earlier connection left in flight, in its old order [MQTT5-4.4.0-1].
void resend(Core& core, Session& session, Connection& c) {
    Outbox& box = *session.outbox;
    if (GW_MUTANT(ResendWithNewId))
        for (size_t i = 0; i < box.inflight.size(); ++i)
            if (!box.inflight[i].released) box.inflight[i].packet_id = session.next_packet_id();
    while (box.to_resend > 0) {
        if (output_full(core, c)) return;  // on_flushed goes on
        const size_t i = box.inflight.size() - box.to_resend;
        const Inflight& each = box.inflight[i];
        if (!may_leave(core, each)) return;
        if (!each.released) {
            if (in_window(session) >= window_of(core, c)) return;
            if (!each.entry.message) return want(core, session, each.entry);
        }
        if (send_or_lose(core, session, c, i)) --box.to_resend;
    }
}

/// PUBREC came: the message is the client's, its packet id ours until PUBCOMP. PUBREL leaves once
/// that is on disk: a PUBLISH sent again after a crash would be new to the client.
void release(Core& core, const Session& session, Inflight& each) {
    const bool kept = each.entry.kept.value != 0;
    uncount_inflight(core, session.realm, each.entry);
    give_up(core, each.entry);
    each.released = true;
    each.entry = {.qos = Qos::ExactlyOnce};
    if (!kept) return;
    if (!GW_MUTANT(ForgetOwedOnDisk)) note_session(core, session, Note::Kind::Owed, each.packet_id);
    if (!GW_MUTANT(PubrelBeforeDisk))
        hold_send(core, session, each, core.keeper.log->next_ticket());
}

/// The queue and what is in flight. @return how many messages that was
size_t drop_box(Core& core, Session& session) {
    const auto box = std::exchange(session.outbox, nullptr);
    if (!box) return 0;
    core.counters.inflight -= box->inflight.size();
    remove_queued(core, session.realm, box->queued_count(), box->queued_bytes);
    size_t lost = box->queued_count();
    while (!box->inflight.empty()) {
        const Inflight each = box->inflight.pop_front();
        uncount_inflight(core, session.realm, each.entry);
        if (each.released) continue;
        give_up(core, each.entry);  // [MQTT5-4.8.2-5]
        ++lost;
    }
    while (!box->queue.empty()) give_up(core, box->queue.pop_front());
    while (!box->parked.empty()) {
        const Parked each = box->parked.pop_front();
        if (core.counts_memory)
            uncount_parked(core, session.realm, core.keeper.ledger.bytes(each.kept));
        settle(core, each.kept, each.taker);
    }
    return lost;
}

void finish(Core& core, Session& session, PacketId id) {
    if (core.counts_memory) uncount_inflight(core, session.realm, session.outbox->find(id)->entry);
    session.outbox->erase(id);
    --core.counters.inflight;
    pump(core, session);
}

}  // namespace

bool make_room(Core& core, Session& session, const OutboxEntry& entry) {
    const auto loss = lost_to_bounds(core, session, entry);
    if (loss) lose(core, session, entry, *loss);
    return !loss;
}

void enqueue(Core& core, Session& session, OutboxEntry entry) {
    entry.bytes = uint32_t(entry.message->size_bytes());
    if (!make_room(core, session, entry)) return core.free_outbox_if_empty(session);
    const Outbox& box = core.need_outbox(session);
    const bool behind_kept = !box.parked.empty() && entry.group_token() == 0;
    const bool owed = entry.qos != Qos::AtMostOnce;  // at QoS 0 a crash may lose, but not repeat
    if (owed && entry.kept.value == 0 && (is_kept(core, session, entry) || behind_kept))
        keep_taker(core, session, entry, {});
    place_last(core, session, std::move(entry));
}

void deliver(Core& core, const Delivery& delivery, const Matches& matches,
             const MessageRef& message) {
    ++core.pace.work;
    Session* session = core.find(delivery.session);
    if (!session) return;
    if (!may_receive(core, *session, *message))
        return count_loss(core, *session, Loss::NotAuthorized, message);
    OutboxEntry entry{.message = message,
                      .extras = nullptr,
                      .subscription_id = delivery.subscription_id,
                      .qos = std::min(message->qos(), delivery.qos),  // [MQTT5-3.8.4-8]
                      .retain = delivery.retain_as_published && message->retain()};
    for (uint32_t at = delivery.more_ids; at != Delivery::kNoMore; at = matches.more_ids[at].next) {
        if (!entry.extras) entry.extras = std::make_unique<DeliveryExtras>();
        entry.extras->more_subscription_ids.push_back(matches.more_ids[at].subscription_id);
    }
    if (session->replay() && hold_behind_replay(core, *session, entry)) return;
    if (entry.qos == Qos::AtMostOnce && !session->outbox)  // the usual one: nothing is ahead of it
        if (Connection* c = core.connection_of(*session); c && !output_full(core, *c))
            return send_once(core, *session, *c, entry);
    send_or_queue(core, *session, std::move(entry));
}

bool would_wait(Core& core, const Session& session, Qos qos) {
    const Connection* c = core.connection_of(session);
    const bool waits = session.waiting_count() > 0;
    return !c || waits || !may_send(core, session, *c, qos);
}

void send_or_queue(Core& core, Session& session, OutboxEntry entry) {
    Connection* c = core.connection_of(session);
    const bool waits = session.outbox && session.outbox->waits();
    if (c && !waits && may_send(core, session, *c, entry.qos)) {
        transmit(core, session, *c, std::move(entry));
        return core.free_outbox_if_empty(session);
    }
    if (GW_MUTANT(DropQos0BehindQueue) && waits && entry.qos == Qos::AtMostOnce) return;
    if (entry.qos == Qos::AtMostOnce) {
        // QoS 0 may pass waiting QoS 1 and 2, but not other QoS 0 that waits.
        const bool passes =
            c && !output_full(core, *c) && (!waits || session.outbox->queued_qos0 == 0);
        if (passes) return transmit(core, session, *c, std::move(entry));
        if (c && output_full(core, *c))
            return count_loss(core, session, Loss::OutputFull, entry.message);
        if (!c && !core.limits.queue_qos0)
            return count_loss(core, session, Loss::OfflineQos0, entry.message);
    }
    const size_t before = session.queued_count();
    enqueue(core, session, std::move(entry));
    // The oldest made room: what comes first now may be there already.
    if (c && session.queued_count() <= before) pump(core, session);
}

void pump(Core& core, Session& session) {
    Connection* c = core.connection_of(session);
    if (!c) return;
    if (session.outbox) {
        Outbox& box = *session.outbox;
        send_held(core, session, *c);
        resend(core, session, *c);
        while (!box.queue.empty() && box.queue.front().message && box.to_resend == 0 &&
               may_send(core, session, *c, box.queue.front().qos))
            send_queued(core, session, *c, dequeue(core, session));
        unpark(core, session);
        core.free_outbox_if_empty(session);
    }
    if (session.replay() && !output_full(core, *c)) continue_replay(core, session);
}

void resume_deliveries(Core& core, Session& session, Connection&) {
    if (session.outbox && !GW_MUTANT(ForgetInflightOnResume))
        session.outbox->to_resend = uint32_t(session.outbox->inflight.size());
    pump(core, session);
}

void on_puback(Core& core, Connection& c, const mqtt::Ack& ack) {
    Session& session = *core.find(c.session);
    const Inflight* known = session.outbox ? session.outbox->find(ack.packet_id) : nullptr;
    if (!known) return;  // of a message we gave up
    if (known->entry.qos != Qos::AtLeastOnce)
        return disconnect(core, c, ReasonCode::ProtocolError, "PUBACK for a QoS 2 message");
    give_up(core, known->entry);
    finish(core, session, ack.packet_id);
}

void on_pubrec(Core& core, Connection& c, const mqtt::Ack& ack) {
    Session& session = *core.find(c.session);
    Inflight* known = session.outbox ? session.outbox->find(ack.packet_id) : nullptr;
    if (known && known->entry.qos != Qos::ExactlyOnce)
        return disconnect(core, c, ReasonCode::ProtocolError, "PUBREC for a QoS 1 message");
    if (known && !known->released) {
        if (mqtt::is_error(ack.reason)) {
            give_up(core, known->entry);
            return finish(core, session, ack.packet_id);  // [MQTT5-4.4.0-2]
        }
        if (!GW_MUTANT(ForgetPubrec)) release(core, session, *known);
    } else if (mqtt::is_error(ack.reason)) {
        return;
    }
    if (known && !is_on_disk(core, known->ticket)) return;  // pump() sends it then
    const mqtt::Ack answer{
        ack.packet_id, known ? ReasonCode::Success : ReasonCode::PacketIdentifierNotFound, {}, {}};
    send_packet(core, c, [&](Buffer& out) {
        mqtt::encode_pubrel(out, c.version, answer);
    });  // [MQTT5-4.3.3-4]
}

void on_pubcomp(Core& core, Connection& c, const mqtt::Ack& ack) {
    Session& session = *core.find(c.session);
    const Inflight* known = session.outbox ? session.outbox->find(ack.packet_id) : nullptr;
    if (!known) return;
    if (!known->released && !GW_MUTANT(ForgetPubrec))
        return disconnect(core, c, ReasonCode::ProtocolError, "PUBCOMP before PUBREC");
    note_session(core, session, Note::Kind::Completed, ack.packet_id);
    finish(core, session, ack.packet_id);
}

void on_flushed(Core& core, Connection& c, uint32_t bytes) {
    const bool was_full = output_full(core, c);
    const uint64_t sent = std::min<uint64_t>(bytes, c.unsent_bytes);
    c.unsent_bytes -= sent;
    if (core.counts_memory) uncount_unsent(core, c, sent);
    if (c.is_paused(Pause::Output) && !output_full(core, c)) resume_reading(core, c, Pause::Output);
    if (c.closing || c.state != Connection::State::Online) return;
    Session& session = *core.find(c.session);
    if (session.replay() || (was_full && !output_full(core, c))) pump(core, session);
}

size_t drop_outbox(Core& core, Session& session) {
    size_t lost = drop_replay(core, session);
    lost += drop_box(core, session);
    count_losses(core, session.realm, Loss::SessionEnd, lost);
    return lost;
}

}  // namespace godwit::broker
