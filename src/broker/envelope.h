// Envelopes: what shards tell each other. Between two shards they arrive in the order they were
// posted; between different pairs nothing is promised, and nothing here relies on more.
#pragma once

#include "base/ids.h"
#include "broker/message.h"
#include "mqtt/packets.h"
#include "store/log.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace godwit::broker {

/// A session of one shard; may go stale, never dangles.
struct SessionRef {
    uint32_t slot = 0;
    uint32_t generation = 0;
    friend auto operator<=>(const SessionRef&, const SessionRef&) = default;
};

/// A session anywhere in the broker.
struct SessionAddress {
    ShardId shard;
    SessionRef session;
    friend auto operator<=>(const SessionAddress&, const SessionAddress&) = default;
};

// --- publishing ---

/// Publishes are confirmed in two lines. What waits in one does not hold up the other.
enum class Lane : uint8_t {
    Usual,
    Free,  // while a log is in trouble: what no log has to keep
};
inline constexpr size_t kLanes = 2;
/// One lane of one shard, among all of all shards.
constexpr size_t lane_of(ShardId shard, Lane lane) {
    return shard.value * kLanes + size_t(lane);
}

/// A message for the takers on this shard, for its retained store, or both.
struct PublishEnvelope {
    PostedMessage message;
    uint64_t number = 0;  // counts the sender's publishes in this lane; confirmed cumulatively
    Lane lane = Lane::Usual;
    bool route = false;  // somebody here subscribes
    bool keep = false;   // this shard is home of the topic's retained message
    bool once = false;  // on the sender's disk, and sent again after a restart: newer than the last
                        // one of this kind, or known already
    bool refusable = false;  // the publisher can be told that it was not taken
};
/// All publishes of the receiver in this lane up to this number are in the hands of their takers
/// here, or refused.
struct PublishConfirm {
    uint64_t upto = 0;
    Lane lane = Lane::Usual;
    std::vector<uint64_t> refused;  // of them, those that nobody here took
};

/// So much of what the receiver has published at QoS 0 is in the hands of its takers here, since it
/// was told last.
struct PublishesTaken {
    uint64_t count = 0;
    uint64_t bytes = 0;
};

// --- limits of a realm ---

/// How much of the memory that the process, or a realm, may have is used.
enum class Memory : uint8_t { Ample, Scarce, Spent };

/// What the sender holds for a realm.
struct RealmUse {
    RealmId realm;
    uint64_t queued = 0;  // messages that wait for sessions and groups
    uint64_t queued_bytes = 0;
    uint64_t retained = 0;
    uint64_t retained_bytes = 0;
    uint64_t sessions = 0;
    uint64_t connections = 0;       // of clients that are in
    uint64_t subscriptions = 0;     // memberships in shared groups included
    uint64_t memory_bytes = 0;      // all of it, where it is counted
    Memory memory = Memory::Ample;  // as its judge says
};

// --- routes: "filter -> shards", a replica on every shard ---

/// What a shard wants of a filter.
enum class Interest : uint8_t {
    None,  // nobody subscribes
    Live,  // somebody does; no log keeps what they get
    Kept,  // ... and for one of them at least a log keeps it
};
struct InterestChange {
    Interest before = Interest::None;
    Interest now = Interest::None;  // another one
    friend bool operator==(const InterestChange&, const InterestChange&) = default;
};
struct RouteChange {
    RealmId realm;
    std::string filter;
    InterestChange interest{.before = Interest::None, .now = Interest::Live};
    uint64_t sequence = 0;  // counts the sender's changes
};
/// Changes nothing, but is answered like a change.
struct RouteProbe {
    uint64_t sequence = 0;
};
/// All route changes of the receiver up to this one are in force on the sender.
struct RouteApplied {
    uint64_t upto = 0;
    uint64_t clock = 0;            // sender's OrderClock: later publishes carry larger stamps
    std::vector<uint64_t> posted;  // envelopes the sender has posted to each shard so far
};

// --- logs ---

/// The sender's log is in this condition from now on.
struct LogCondition {
    store::Condition condition = store::Condition::Good;
};

// --- retained messages, fetched batch by batch for one new subscription ---

struct ReplayRef {
    SessionRef session;
    uint32_t replay = 0;
};
struct RetainedQuery {
    ReplayRef replay;
    RealmId realm;
    std::string filter;
    std::vector<uint64_t> stamp_max;  // by origin: younger values reach the subscription live
    std::vector<uint64_t>
        need;           // answer only after this many envelopes from each shard; empty: at once
    std::string after;  // last topic of the batch before; empty: begin
    uint32_t count_max = 0;
};
struct RetainedBatch {
    ReplayRef replay;
    std::vector<PostedMessage> messages;
    std::string after;
    bool done = false;
};

// --- shared groups: kept by the home shard of (realm, share name, filter) ---

struct GroupKey {
    RealmId realm;
    std::string share;
    std::string filter;
    // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14 sees a pointer in <=>'s own 0
    friend auto operator<=>(const GroupKey&, const GroupKey&) = default;
};
/// A group at its home shard; may go stale, never dangles.
struct GroupRef {
    uint32_t slot = 0;
    uint32_t generation = 0;
    friend auto operator<=>(const GroupRef&, const GroupRef&) = default;
};
struct GroupJoin {
    GroupKey key;
    SessionRef member;
    uint32_t membership =
        0;  // the member's own number for this subscription, echoed with every message
    mqtt::SubscriptionOptions options;
    uint32_t window = 1;  // messages it may hold unacknowledged
    bool online = true;
    uint64_t request = 0;  // echoed in GroupJoined
};
/// The group's filter is routed from every shard.
struct GroupJoined {
    uint64_t request = 0;
};
/// Leaves for good. What the member still holds is given back by it, token by token.
struct GroupLeave {
    GroupKey key;
    SessionRef member;
};
struct GroupPresence {
    GroupKey key;
    SessionRef member;
    bool online = false;
};
/// One message for one member.
struct GroupDeliver {
    SessionRef member;
    uint32_t membership = 0;
    GroupRef group;
    uint64_t token = 0;  // 0: QoS 0, nothing is owed
    PostedMessage message;
    ObjectId group_kept;  // the group's durable object at its home; 0: none
};
/// A QoS 2 message that a group lent is on the member's disk, with its packet id: it is the
/// member's now. Said again after a restart, for then nobody knows who has it.
struct GroupTaken {
    ObjectId group;
    uint64_t token = 0;  // 0: after a restart, which message is told by
    uint64_t stamp = 0;  // its stamp and
    ShardId origin;      // origin
    SessionRef member;
    PacketId packet_id;
};
/// The group has forgotten it, on its disk: the member may send it.
struct GroupReleased {
    SessionRef member;
    PacketId packet_id;
};
/// The member is through with the message: acknowledged, refused, or dropped with its session.
struct GroupDone {
    GroupRef group;
    uint64_t token = 0;
};
/// The member could not take it or left before acknowledging: somebody else's now.
struct GroupReturn {
    GroupRef group;
    uint64_t token = 0;
};

/// What is large is rare, and boxed, so that rings between many shards take little memory.
template <class T>
using Boxed = std::unique_ptr<T>;
template <class T>
Boxed<T> boxed(T value) {
    return std::make_unique<T>(std::move(value));
}
using Envelope =
    std::variant<PublishEnvelope, PublishConfirm, RouteChange, RouteProbe, RouteApplied,
                 LogCondition, Boxed<RetainedQuery>, Boxed<RetainedBatch>, Boxed<GroupJoin>,
                 GroupJoined, Boxed<GroupLeave>, Boxed<GroupPresence>, GroupDeliver, GroupTaken,
                 GroupReleased, GroupDone, GroupReturn, Boxed<RealmUse>, PublishesTaken>;
static_assert(sizeof(Envelope) <= 64, "docs/adr/0018-idle-memory.md");

}  // namespace godwit::broker
