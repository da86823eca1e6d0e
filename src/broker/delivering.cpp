#include "broker/delivering.h"

#include "broker/closing.h"
#include "broker/replaying.h"
#include "broker/sending.h"
#include "broker/sharing.h"
#include "mqtt/encoder.h"

namespace godwit::broker {

using mqtt::Qos;
using mqtt::ReasonCode;

namespace {

void free_if_empty(Session& session) {
    if (session.outbox && session.outbox->empty()) session.outbox.reset();
}

size_t window_of(const Core& core, const Connection& c) {
    if (GW_MUTANT(IgnoreReceiveMaximum)) return core.limits.inflight_max;
    return std::min(c.receive_maximum, core.limits.inflight_max);
}

/// Messages sent and unacknowledged, without those that a resume has still to send again.
size_t in_window(const Session& session) {
    return session.outbox ? session.outbox->inflight.size() - session.outbox->to_resend : 0;
}

bool output_full(const Core& core, const Connection& c) {
    return c.unsent_bytes >= core.limits.output_bytes_max;
}

/// Out of the session's hands for good: what a group lent is settled.
void give_up(Core& core, const OutboxEntry& entry) {
    if (entry.group_token() != 0)
        core.post(entry.extras->group_home,
                  GroupDone{entry.extras->group, entry.extras->group_token});
}

OutboxEntry dequeue(Core& core, Outbox& box) {
    OutboxEntry entry = box.pop_front();
    --core.counters.queued;
    core.counters.queued_bytes -= entry.message->size_bytes();
    return entry;
}

enum class Sent : uint8_t { Yes, Dropped };

/// First transmission of an entry.
Sent transmit(Core& core, Session& session, Connection& c, OutboxEntry entry) {
    const bool expired = entry.message->expired(core.now) && !GW_MUTANT(IgnoreMessageExpiry);
    if (expired) {  // [MQTT5-3.3.2-5]
        count_loss(core, session, &Counters::dropped_expired, "expired", entry.message);
        give_up(core, entry);
        return Sent::Dropped;
    }
    const PacketId id = entry.qos == Qos::AtMostOnce ? PacketId{} : session.next_packet_id();
    if (!send_publish(core, c, entry, id, false)) {  // [MQTT5-3.1.2-25]
        count_loss(core, session, &Counters::dropped_too_large, "packet_too_large", entry.message);
        give_up(core, entry);
        return Sent::Dropped;
    }
    if (entry.qos == Qos::AtMostOnce) return Sent::Yes;
    ++core.counters.inflight;
    session.need_outbox().inflight.push_back({std::move(entry), id});
    return Sent::Yes;
}

/// May this entry go out now, ahead of nothing that waits?
bool may_send(const Core& core, const Session& session, const Connection& c, Qos qos) {
    if (output_full(core, c)) return false;
    if (qos == Qos::AtMostOnce) return true;
    const bool resending = session.outbox && session.outbox->to_resend > 0;
    return !resending && in_window(session) < window_of(core, c);
}

void resend(Core& core, Session& session, Connection& c) {
    Outbox& box = *session.outbox;
    if (GW_MUTANT(ResendWithNewId))
        for (Inflight& each : box.inflight)
            if (!each.released) each.packet_id = session.next_packet_id();
    for (size_t i = box.inflight.size() - box.to_resend; i < box.inflight.size();) {
        if (output_full(core, c)) return;  // on_flushed goes on
        Inflight& each = box.inflight[i];
        if (each.released) {
            send_packet(core, c, [&](Buffer& out) {
                mqtt::encode_pubrel(out, c.version, {each.packet_id, {}, {}, {}});
            });
        } else if (in_window(session) >= window_of(core, c)) {
            return;
        } else if (!send_publish(core, c, each.entry, each.packet_id, true)) {  // [MQTT5-3.3.1-1]
            count_loss(core, session, &Counters::dropped_too_large, "packet_too_large",
                       each.entry.message);
            give_up(core, each.entry);
            box.inflight.erase(box.inflight.begin() + std::ptrdiff_t(i));
            --core.counters.inflight;
            --box.to_resend;
            continue;
        }
        --box.to_resend;
        ++i;
    }
}

void finish(Core& core, Session& session, PacketId id) {
    session.outbox->erase(id);
    --core.counters.inflight;
    pump(core, session);
}

}  // namespace

void count_loss(Core& core, Session& session, uint64_t Counters::*counter, const char* reason,
                const MessageRef& message) {
    ++(core.counters.*counter);
    ++session.dropped;
    if (core.fx->least_severity > Severity::Debug) return;
    core.event(Severity::Debug, "dropped", session, reason, std::string(message->topic()));
}

void enqueue(Core& core, Session& session, OutboxEntry entry) {
    Outbox& box = session.need_outbox();
    const size_t bytes = entry.message->size_bytes();
    if (box.queue.size() >= core.limits.queue_messages_max ||
        box.queued_bytes + bytes > core.limits.queue_bytes_max) {
        count_loss(core, session, &Counters::dropped_queue_full, "queue_full", entry.message);
        return give_up(core, entry);
    }
    ++core.counters.queued;
    core.counters.queued_bytes += bytes;
    box.push_back(std::move(entry));
}

void deliver(Core& core, const Delivery& delivery, const Matches& matches,
             const MessageRef& message) {
    Session* session = core.find(delivery.session);
    if (!session) return;
    if (core.acl) {
        const auto decision = core.acl->decide(auth::AclAction::Receive, session->client_id,
                                               session->user(), message->topic());
        if (!decision.allowed) {
            ++core.counters.dropped_not_authorized;
            return;
        }
    }
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
    send_or_queue(core, *session, std::move(entry));
}

void send_or_queue(Core& core, Session& session, OutboxEntry entry) {
    Connection* c = core.connection_of(session);
    const bool waits = session.outbox && !session.outbox->queue.empty();
    if (c && !waits && may_send(core, session, *c, entry.qos)) {
        transmit(core, session, *c, std::move(entry));
        return free_if_empty(session);
    }
    if (GW_MUTANT(DropQos0BehindQueue) && waits && entry.qos == Qos::AtMostOnce) return;
    if (entry.qos == Qos::AtMostOnce) {
        // QoS 0 may pass waiting QoS 1 and 2, but not other QoS 0 that waits.
        const bool passes =
            c && !output_full(core, *c) && (!waits || session.outbox->queued_qos0 == 0);
        if (passes) {
            transmit(core, session, *c, std::move(entry));
            return;
        }
        if (c && output_full(core, *c))
            return count_loss(core, session, &Counters::dropped_output_full, "slow_reader",
                              entry.message);
        if (!c && !core.limits.queue_qos0)
            return count_loss(core, session, &Counters::dropped_offline_qos0, "offline_qos0",
                              entry.message);
    }
    enqueue(core, session, std::move(entry));
}

void pump(Core& core, Session& session) {
    Connection* c = core.connection_of(session);
    if (!c) return;
    if (session.outbox && session.outbox->to_resend > 0) resend(core, session, *c);
    while (session.outbox && !session.outbox->queue.empty() && session.outbox->to_resend == 0 &&
           may_send(core, session, *c, session.outbox->queue.front().qos))
        transmit(core, session, *c, dequeue(core, *session.outbox));
    free_if_empty(session);
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
        give_up(core, known->entry);
        if (mqtt::is_error(ack.reason))
            return finish(core, session, ack.packet_id);  // [MQTT5-4.4.0-2]
        if (!GW_MUTANT(ForgetPubrec)) {
            known->released = true;
            known->entry.message = {};
        }
        known->entry.extras.reset();
    } else if (mqtt::is_error(ack.reason)) {
        return;
    }
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
    finish(core, session, ack.packet_id);
}

void on_flushed(Core& core, Connection& c, uint32_t bytes) {
    const bool was_full = output_full(core, c);
    c.unsent_bytes -= std::min<uint64_t>(bytes, c.unsent_bytes);
    if (c.state != Connection::State::Online) return;
    Session& session = *core.find(c.session);
    if (session.replay() || (was_full && !output_full(core, c))) pump(core, session);
}

void drop_outbox(Core& core, Session& session) {
    drop_replay(core, session);
    const auto box = std::exchange(session.outbox, nullptr);
    if (!box) return;
    core.counters.inflight -= box->inflight.size();
    core.counters.queued -= box->queue.size();
    core.counters.queued_bytes -= box->queued_bytes;
    for (const Inflight& each : box->inflight) {
        give_up(core, each.entry);  // [MQTT5-4.8.2-5]
        if (!each.released) ++core.counters.dropped_session_end;
    }
    for (const OutboxEntry& each : box->queue) give_up(core, each);
    core.counters.dropped_session_end += box->queue.size();
}

}  // namespace godwit::broker
