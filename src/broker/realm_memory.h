// Realm memory: what a realm holds in memory on this shard, added up, where some realm has a bound
// for it: the kernel counts for the process, and knows no realms. Queued messages, messages in
// flight and output count for each client that they are for, though some share one copy: so the sum
// is rather above what is really held. Not counted are what is on its way between shards, and what
// comes before an accepted CONNECT, when nobody knows the realm. Source:
// docs/adr/0020-memory-budget.md
#pragma once

#include "broker/core.h"

namespace godwit::broker {

// What an object costs besides the texts and payloads in it, allocator included, as
// tests/bench/memory.py measures: an idle client with one subscription is 475 bytes.
inline constexpr uint64_t kSessionBytes = 180;      // and what finds it; its client id besides
inline constexpr uint64_t kSubscriptionBytes = 75;  // its filter besides
inline constexpr uint64_t kParkedBytes = 61;        // a message that waits on disk

/// So many bytes more, or fewer, are held for the realm. @cost  where no realm has a bound, a
/// branch
inline void hold(Core& core, RealmId realm, uint64_t bytes) {
    if (core.counts_memory) core.realm(realm).memory += bytes;
}
inline void let_go(Core& core, RealmId realm, uint64_t bytes) {
    if (core.counts_memory) core.realm(realm).memory -= bytes;
}

/// What the session is besides its subscriptions and messages: id, user name and will. To be called
/// when one of them has changed.
void recount_session(Core& core, const Session& session);
/// It is about to end.
void uncount_session(Core& core, const Session& session);

/// What has come from an online client and is not handled, and the topics of its aliases. To be
/// called after reading, where core.counts_memory.
[[gnu::cold]] void recount_unread(Core& core, const Connection& c);
/// A client has come in, or is about to go: its connection and what it holds unread and unsent.
void count_connection(Core& core, RealmId realm, const Connection& c);
void uncount_connection(Core& core, RealmId realm, const Connection& c);

/// A queued message goes to disk, or comes from there.
inline void count_parked(Core& core, RealmId realm, uint64_t bytes) {
    hold(core, realm, kParkedBytes);
    let_go(core, realm, bytes);
}
inline void uncount_parked(Core& core, RealmId realm, uint64_t bytes) {
    let_go(core, realm, kParkedBytes);
    hold(core, realm, bytes);
}

/// A message is in flight, or ceases to be. One that is on disk alone counts for nothing.
inline void count_inflight(Core& core, RealmId realm, OutboxEntry& entry) {
    if (!core.counts_memory || !entry.message) return;
    entry.bytes = uint32_t(entry.message->size_bytes());
    hold(core, realm, entry.bytes);
}
inline void uncount_inflight(Core& core, RealmId realm, const OutboxEntry& entry) {
    if (entry.message) let_go(core, realm, entry.bytes);
}

/// So much of what was written for an online client has left; where core.counts_memory.
[[gnu::cold]] void uncount_unsent(Core& core, const Connection& c, uint64_t bytes);

/// What is held for the realm at the end of a turn. What was written in this turn and has not yet
/// been tried to send does not count.
uint64_t settle_memory(Realm& realm);

}  // namespace godwit::broker
