// Shard: every session whose client id hashes here, and its share of the routes, retained messages
// and shared groups. Thread: its own. Blocks: never. Time: only `now`. Same inputs, same effects.
#pragma once

#include "auth/explain.h"
#include "broker/core.h"
#include "broker/keeping/new_log.h"
#include "broker/keeping/restoring.h"
#include "broker/realm_report.h"
#include "broker/session_report.h"

#include <span>

namespace godwit::broker {

class Shard {
public:
    /// Nothing outlives it: durability "memory".
    explicit Shard(const ShardConfig& config) : core_(config) {}

    struct Opened;
    /// Reads the log in `folder` and is then as that says, every client offline. Before it meets
    /// its first client, all shards are opened, then settle() carries their mail, then each is told
    /// Restarted.
    /// @param fx  what it has to tell the other shards
    static Result<Opened, DiskError> open(const ShardConfig& config, Directory& directory,
                                          const std::string& folder, const store::Options& options,
                                          Effects& fx);

    /// Takes one input, changes state, adds to `fx` what the outside must do. Never calls back.
    void handle(const Input& in, Instant now, Effects& fx);
    /// Ends a turn: closes the log's group, and answers to other shards what serves all inputs at
    /// once. The driver performs `fx` afterwards.
    /// @param wall  written to the log now and then: how long a restart took is told from it
    void end_turn(Instant now, WallTime wall, Effects& fx);
    /// When the next Tick input is due; nullopt while nothing waits for time.
    std::optional<Instant> next_deadline() const;

    /// Nothing waits for the disk. True without a log.
    bool is_saved() const;
    /// Objects wait to be written again, so that an old or damaged segment of the log can go.
    bool is_cleaning() const;

    const Counters& counters() const { return core_.counters; }
    /// Packets handled and deliveries made so far: what the turns took, but for the clock.
    uint64_t work() const { return core_.pace.work; }
    /// Whether it is here, and no whole CONNECT has come from it.
    bool awaits_connect(ConnectionId id) const;
    /// What can be told about a session whose home this is. Between turns.
    /// @return  nullopt: there is none
    std::optional<SessionReport> report(RealmId realm, std::string_view client_id) const;

    /// What is held here for each realm that the configuration names. Between turns.
    std::vector<RealmReport> report_realms() const;

    /// What the policy says to a request of a session's client. Between turns.
    /// @return  nullopt: there is no such session
    std::optional<auth::Explanation> explain(RealmId realm, std::string_view client_id,
                                             const auth::Request& request) const;

private:
    void end_input();
    void drain_loopback();
    void reap();
    Core core_;
};

/// What a shard found in its log.
struct Shard::Opened {
    std::unique_ptr<Shard> shard;
    Found found;
    std::vector<store::Damage> damage;
};

/// A shard and what it wants done.
struct ShardSeat {
    Shard* shard = nullptr;
    Effects* fx = nullptr;
};
/// Carries mail between the shards until there is none; all other effects stay for their drivers.
void settle(std::span<const ShardSeat> seats, Instant now, WallTime wall);
/// The same, and all disk work, in place, until nothing is between the shards and all is on disk.
/// For shards that were told Restarted and meet no client: their logs can then be moved.
/// @param logs  of the shards
/// @errors      what the disk says, when something does not get there
Result<Done, DiskError> come_to_rest(std::span<const ShardSeat> seats,
                                     std::span<const LogFolder> logs, Instant now, WallTime wall);

}  // namespace godwit::broker
