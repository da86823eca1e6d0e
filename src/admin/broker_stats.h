// What the admin side knows of the broker: the counters of every shard at nearly one moment.
#pragma once

#include "base/instant.h"
#include "broker/counters.h"

#include <string>
#include <vector>

namespace godwit::admin {

struct ListenerStats {
    std::string name;  // URL
    uint32_t connections = 0;
};

struct BrokerStats {
    std::string version;
    Instant now;
    Instant started;
    std::vector<broker::Counters> shards;
    std::vector<ListenerStats> listeners;
    uint64_t log_lines_dropped = 0;
    uint64_t audit_lines_lost = 0;

    /// All shards together.
    broker::Counters total() const;
};

}  // namespace godwit::admin
