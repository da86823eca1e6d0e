#include "bench/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace godwit::bench {

namespace {

constexpr uint32_t kSubBits = 6;
constexpr uint64_t kSubSteps = uint64_t(1) << kSubBits;
/// Values have 63 bits; each octave above the first kSubSteps values has as many steps.
constexpr size_t kStepCount = (63 - kSubBits + 1) * kSubSteps;

size_t step_of(uint64_t value) {
    if (value < kSubSteps) return size_t(value);
    const auto shift = uint32_t(std::bit_width(value)) - kSubBits - 1;
    return size_t(shift * kSubSteps + (value >> shift));
}

/// The largest value of a step.
uint64_t top_of(size_t step) {
    if (step < kSubSteps) return step;
    const uint64_t shift = step / kSubSteps - 1;
    const uint64_t leading = step % kSubSteps + kSubSteps;
    return ((leading + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : counts_(kStepCount) {}

void Histogram::record(Duration took, uint64_t count) {
    const auto value = uint64_t(std::max<int64_t>(took.count(), 0));
    counts_[step_of(value)] += count;
    count_ += count;
    max_ = std::max(max_, value);
    sum_ += double(value) * double(count);
}

void Histogram::add(const Histogram& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
}

void Histogram::clear() {
    *this = Histogram();
}

Duration Histogram::percentile(double percent) const {
    if (count_ == 0) return {};
    const auto wanted =
        std::max<uint64_t>(1, uint64_t(std::ceil(double(count_) * percent / 100.0)));
    uint64_t seen = 0;
    for (size_t step = 0; step < counts_.size(); ++step) {
        seen += counts_[step];
        if (seen >= wanted) return Duration(int64_t(std::min(top_of(step), max_)));
    }
    return max();
}

LatencySummary Histogram::summary() const {
    LatencySummary out{.count = count_,
                       .p50 = percentile(50),
                       .p90 = percentile(90),
                       .p99 = percentile(99),
                       .p999 = percentile(99.9),
                       .max = max()};
    if (count_ > 0) out.mean = Duration(int64_t(sum_ / double(count_)));
    return out;
}

}  // namespace godwit::bench
