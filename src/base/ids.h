// Ids: each its own type, so that one can never be passed for another.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace godwit {

template <class Tag, class Number>
struct Id {
    Number value = 0;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a pointer in <=>'s own 0
    friend auto operator<=>(const Id&, const Id&) = default;
};

/// One shard: one thread, one core. 0 .. shard_count-1.
using ShardId = Id<struct ShardTag, uint16_t>;
/// One tenant's broker: own topic space, identities, limits. 0 is "default".
using RealmId = Id<struct RealmTag, uint16_t>;
/// One configured listener, in the order of the configuration.
using ListenerId = Id<struct ListenerTag, uint16_t>;
/// MQTT packet identifier, 1..65535; 0 means none.
using PacketId = Id<struct PacketTag, uint16_t>;
/// One durable object of a shard: dense numbers that its owner picks and reuses. 0: none.
using ObjectId = Id<struct ObjectTag, uint32_t>;
/// A transport connection as one shard knows it. The slot is reused; the generation tells the users
/// apart.
struct ConnectionId {
    uint32_t slot = 0;
    uint32_t generation = 0;
    friend auto operator<=>(const ConnectionId&, const ConnectionId&) = default;
};

}  // namespace godwit

template <class Tag, class Number>
struct std::hash<godwit::Id<Tag, Number>> {
    size_t operator()(const godwit::Id<Tag, Number>& id) const noexcept {
        return std::hash<Number>{}(id.value);
    }
};
