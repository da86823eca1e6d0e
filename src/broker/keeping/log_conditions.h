// LogConditions: what a shard knows of the logs of all shards: in which condition each of them is.
// One log that is not well counts for all: they share a data directory, and acknowledgements of
// what another log keeps would wait behind those of this one.
#pragma once

#include "base/ids.h"
#include "base/instant.h"
#include "store/log.h"

#include <array>
#include <optional>

namespace godwit::broker {

class LogConditions {
public:
    void set(ShardId shard, store::Condition condition);
    store::Condition worst() const { return worst_; }
    bool all_good() const { return worst_ == store::Condition::Good; }

private:
    std::array<uint64_t, size_t(store::Condition::Broken) + 1> shards_{};  // bit sets
    store::Condition worst_ = store::Condition::Good;
};

/// The condition of a log as it is told: at once where it is worse, and where it is better only
/// when it has been so for a while. A disk that fails every other time is a broken one.
class SteadyCondition {
public:
    static constexpr Duration kCalm = std::chrono::seconds(1);

    /// @param is  what the log says
    /// @return    true when told() has changed
    bool update(store::Condition is, Instant now);
    store::Condition told() const { return told_; }
    /// When update() may change it although the log says nothing new.
    std::optional<Instant> next_deadline() const {
        return calm_at_ == kNever ? std::nullopt : std::optional(calm_at_);
    }

private:
    store::Condition told_ = store::Condition::Good;
    Instant calm_at_ = kNever;
};

}  // namespace godwit::broker
