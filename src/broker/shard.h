// Shard: every session whose client id hashes here, and its share of the routes, retained messages
// and shared groups. Thread: its own. Blocks: never. Time: only `now`. Same inputs, same effects.
#pragma once

#include "broker/core.h"

namespace godwit::broker {

class Shard {
public:
    explicit Shard(const ShardConfig& config) : core_(config) {}

    /// Takes one input, changes state, adds to `fx` what the outside must do. Never calls back.
    void handle(const Input& in, Instant now, Effects& fx);
    /// Ends a turn: answers to other shards that serve all its inputs at once. The driver performs
    /// `fx` afterwards.
    void end_turn(Instant now, Effects& fx);
    /// When the next Tick input is due; nullopt while nothing waits for time.
    std::optional<Instant> next_deadline() const;

    const Counters& counters() const { return core_.counters; }

private:
    void drain_loopback();
    void reap();
    Core core_;
};

}  // namespace godwit::broker
