// $SYS/broker/...: the broker's state as retained messages, under the names that tools for
// Mosquitto expect.
#pragma once

#include "admin/broker_stats.h"

#include <string>
#include <vector>

namespace godwit::admin {

struct SysMessage {
    std::string topic;
    std::string payload;
};

/// Keeps what the load averages need between two rounds.
class SysTopics {
public:
    /// All messages of one round whose value has changed since the last one.
    std::vector<SysMessage> round(const BrokerStats& stats);

private:
    struct Load {
        double per_minute[3] = {0, 0, 0};  // over 1, 5 and 15 minutes
        uint64_t last = 0;
    };
    void add_load(const std::string& name, uint64_t total, double elapsed_s,
                  std::vector<SysMessage>& out);
    std::vector<std::pair<std::string, Load>> loads_;
    std::vector<SysMessage> last_;
    uint64_t sessions_peak_ = 0;  // the most seen in any round
    Instant last_round_;
    bool first_ = true;
};

}  // namespace godwit::admin
