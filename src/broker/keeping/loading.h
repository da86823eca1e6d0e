// Loading: messages that wait on disk alone come back when their session can send them; and objects
// of the log's oldest segment are written again when it is to be freed.
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// Entries of an online session that are held in memory, or on their way there; the rest is parked.
inline constexpr size_t kQueueInMemory = 64;

/// Puts the entry behind all others of the session, in memory or parked. It fits the limits.
void place_last(Core& core, Session& session, OutboxEntry entry);
/// The session went offline: what is kept needs no memory.
void park(Core& core, Session& session);
/// Asks for the next parked messages when few are left in memory.
void unpark(Core& core, Session& session);
/// Asks for one message in flight that has to be sent again.
void want(Core& core, const Session& session, const OutboxEntry& entry);
/// What the disk brought goes to those who want it.
void take_loaded(Core& core);
/// Writes again what the log wants moved.
void move_objects(Core& core);

}  // namespace godwit::broker
