// Scarcity: what a shard does while the process, or a realm, has used most of the memory that it
// may have. What keeps clients going goes on; what would be kept for longer is refused by name,
// first to those who hold much. When nearly nothing is left, who holds most of it is disconnected.
// Of a realm it concerns its own clients alone. Source: docs/limits.md
#pragma once

#include "base/mutant.h"
#include "broker/core.h"
#include "broker/input.h"

#include <algorithm>

namespace godwit::broker {

// --- while memory is scarce, a client may still have this much ---

inline constexpr size_t kScarceSubscriptions = 32;            // a session, to have one more
inline constexpr uint64_t kScarceQueueBytes = 16 * 1024;      // that wait for a session
inline constexpr uint16_t kScarceInflight = 16;               // that it has not acknowledged
inline constexpr uint64_t kScarceOutputBytes = 256 * 1024;    // unsent to a connection
inline constexpr uint64_t kScarceUntakenBytes = 1024 * 1024;  // of QoS 0 on its way to a shard
inline constexpr uint32_t kScarcePacketBytes = 64 * 1024;     // of a packet that comes in pieces
inline constexpr uint32_t kScarceConnectBytes = 4 * 1024;     // the same before CONNECT
inline constexpr size_t kScarceAliasBytes = 256;              // of a topic that gets an alias
inline constexpr uint64_t kNamedBytes = 32 * 1024;            // who holds that may be named
inline constexpr uint64_t kMuchBytes = 1024 * 1024;  // whose connection holds that is ended

/// The process has used more, or less, of its memory than before.
void on_memory(Core& core, const MemoryState& in);
/// One shard judges a realm, so that all agree; the others are told.
inline ShardId judge_of(const Core& core, RealmId realm) {
    return {uint16_t(realm.value % core.config.shard_count)};
}
/// End of a turn: judges what the realms hold by their own bounds.
void judge_realms(Core& core);
/// The realm was judged.
void on_realm_memory(Core& core, Realm& realm, Memory now);

/// What follows when `used` of `max` bytes are used, and `before` did until now. Each state is left
/// later than it is entered, so that nothing swings.
Memory judge_memory(Memory before, uint64_t used, uint64_t max);

// --- what the gates ask: the state of the process, or of the realm where that is worse ---

// Each costs a branch while nothing is scarce; the rest is out of the way.
[[gnu::cold]] Memory worse_memory(const Core& core, RealmId realm);
[[gnu::cold]] bool sees_scarcity(const Core& core, RealmId realm);
[[gnu::cold]] bool sees_scarcity(const Core& core, const Connection& c);

inline Memory memory_of(const Core& core, RealmId realm) {
    return core.worst_memory == Memory::Ample ? Memory::Ample : worse_memory(core, realm);
}
inline bool is_scarce(const Core& core, RealmId realm) {
    return core.worst_memory != Memory::Ample && sees_scarcity(core, realm);
}
inline bool is_scarce(const Core& core, const Connection& c) {
    return core.worst_memory != Memory::Ample && sees_scarcity(core, c);
}
/// Of the process alone, for what is no realm's.
inline bool is_scarce(const Core& core) {
    return core.memory != Memory::Ample && !GW_MUTANT(MemoryNeverScarce);
}
/// Of answers and messages that one connection does not read.
inline uint64_t output_bytes_max(const Core& core, const Connection& c) {
    return is_scarce(core, c) ? std::min(core.limits.output_bytes_max, kScarceOutputBytes)
                              : core.limits.output_bytes_max;
}
inline bool may_make_session(const Core& core, RealmId realm) {
    return memory_of(core, realm) != Memory::Spent;
}
/// One subscription more than the session has.
bool may_subscribe(const Core& core, const Session& session);
/// One message more than wait for the session. A client that is there may always fall a little
/// behind.
bool may_queue(const Core& core, const Session& session);

}  // namespace godwit::broker
