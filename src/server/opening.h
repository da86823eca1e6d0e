// Opening: all shards of a data directory out of their logs.
#pragma once

#include "broker/shard.h"
#include "os/log_writer.h"
#include "server/data_directory.h"

#include <memory>
#include <string>
#include <vector>

namespace godwit::server {

struct OpenedShard {
    std::unique_ptr<broker::Shard> shard;
    broker::Effects fx;
    broker::Found found;
};

struct OpenedShards {
    std::vector<OpenedShard> shards;
    /// The broker's clock goes on at least as far as the world's has since the logs were written:
    /// by so much it is ahead of the monotonic one.
    Duration clock_ahead{};

    Instant now() const;
    std::vector<broker::ShardSeat> seats();
    /// Tells the shards of each other, of the rules, and that they have restarted.
    /// @param policy  null: everything is allowed
    void restart(const auth::Policy* policy);
};

/// @param config  of the shards but for their ids, as many as the directory holds
/// @param log     is told what is damaged, and what is refused
/// @errors        a sentence for the operator
Result<OpenedShards, std::string> open_shards(DataDirectory& data,
                                              const broker::ShardConfig& config,
                                              const store::Options& store, os::LogWriter& log);

}  // namespace godwit::server
