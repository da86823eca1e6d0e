// Replaying: the retained messages that a new subscription gets, fetched in batches from the
// topics' homes at the pace of the subscriber. Live messages of the same subscription wait behind
// them, so a topic's older value never follows a newer one; the query waits for what was published
// before the subscription was routed, so none is missed. Source: MQTT 5.0 sections 3.3.1.3
// and 3.8.3.1; [MQTT5-3.3.1-9] .. [MQTT5-3.3.1-11] [MQTT5-3.8.4-4]
#pragma once

#include "broker/core.h"

namespace godwit::broker {

// --- the subscriber's side ---

/// From now on live messages that match the planned fetch wait. Numbers the plan.
void begin_hold(Core& core, Session& session, Replay::Fetch& plan);
/// The planned fetches' filters are routed from every shard: ask.
void begin_fetches(Core& core, Session& session, const std::vector<Replay::Fetch>& plans);
/// Asks for the next batch when the last one is on its way, or ends the replay and lets the held
/// messages go.
void continue_replay(Core& core, Session& session);
/// Unsubscribed: what is left of these fetches is not wanted.
void cancel_fetches(Core& core, Session& session, std::string_view filter);
/// The session ends: what waits behind its replay goes with it. @return how many messages
size_t drop_replay(Core& core, Session& session);
/// @return  true when the entry was taken to wait (or was dropped, and counted)
bool hold_behind_replay(Core& core, Session& session, OutboxEntry& entry);
void on_retained_batch(Core& core, const RetainedBatch& in);

// --- the home's side ---

void on_retained_query(Core& core, ShardId from, const RetainedQuery& in);
/// Answers the queries whose needs are met by now.
void answer_deferred(Core& core);

}  // namespace godwit::broker
