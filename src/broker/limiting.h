// Limiting: what sessions and realms may hold, and the answers where they hold that much. The
// bounds of a session are exact. Those of a realm hold across shards: each tells the others what it
// holds whenever that has moved by more than a step, and checks its own count plus what it was told
// last. So a realm may exceed a bound by a sixteenth, and by what comes in while the word is under
// way. Source: docs/limits.md
#pragma once

#include "broker/core.h"

namespace godwit::broker {

// --- the books ---

/// So many messages began or ceased to wait for a session of this realm.
void add_queued(Core& core, RealmId realm, uint64_t messages, uint64_t bytes);
void remove_queued(Core& core, RealmId realm, uint64_t messages, uint64_t bytes);
/// A session is there, or is no more.
void add_session(Core& core, RealmId realm);
void remove_session(Core& core, RealmId realm);
/// A client has come in, or is about to go.
void add_connection(Core& core, RealmId realm, const Connection& c);
void remove_connection(Core& core, RealmId realm, const Connection& c);
/// A session has a subscription more, or one fewer; memberships in groups count.
/// @param bytes  of its filter
void add_subscription(Core& core, RealmId realm, size_t bytes);
void remove_subscription(Core& core, RealmId realm, size_t bytes);
/// So much waits in this group now.
void recount_group(Core& core, SharedGroup& group, SharedGroup::Load now);
/// Counts messages of the realm that somebody takes and does not get, for the shard and the realm.
void count_losses(Core& core, RealmId realm, Loss loss, uint64_t count = 1);
/// Counts one message that this session does not get, and says so.
/// @param message  null: it is on disk alone
void count_loss(Core& core, Session& session, Loss loss, const MessageRef& message);

// --- the bounds ---

/// A bound that one more message would break.
struct FullQueue {
    enum class Of : uint8_t { Session, Realm, Process };
    WhenFull answer = WhenFull::DropNewest;
    Of of = Of::Session;
};
/// A bound that a client would break by coming in.
struct ConnectLimit {
    mqtt::ReasonCode reason = mqtt::ReasonCode::QuotaExceeded;
    const char* name = "";  // key of the configuration
};
/// @param known  the session of its client id; null: there is none
/// @return       nullopt: none, and it counts for the realm's connection rate
std::optional<ConnectLimit> connect_limit(const Core& core, Realm& realm, const Session* known);
/// The realm may have no subscription more.
bool is_subscriptions_full(const Realm& realm);

/// Whether one more message of so many bytes may wait for the session. @return nullopt: it may
/// @param ahead  in how many other queues of the realm the same message will wait
std::optional<FullQueue> full_queue(const Core& core, const Session& session, uint64_t bytes,
                                    uint64_t ahead = 0);
/// The same for any queue of the realm, a shared group's too.
std::optional<FullQueue> full_realm(const Realm& realm, uint64_t bytes, uint64_t ahead = 0);
/// The realm may not keep this retained message.
bool is_retained_full(const Core& core, const Realm& realm, const Message& message);

/// Whether this shard's part in a publish is to be refused, all of it: somebody here could not keep
/// the message, and the bound's answer is Refuse. Counts it for each such session.
/// @param matches  null: nobody here subscribes
/// @param keep     this shard is the home of the topic's retained message
/// @cost           a walk over the takers, only where some answer is Refuse
bool must_refuse(Core& core, const MessageRef& message, const Matches* matches, bool keep);

/// The session ends when the input is handled: now, others may be looking at it.
void end_later(Core& core, const Session& session);
void end_full_sessions(Core& core);

// --- between shards ---

/// End of a turn: tells the others what this shard holds, where that has moved by more than a step.
void tell_realm_use(Core& core);
void on_realm_use(Core& core, ShardId from, const RealmUse& in);

}  // namespace godwit::broker
