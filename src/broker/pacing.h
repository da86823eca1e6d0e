// Pacing: a publisher of QoS 0 is owed no acknowledgement, so nothing else would stop it when a
// shard that takes its messages is behind. Each shard tells the others, once a turn, what it has
// taken of theirs; a connection that publishes to a shard with too much on its way is not read.
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// A publish goes to another shard.
void note_posted(Core& core, ShardId to, const Message& message);
/// A publish of another shard is in the hands of its takers here.
void note_taken(Core& core, ShardId from, const Message& message);
/// Stops reading a publisher of QoS 0 if one of these shards is behind.
/// @param shards  bit set
void wait_for_slow(Core& core, Connection& c, uint64_t shards);
/// Tells the other shards what was taken of theirs. At the end of a turn.
void tell_taken(Core& core);
void on_publishes_taken(Core& core, ShardId from, const PublishesTaken& in);

}  // namespace godwit::broker
