// Resharding: the logs of N shards become the logs of M. Offline: no shard runs on either of them.
//
// Every object goes to its new home (homes.h): sessions with their subscriptions, retained
// messages, groups. A message becomes one object in each new log that has takers of it. What a
// session or a group is owed comes from one old log and goes to one new log, so numbers that keep
// their order in there keep every order that anybody sees. Instants, packet ids, stamps and
// origins stay: the clock of every new shard begins after all that any old one stamped.
//
// The old logs are read twice each, one after the other: first which records count and who is owed
// what, then the bodies. Memory is some 100 bytes a message of one old log; bodies stay on disk.
// Source: docs/adr/0015-resharding.md
#pragma once

#include "base/hash.h"
#include "broker/keeping/new_log.h"

#include <vector>

namespace godwit::broker {

struct ReshardPlan {
    std::vector<LogFolder> from;  // nothing is between these shards: see come_to_rest()
    std::vector<LogFolder> to;    // empty
    HashKey key;
    store::Options store;  // whatever its durability says, the new logs are synced
    Instant now;           // of the broker's clock,
    WallTime wall;         // and of the world's, at the same moment
};

/// What was moved.
struct Resharded {
    uint64_t sessions = 0;
    uint64_t subscriptions = 0;
    uint64_t messages = 0;  // objects in the new logs
    uint64_t retained = 0;
    uint64_t groups = 0;
    uint64_t dropped = 0;  // of no known kind, or owed to nobody
};

/// Is told how far it is, every few thousand objects.
class ReshardWatch {
public:
    virtual ~ReshardWatch() = default;
    /// `done` of the `total` objects of log number `log` have been moved.
    virtual void on_progress(size_t log, uint64_t done, uint64_t total) = 0;
};

/// The old logs stay as they are. When this returns, the new ones are on disk.
/// @errors  what the disk says; an old log that is damaged (opening it for a shard sets aside what
///          is) or cannot be read twice alike, or in which something is still on its way to another
///          shard
/// @cost    two reads of the old logs, one write of the living
Result<Resharded, DiskError> reshard(const ReshardPlan& plan, ReshardWatch& watch);

}  // namespace godwit::broker
