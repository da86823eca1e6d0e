// Histogram: how long things took, in nanoseconds, from one to a century, without keeping them.
// Log-linear: 64 steps an octave, so that a value read back is at most 1.6 % above the true one.
#pragma once

#include "base/instant.h"

#include <cstdint>
#include <vector>

namespace godwit::bench {

/// What a person is told of a histogram.
struct LatencySummary {
    uint64_t count = 0;
    Duration mean{}, p50{}, p90{}, p99{}, p999{}, max{};
};

class Histogram {
public:
    Histogram();

    /// Negative times count as zero. @cost a few instructions, no allocation
    void record(Duration took, uint64_t count = 1);
    void add(const Histogram& other);
    void clear();

    uint64_t count() const { return count_; }
    Duration max() const { return Duration(int64_t(max_)); }
    /// The least value that so many of a hundred do not exceed, at most 1.6 % too high, never above
    /// max(); zero when nothing was recorded.
    Duration percentile(double percent) const;
    LatencySummary summary() const;

private:
    std::vector<uint64_t> counts_;
    uint64_t count_ = 0;
    uint64_t max_ = 0;
    double sum_ = 0;
};

}  // namespace godwit::bench
