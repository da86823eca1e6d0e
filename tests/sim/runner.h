// Runner: seeds played in child processes, several side by side, so that a broken GW_ASSERT or an
// endless loop costs one seed and not the run.
#pragma once

#include "base/mutant.h"
#include "sim/plan.h"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace godwit::sim {

/// What one seed gave.
struct Verdict {
    uint64_t seed = 0;
    bool failed = false;
    std::string checker;  // the first that complained; "assertion", "endless"
    uint64_t events = 0;
    Duration virtual_time{};
};

struct Totals {
    uint64_t seeds = 0, failed = 0, events = 0;
    Duration virtual_time{};
    std::chrono::duration<double> took{};
};

struct Campaign {
    uint64_t first = 1;
    uint64_t seeds = 0;  // 0: as many as `time` allows
    std::optional<std::chrono::seconds> time;
    unsigned jobs = 2;
    Mutant mutant = Mutant::None;
    uint64_t failures_max = 1;  // stops after so many
    bool quiet = false;         // children's standard error is not shown; no progress lines
};

/// Plays seeds first, first + 1, ...; `on_failure` hears of each that fails, in no order.
Totals run(const Campaign& campaign, const std::function<void(const Verdict&)>& on_failure);

/// Plays one plan in a child. @return  its verdict, and what the child's `report` returned
struct Examined {
    Verdict verdict;
    std::string report;
};
/// @param history_lines  of the tail in the report; 0: no report
Examined examine(const Plan& plan, Mutant mutant, size_t history_lines);

}  // namespace godwit::sim
