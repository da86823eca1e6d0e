// Plan: a whole run, written down before it begins: the broker's limits, the network, the clients
// and a list of actions. Drawn from the seed; which kinds of action and fault a seed has at all is
// drawn first, so that seeds differ in kind. Leaving actions out leaves the rest as it is: that is
// how a failing run is made short (shrink.h).
#pragma once

#include "sim/history.h"

#include <string>
#include <vector>

namespace godwit::sim {

enum class CutKind : uint8_t {
    Reset,     // what is under way is lost; each side learns in its own time
    Close,     // the client closes; what it sent before still arrives
    HalfOpen,  // nothing passes any more, and nobody is told
};

struct PublishWish {
    std::string topic;
    uint8_t qos = 0;
    bool retain = false;
    bool empty = false;
    bool alias = false;
    std::optional<uint32_t> expiry_s;
    uint32_t bytes = 0;
};

struct SubscribeWish {
    std::string filter;
    mqtt::SubscriptionOptions options;
    uint32_t id = 0;
};

struct WillWish {
    std::string topic;
    uint8_t qos = 0;
    bool retain = false;
    uint32_t delay_s = 0;
};

/// What a client says in CONNECT.
struct ConnectWish {
    mqtt::Version version = mqtt::Version::V5;
    bool clean_start = false;
    bool clean_once = false;  // the next connection with these words starts clean no more
    uint32_t expiry_s = 0;
    uint16_t keepalive_s = 0;
    uint16_t receive_maximum = 65535;
    uint32_t packet_bytes_max = mqtt::kPacketBytesMax;
    uint16_t topic_alias_maximum = 0;
    std::optional<WillWish> will;
};

struct Action {
    enum class Kind : uint8_t {
        Publish,
        Subscribe,
        Unsubscribe,
        Cut,          // cut; then `pause` until it comes back
        Disconnect,   // with DISCONNECT; then `pause`
        Takeover,     // a new connection while the old one stays open
        Reconnect,    // like Disconnect, and comes back with other words (connect)
        StopReading,  // for `pause`
        ReadSlowly,   // for `pause`
        HoldAcks,     // for `pause`
        Kick,         // by the administrator
        StallShard,   // shard `client` takes no turn for `pause`
        Crash,        // all shards at once, and they start again from their disks
        // Of the disk of shard `client`, for `pause`; kNone: of all disks
        DiskFull,   // no room for more
        DiskFails,  // `chance` in 1000: of a write; of a sync
        DiskSlow,   // a piece of work takes `slow`, at worst
        StepClock,  // the time of day jumps by `step`
    };
    Kind kind = Kind::Publish;
    Instant at;
    uint32_t client = 0;
    PublishWish publish;
    std::vector<SubscribeWish> subscribe;  // Unsubscribe: filters only
    CutKind cut = CutKind::Reset;
    Duration pause{};
    ConnectWish connect;
    bool power_lost = false;               // Crash: else the process was killed
    bool after_ack = false;                // Crash: once `client` (kNone: any) has got an answer
    bool rots = false;                     // Crash: bits of a segment flip meanwhile
    uint32_t chance = 0;                   // DiskFails
    Duration slow{};                       // DiskSlow
    Duration step{};                       // StepClock, and Crash: while the broker is down
    bool with_will = false;                // Disconnect
    std::optional<uint32_t> new_expiry_s;  // Disconnect
};

struct ClientPlan {
    std::string id;
    ConnectWish connect;
    Instant begins;  // first connection
    Duration latency{}, jitter{};
    Duration ack_delay{};
    bool eager = false;    // publishes right behind CONNECT
    uint32_t window = 10;  // its own publishes unacknowledged
};

struct NetworkPlan {
    bool cut_bytes = true;          // deliveries come in pieces
    uint32_t socket_bytes = 65536;  // what the network holds towards one client
};

struct Plan {
    uint64_t seed = 0;
    uint16_t shards = 1;
    broker::Limits limits;
    NetworkPlan network;
    Duration hop_max{};                // between shards, at worst
    Duration turn_max{};               // a shard comes late to its turn, at worst
    bool durable = false;              // each shard has a disk
    Duration sync_max{};               // a piece of work for it takes, at worst
    uint32_t segment_bytes = 1 << 20;  // of its log; small ones are cleaned within a run
    std::vector<ClientPlan> clients;   // the last one is the auditor: it comes in the quiet phase
    std::vector<std::string> topics;   // of all publishes
    std::vector<Action> actions;       // in order of time
    Duration active{};
};

/// @param choices  bytes that are drawn from before the seed's numbers (Dice)
Plan plan_of(uint64_t seed, Bytes choices = {});
/// Of a fuzzer's input: its first eight bytes are the seed, least byte first, the rest are the
/// choices. nullopt: it has fewer.
std::optional<Plan> plan_of_input(Bytes input);
/// The part about disks, crashes and clocks, and what came later than the rest: from numbers of its
/// own, so that the rest of a seed's plan is the same with and without it.
void add_faults(Plan& plan, Bytes choices = {});

/// "3.250 c1 publish t/0 qos 1"
std::string text_of(const Plan& plan, const Action& action);
/// What the run is about, in a few lines, then the actions.
std::string text_of(const Plan& plan);

}  // namespace godwit::sim
