// Delivering: from a match to the subscriber's wire: window, packet identifiers, queue,
// acknowledgements, resume. Source: MQTT 5.0 sections 3.3.1, 3.3.4, 4.3, 4.4, 4.6, 4.9
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// Gives one message to one session: sent now, queued, or dropped and counted. Behind a replay that
/// it must not overtake.
void deliver(Core& core, const Delivery& delivery, const Matches& matches,
             const MessageRef& message);

/// The same for an entry that is made already.
void send_or_queue(Core& core, Session& session, OutboxEntry entry);
/// Puts an entry at the end of the session's queue. Where that is full the bound's answer follows,
/// and what is lost is counted.
void enqueue(Core& core, Session& session, OutboxEntry entry);
/// Does what the bounds say until one more message may wait. @return false: the entry was lost, and
/// counted
bool make_room(Core& core, Session& session, const OutboxEntry& entry);
/// Sends what window and output allow, then asks for more retained messages if some are to come.
void pump(Core& core, Session& session);

/// Re-sends what was in flight, in its old order [MQTT5-4.4.0-1], then goes on with the queue.
void resume_deliveries(Core& core, Session& session, Connection& c);

void on_puback(Core& core, Connection& c, const mqtt::Ack& ack);
void on_pubrec(Core& core, Connection& c, const mqtt::Ack& ack);
void on_pubcomp(Core& core, Connection& c, const mqtt::Ack& ack);
/// The transport took bytes: more may be sent.
void on_flushed(Core& core, Connection& c, uint32_t bytes);

/// Drops everything a session still owes, with the session. @return how many messages
size_t drop_outbox(Core& core, Session& session);

/// A message of this QoS for the session could not be sent at once.
bool would_wait(Core& core, const Session& session, mqtt::Qos qos);

}  // namespace godwit::broker
