// Report: what a run found, phase by phase, as a table for people and as JSON for programs.
#pragma once

#include "bench/faults.h"
#include "bench/histogram.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace godwit::bench {

/// What the broker's process used in a phase.
struct PhaseProcess {
    Duration user{}, system{};
    uint64_t context_switches = 0;
    uint64_t rss_begin_bytes = 0, rss_end_bytes = 0, rss_peak_bytes = 0;
    std::optional<uint64_t> pss_end_bytes;
};

struct Phase {
    std::string name;  // "traffic"
    Duration took{};
    /// What is counted by the second and divided by: "delivered", "acknowledged", "connected".
    std::string unit;
    uint64_t units = 0;
    std::vector<std::pair<std::string, uint64_t>> counts;  // what else is worth a number
    std::vector<std::pair<std::string, LatencySummary>> latencies;
    std::optional<PhaseProcess> process;

    double per_second() const;
    std::optional<double> cpu_us_per_unit() const;
};

/// What must be nought, and what it is out of.
struct Verdict {
    uint64_t expected = 0, delivered = 0;
    uint64_t lost = 0, duplicates = 0, reordered = 0, refused = 0;
    uint64_t foreign = 0;             // of other runs: no fault
    bool duplicates_allowed = false;  // QoS 1
    bool order_promised = true;       // not within a shared group
    bool complete = true;             // it ran to its end
};

struct Report {
    std::string scenario;
    /// What was asked for, as text: {"broker", "mqtt://127.0.0.1:1883"}, {"qos", "1"}.
    std::vector<std::pair<std::string, std::string>> settings;
    std::vector<Phase> phases;
    Verdict verdict;
    Faults faults;

    bool is_good() const;
};

std::string to_table(const Report& report);
/// One object, on several lines. Durations are in microseconds, rates in a second.
std::string to_json(const Report& report);

}  // namespace godwit::bench
