// Simulation: one plan, played from its beginning to a quiet end. Same plan, same history, on any
// machine. Thread: one. Blocks: never.
#pragma once

#include "sim/plan.h"

namespace godwit::sim {

struct Outcome {
    History history;
    Duration virtual_time{};
    uint64_t events = 0;  // of the agenda
    uint64_t turns = 0;
};

/// Active phase, then the quiet one: no more faults, everybody comes back, everything drains; then
/// the auditor subscribes to all there is and publishes to every topic once.
Outcome play(const Plan& plan);

}  // namespace godwit::sim
