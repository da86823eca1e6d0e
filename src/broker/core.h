// Core: the state of one shard, and of the turn that is running. The walks (connecting, publishing,
// delivering, subscribing, sharing, replaying, closing) are free functions over it; Shard is its
// door. Thread: its shard's. Nothing here blocks, calls back, or reads a clock.
#pragma once

#include "base/deadline_heap.h"
#include "base/handle_table.h"
#include "base/mutant.h"
#include "base/random.h"
#include "broker/ack_gate.h"
#include "broker/counters.h"
#include "broker/effects.h"
#include "broker/flapping.h"
#include "broker/frame_cache.h"
#include "broker/homes.h"
#include "broker/input.h"
#include "broker/keeping/keeper.h"
#include "broker/pace.h"
#include "broker/rates.h"
#include "broker/realm.h"
#include "broker/routing/shared_groups.h"
#include "broker/session/connection.h"
#include "broker/session/session.h"
#include "broker/session_index.h"
#include "broker/timer_token.h"

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace godwit::broker {

/// Stamps publishes so that causes have smaller stamps than what they cause, also across shards (a
/// Lamport clock that follows the monotonic one).
class OrderClock {
public:
    uint64_t next(Instant now) {
        return last_ = std::max(last_ + 1, uint64_t(now.time_since_epoch().count()));
    }
    void observe(uint64_t stamp) { last_ = std::max(last_, stamp); }
    uint64_t last() const { return last_; }

private:
    uint64_t last_ = 0;
};

/// A SUBACK that waits until its filters are routed from every shard.
struct PendingSuback {
    SessionRef session;
    ConnectionId connection;
    PacketId packet_id;
    Buffer reasons;
    uint64_t route_sequence = 0;
    uint64_t ticket = 0;          // what was written for it
    uint64_t crossings_made = 0;  // before it; the query for retained messages goes behind them
    bool unsuback = false;
    std::vector<uint64_t> joins;         // GroupJoin requests still to be answered
    std::vector<Replay::Fetch> fetches;  // retained messages to fetch then
};

/// Another shard's change of the routes, in force here. Told so when all stamped before is posted.
struct RouteAck {
    uint64_t sequence = 0;
    uint64_t clock = 0;           // all that is stamped later knows the new route
    uint64_t crossings_made = 0;  // of them, so many may not be posted yet
};

/// Publishes of another shard, taken in this turn.
struct ConfirmDue {
    uint64_t upto = 0;              // 0: none
    uint64_t ticket = 0;            // of what was written for them; 0: nothing was
    std::vector<uint64_t> refused;  // of them, those that nobody here took
};

struct PendingJoin {
    ShardId asker;
    uint64_t request = 0;
    uint64_t route_sequence = 0;
};

struct DeferredQuery {
    ShardId asker;
    RetainedQuery query;
};

struct Core {
    explicit Core(const ShardConfig& shard_config);

    const ShardConfig config;
    const Homes homes;
    const BrokerOptions& options;
    const Limits& limits;

    SlotStore<Connection> connections;  // by slot
    std::vector<ConnectionId> dying;    // erased when the input is handled
    std::vector<SessionRef> ending;     // their queues are full; likewise
    SessionTable sessions;
    SessionIndex clients;
    HandleTable<SharedGroup, GroupRef> groups;
    std::vector<std::unique_ptr<Realm>> realms;
    DeadlineHeap<TimerToken> timers;  // armed by arm()
    size_t timers_sweep_at = 1024;
    AckGate gate;
    Counters counters;
    Memory memory = Memory::Ample;        // of the process
    Memory worst_memory = Memory::Ample;  // of the process and of all realms
    bool counts_memory = false;           // some realm has a bound for it: see realm_memory.h
    std::vector<uint32_t> counted_sessions, counted_unread;  // so much, by slot; empty: nothing
    RefusalLine refusals;                                    // of clients that are not known here
    Random random;
    OrderClock clock;
    std::optional<auth::Profiles> profiles;  // of the policy; nullopt: everything is allowed
    Keeper keeper;
    FrameCache frames;
    Flapping flapping;
    Rates rates;
    std::vector<GroupHandout> handouts;                   // scratch
    std::vector<std::unique_ptr<Outbox>> spare_outboxes;  // empty: most need one for a moment

    // --- crossing shards; vectors are by shard ---
    std::deque<Envelope> loopback;  // posted to ourselves
    std::vector<uint64_t> posted, received;
    std::array<uint64_t, kLanes> publish_number{};  // by lane
    std::vector<ConfirmDue> confirm_due;            // by shard and lane
    uint64_t route_sequence = 0;
    std::vector<uint64_t> route_applied;                      // of our changes, by the others
    std::vector<std::deque<RouteAck>> route_acks_due;         // of their changes applied here
    std::vector<std::vector<uint64_t>> peer_posted;           // RouteApplied::posted of each
    std::vector<uint64_t> peer_clock;                         // RouteApplied::clock of each
    std::deque<PendingSuback> pending_subacks, kept_subacks;  // these wait for a disk, those do not
    std::deque<PendingJoin> pending_joins;
    uint64_t join_request = 0;
    uint32_t replay_number = 0;  // of the last fetch: no answer is taken for another's
    std::vector<DeferredQuery> deferred_queries;

    // --- the running turn ---
    Pace pace;
    Instant now;
    Effects* fx = nullptr;

    Realm& realm(RealmId id) { return *realms[id.value]; }
    const Realm& realm(RealmId id) const { return *realms[id.value]; }
    const ListenerPolicy& listener(const Connection& c) const {
        return options.listeners[c.listener.value];
    }
    /// nullptr when it has ended or is about to.
    Connection* find(ConnectionId id);
    Session* find(SessionRef ref) const { return sessions.find(ref); }
    Session* find(RealmId realm_id, std::string_view client_id) const {
        return clients.find(sessions, client_hash(realm_id, client_id), realm_id, client_id);
    }
    Outbox& need_outbox(Session& session);
    /// Takes it from a session that owes nothing.
    void free_outbox_if_empty(Session& session);
    /// The live connection of an online session.
    Connection* connection_of(const Session& session) {
        return session.online ? find(session.connection) : nullptr;
    }

    uint64_t client_hash(RealmId realm_id, std::string_view client_id) const {
        return homes.client_hash(realm_id, client_id);
    }
    ShardId home_of_client(RealmId realm_id, std::string_view client_id) const {
        return homes.of_client(realm_id, client_id);
    }
    ShardId home_of_topic(RealmId realm_id, std::string_view topic) const {
        return homes.of_topic(realm_id, topic);
    }
    ShardId home_of_group(const GroupKey& key) const { return homes.of_group(key); }
    bool routes_in_force(uint64_t sequence) const;
    /// Bit set of all shards but this one.
    uint64_t all_others() const;

    /// Timers are not taken back, so those that owe nothing any more are swept out before they pile
    /// up. @cost O(log n), the sweeps spread over all calls
    void arm(Instant due, const TimerToken& token);

    void post(ShardId to, Envelope envelope);
    void event(Severity severity, const char* name, const Connection& c, std::string_view reason,
               std::string detail);
    void event(Severity severity, const char* name, const Session& s, std::string_view reason,
               std::string detail);

private:
    bool is_stale(Instant due, const TimerToken& token);
};

/// So many bytes were written for it and are not sent yet; only where core.counts_memory.
[[gnu::cold]] void note_unsent(Core& core, const Connection& c, uint64_t bytes);

/// Writes one packet: `encode(Buffer&)` appends it. Nothing happens on a connection that is
/// closing.
/// @return  false when the packet is larger than the client takes: nothing was sent
/// [MQTT5-3.1.2-24]
template <class Encode>
bool send_packet(Core& core, Connection& c, Encode&& encode) {
    if (c.closing) return true;
    Buffer& arena = core.fx->arena;
    const auto at = uint32_t(arena.size());
    encode(arena);
    const auto bytes = uint32_t(arena.size() - at);
    if (bytes > c.packet_bytes_max) {
        arena.resize(at);
        return false;
    }
    core.fx->write(c.id, c.link, at, bytes);
    c.unsent_bytes += bytes;
    if (core.counts_memory) note_unsent(core, c, bytes);
    core.counters.bytes_sent += bytes;
    ++core.counters.packets_sent;
    return true;
}

}  // namespace godwit::broker
