// What the admin side knows of the broker: the counters of every shard at nearly one moment.
#pragma once

#include "base/instant.h"
#include "broker/counters.h"
#include "broker/realm_report.h"

#include <optional>
#include <string>
#include <vector>

namespace godwit::admin {

struct ListenerStats {
    std::string name;  // URL
    uint32_t connections = 0;
};

/// Of the HTTP server that is asked about logins.
struct CalloutStats {
    uint64_t asked = 0;                            // questions that were sent
    uint64_t allowed = 0, denied = 0, passed = 0;  // logins, as it said
    uint64_t failed = 0;                           // logins without a good answer
    uint64_t cached = 0;     // logins of the above that it was not asked about
    uint64_t waiting = 0;    // logins without an answer yet
    uint64_t in_flight = 0;  // questions without an answer yet
};

struct BrokerStats {
    std::string version;
    Instant now;
    Instant started;
    std::vector<broker::Counters> shards;
    std::vector<ListenerStats> listeners;
    uint64_t log_lines_dropped = 0;
    uint64_t audit_lines_lost = 0;
    std::optional<CalloutStats> callout;      // nullopt: nobody is asked
    std::vector<broker::RealmReport> realms;  // empty: not asked for, or a shard is too busy to say

    /// All shards together.
    broker::Counters total() const;
};

}  // namespace godwit::admin
