// Crossing: publishes that other shards must take exactly once, whatever crashes: QoS 2 of durable
// sessions, and wills. First the message is on this shard's disk, then it is posted, and posted
// again after a restart until every shard has it on its own disk. The receiver knows what it has
// seen by the stamp: those of one origin only grow. Confirms of all publishes wait for the disk
// too.
// A crossing waits for the disk, and nothing younger of its topic at QoS 1 or 2 overtakes it: such
// a publish waits behind it, unwritten. So a topic's publishes leave a shard in their order,
// whatever their QoS, and its home never gets an older value after a younger one of one publisher.
// QoS 0 promises no order against others and does not wait; Retained looks at the stamps. Source:
// DESIGN.md "exactly once means once"; [MQTT5-4.3.3-10] [MQTT5-4.3.3-11]
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// It will be posted when what it waits for is on disk.
void add_crossing(Core& core, Crossing crossing);
/// An older publish of its topic waits to be posted.
bool waits_behind_crossing(const Core& core, const Message& message);
/// Posts the crossings that are on disk by now.
void send_crossings(Core& core);
/// @return  true when this shard has taken it already
bool is_known_crossing(Core& core, ShardId from, const Message& message);
/// `from` has every publish up to this number on its disk: those that crossed to it are settled.
void settle_crossings(Core& core, ShardId from, uint64_t upto);

/// Tells `to` which of its publishes were taken, once `ticket` is on disk.
void confirm_when_on_disk(Core& core, ShardId to, PublishConfirm confirm, uint64_t ticket);
void release_confirms(Core& core);

}  // namespace godwit::broker
