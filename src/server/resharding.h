// Resharding: a data directory of N shards becomes one of M, before any client is met. The old
// shards come to rest first (what is on its way between them gets there), then their logs are
// rewritten beside themselves, then the directory switches. Why so: docs/adr/0015-resharding.md
#pragma once

#include "server/opening.h"

namespace godwit::server {

struct ReshardParts {
    broker::ShardConfig config;  // of the old shards but for their ids
    store::Options store;
    const auth::Policy* policy = nullptr;  // null: everything is allowed
    os::LogWriter* log = nullptr;
};

/// @errors  a sentence for the operator. The directory is as it was, or already switched as a
/// whole:
///          the next start knows
/// @cost    some seconds for a million messages; a line to the log every second
Result<Done, std::string> reshard(DataDirectory& data, uint16_t shards, const ReshardParts& parts);

}  // namespace godwit::server
