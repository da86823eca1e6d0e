// Keeping: what the other walks tell the log, and what waits until it is on disk. Without a log
// (durability "memory") every call here does nothing and nothing waits.
//
// A message is one object however many sessions take it; each of them has a place among its takers.
// What is owed to a taker ends with settle(); when nobody is owed anything the object goes.
// Source: DESIGN.md "an acknowledgement is a fact", "exactly once means once"; docs/durability.md
#pragma once

#include "broker/core.h"
#include "broker/keeping/object_format.h"

namespace godwit::broker {

/// A restart must not end it.
bool is_durable(const Core& core, const Session& session);

/// Where the writing stands: what is written from here on is counted by ticket_since().
uint64_t writing_mark(Core& core);
/// The ticket of what was written since that mark; 0: nothing was.
uint64_t ticket_since(const Core& core, uint64_t mark);
/// The ticket of all that was written so far.
uint64_t newest_ticket(const Core& core);
/// Everything up to this ticket is on disk.
bool is_on_disk(const Core& core, uint64_t ticket);

// --- sessions and subscriptions ---

/// Writes the session as it is now, if it, or its will, is to outlive a restart; else its object
/// goes.
void keep_session(Core& core, Session& session);
void note_session(Core& core, const Session& session, Note::Kind kind, PacketId id);
void keep_subscription(Core& core, const Session& session, ObjectId& kept,
                       const SubscriptionRecord& record);
/// Ends an object; 0 is none.
void forget(Core& core, ObjectId& id);
/// The same for a session. Until that is on disk, ended_ticket() of its client tells.
void forget_session(Core& core, Session& session);
/// What has to be on disk before this client may be told that it has no session; 0: nothing.
uint64_t ended_ticket(const Core& core, uint64_t client_hash);

// --- messages ---

/// The retained value, under this id or (0) a new one.
ObjectId keep_retained_object(Core& core, ObjectId id, const Message& message);

void keep_group(Core& core, SharedGroup& group, GroupRef ref);
/// The group takes the message from now on, if it is of a kind that lasts.
KeptPlace keep_for_group(Core& core, const SharedGroup& group, const MessageRef& message);
/// The session takes the entry's message from now on; with a packet id, it was sent under it.
void keep_taker(Core& core, const Session& session, OutboxEntry& entry, PacketId packet_id);
/// The same for what was kept before it was sent.
void note_sent(Core& core, const OutboxEntry& entry, PacketId packet_id);
/// The session is through with the entry's message.
void settle(Core& core, const OutboxEntry& entry);
void settle(Core& core, ObjectId kept, uint32_t taker);
/// Writes the message whose takers were collected. To be called before other walks look at it, at
/// the latest when the input is handled.
void end_forming(Core& core);
/// A durable object for a message that other shards must take exactly once.
ObjectId keep_crossing(Core& core, const MessageRef& message, uint64_t shards);
/// `shard` has it on its disk.
void note_confirmed(Core& core, ObjectId id, ShardId shard);
/// The stamps of the newest crossings taken from each shard.
void keep_newest_crossing(Core& core);

// --- the disk ---

/// End of a turn with a log: closes the group, says what the disk has to do.
void commit(Core& core, WallTime wall);
/// The disk did something: lets go what waited for it.
void on_store_done(Core& core, store::WorkDone done);

}  // namespace godwit::broker
