#include "broker/keeping/log_conditions.h"

namespace godwit::broker {

using store::Condition;

void LogConditions::set(ShardId shard, Condition condition) {
    const uint64_t bit = uint64_t(1) << shard.value;
    for (uint64_t& each : shards_) each &= ~bit;
    shards_[size_t(condition)] |= bit;
    worst_ = Condition::Good;
    for (size_t i = 1; i < shards_.size(); ++i)
        if (shards_[i] != 0) worst_ = Condition(i);
}

bool SteadyCondition::update(Condition is, Instant now) {
    if (is == told_) {
        calm_at_ = kNever;
        return false;
    }
    // Behind keeps a distance of its own between its beginning and its end.
    if (is < told_ && told_ != Condition::Behind) {
        if (calm_at_ == kNever) calm_at_ = now + kCalm;
        if (now < calm_at_) return false;
    }
    told_ = is;
    calm_at_ = kNever;
    return true;
}

}  // namespace godwit::broker
