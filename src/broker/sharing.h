// Sharing: shared subscriptions. A group lives at one home shard and hands each message to one
// online member, wherever that lives; a member that goes gives back what it has not acknowledged.
// Source: MQTT 5.0 section 4.8.2; [MQTT5-4.8.2-3] .. [MQTT5-4.8.2-6]
#pragma once

#include "broker/core.h"
#include "topic/filter.h"

namespace godwit::broker {

// --- the member's side ---

/// Joins, or renews the membership. @return the request that GroupJoined will answer
uint64_t join_group(Core& core, Session& session, GroupKey key,
                    const mqtt::SubscriptionOptions& options, uint32_t subscription_id);
/// Writes the membership for a session that outlives us.
void keep_membership(Core& core, Session& session, const topic::ParsedFilter& filter);
bool is_member(const Session& session, const GroupKey& key);
/// @return  false when there was no such membership
bool leave_group(Core& core, Session& session, const GroupKey& key);
/// The connection ended: no group feeds this session, and what it has not sent, or sent at QoS 1
/// and got no answer for, goes back. QoS 2 under way stays [MQTT5-4.8.2-4], and so does what came
/// through a membership that has ended: it is this session's to finish.
void leave_groups_for_now(Core& core, Session& session);
void return_to_groups(Core& core, Session& session);
/// The session ends: gives back what any group lent, but for QoS 2 under way [MQTT5-4.8.2-5].
void return_group_messages(Core& core, Session& session);
void on_group_deliver(Core& core, ShardId from, const GroupDeliver& in);
void on_group_joined(Core& core, const GroupJoined& in);
/// A lent QoS 2 message becomes this session's own: it is on this shard's disk first, then the
/// group forgets it, then it is sent. So it is never two members' after a crash.
void take_over(Core& core, const Session& session, OutboxEntry& entry, PacketId packet_id);
void on_group_released(Core& core, const GroupReleased& in);
/// What waited for the disk, on either side.
void release_lent(Core& core);

// --- the home's side ---

/// A new group, without members, routed to.
GroupRef make_group(Core& core, const GroupKey& key);
/// The group and what it holds are dropped.
void end_group(Core& core, GroupRef ref);
/// What waited for this shard's disk.
void release_handouts(Core& core);
void offer_to_group(Core& core, GroupRef ref, const MessageRef& message);
void on_group_join(Core& core, ShardId from, const GroupJoin& in);
void on_group_leave(Core& core, ShardId from, const GroupLeave& in);
void on_group_presence(Core& core, ShardId from, const GroupPresence& in);
void on_group_taken(Core& core, ShardId from, const GroupTaken& in);
void on_group_done(Core& core, const GroupDone& in);
void on_group_return(Core& core, const GroupReturn& in);
/// Answers the joins whose routes are in force by now.
void release_joins(Core& core);

}  // namespace godwit::broker
