// Keeper: what a shard remembers of its log: the objects, the message whose takers are being
// collected, and everything that waits until the log is on disk. Plain state; the walk is in
// keeping.h.
#pragma once

#include "broker/keeping/ledger.h"
#include "broker/keeping/log_conditions.h"
#include "broker/message.h"
#include "broker/routing/shared_groups.h"
#include "store/log.h"

#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace godwit::broker {

/// The message object that takers are being added to; written when the input is handled.
struct Forming {
    MessageRef message;
    ObjectId id;
    Buffer takers;
    uint32_t count = 0;
    uint64_t waiting_shards = 0;
};

/// A PUBLISH or PUBREL of this session may leave.
struct HeldSend {
    uint64_t ticket = 0;
    SessionRef session;
};
struct HeldPubcomp {
    uint64_t ticket = 0;
    ConnectionId connection;
    PacketId packet_id;
    bool known = true;
};
/// A client that is told that it has no session once that is so on disk.
struct HeldConnect {
    uint64_t ticket = 0;
    ConnectionId connection;
    RealmId realm;
    std::string client_id;
};
/// A session has ended, and a restart would bring it back.
struct EndedSession {
    uint64_t ticket = 0;
    uint64_t client = 0;  // Session::client_hash
};
struct HeldConfirm {
    uint64_t ticket = 0;
    ShardId to;
    PublishConfirm confirm;
};
/// A QoS 2 message of a group that goes to a member on another shard.
struct HeldHandout {
    uint64_t ticket = 0;
    GroupHandout handout;
};
/// Both sides of a QoS 2 message that a group gives to a member for good.
struct Taking {
    uint64_t ticket = 0;
    ShardId home;
    GroupTaken taken;
};
struct Release {
    uint64_t ticket = 0;
    ShardId to;
    GroupReleased released;
};
/// A publish that goes to other shards exactly once: first it is on this one's disk. Or one that
/// waits behind such a one of its topic.
struct Crossing {
    uint64_t ticket = 0;
    MessageRef message;
    ObjectId id;  // 0: it only waits
    uint64_t shards = 0;
    uint64_t routed = 0;  // of them, those with subscribers
    uint64_t gate_key = 0;
    bool refusable = false;
};
/// Such a publish under way to one shard.
struct Crossed {
    uint64_t number = 0;
    ObjectId id;
};

/// Who wants a message back from disk.
struct Wanting {
    SessionRef session;
    uint32_t taker = 0;
    friend bool operator==(const Wanting&, const Wanting&) = default;
};

/// How often the clock is written while anything is.
inline constexpr Duration kClockEvery = std::chrono::seconds(1);

struct Keeper {
    explicit Keeper(size_t shard_count)
        : held_confirm_count(shard_count * kLanes),
          crossed(shard_count),
          newest_crossing(shard_count) {}

    std::unique_ptr<store::Log> log;  // null: nothing outlives the process
    SteadyCondition condition;        // its own
    LogConditions logs;
    Ledger ledger;
    Forming forming;
    uint64_t record_count = 0;  // ever written
    uint64_t committed_records = 0;
    uint64_t message_number = 0;  // of the last message kept
    Buffer scratch;

    std::deque<HeldSend> held_sends;
    std::deque<HeldPubcomp> held_pubcomps;
    std::deque<HeldConnect> held_connects;
    std::deque<EndedSession> ended;                        // not on disk yet
    std::unordered_map<uint64_t, uint64_t> ended_tickets;  // the last of each client
    std::deque<HeldConfirm> held_confirms;
    std::vector<uint32_t> held_confirm_count;  // by shard and lane
    std::deque<HeldHandout> held_handouts;
    std::deque<Taking> takings;
    std::deque<Release> releases;
    std::deque<Crossing> crossings;                          // not posted yet
    std::unordered_map<uint64_t, uint32_t> crossing_topics;  // of these: how many, by topic's hash
    uint64_t crossings_made = 0;
    uint64_t crossings_posted = 0;
    std::vector<std::deque<Crossed>> crossed;               // by shard, in order of their numbers
    std::unordered_map<uint32_t, uint64_t> waiting_shards;  // of messages, by object id
    std::vector<uint64_t> newest_crossing;                  // stamps, by origin shard
    ObjectId crossing_object;
    std::unordered_map<uint32_t, std::vector<Wanting>> wanted;  // by the message's object id
    ObjectId clock_object;
    Instant clock_kept = Instant::min();
    std::vector<ObjectId> to_move;        // scratch
    std::unordered_set<uint32_t> moving;  // asked for, to be written again
};

}  // namespace godwit::broker
