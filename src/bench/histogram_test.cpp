#include "bench/histogram.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace godwit::bench {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, NothingRecordedIsZero) {
    const Histogram empty;
    EXPECT_EQ(empty.count(), 0u);
    EXPECT_EQ(empty.percentile(99), 0ns);
    EXPECT_EQ(empty.summary().mean, 0ns);
}

TEST(Histogram, SmallValuesAreExact) {
    Histogram h;
    for (int i = 1; i <= 60; ++i) h.record(Duration(i));
    EXPECT_EQ(h.percentile(50), 30ns);
    EXPECT_EQ(h.percentile(100), 60ns);
    EXPECT_EQ(h.max(), 60ns);
}

TEST(Histogram, PercentilesAreAtMostOnePart64TooHighAndNeverTooLow) {
    constexpr uint64_t kSeed = 7;
    SCOPED_TRACE(kSeed);
    Random random(kSeed);
    Histogram h;
    std::vector<int64_t> values;
    for (int i = 0; i < 20000; ++i) {
        const auto value = int64_t(random.next() >> (random.below(50) + 14));
        values.push_back(value);
        h.record(Duration(value));
    }
    std::sort(values.begin(), values.end());
    for (const double percent : {1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 100.0}) {
        const auto rank = size_t(std::ceil(double(values.size()) * percent / 100.0));
        const int64_t exact = values[rank - 1];
        const int64_t read = h.percentile(percent).count();
        EXPECT_GE(read, exact) << percent;
        EXPECT_LE(double(read), double(exact) * (1 + 1.0 / 64) + 1) << percent;
    }
}

TEST(Histogram, TheLongestAndNegativeTimesHaveAPlace) {
    Histogram h;
    h.record(Duration::max());
    h.record(-5ns);
    EXPECT_EQ(h.percentile(100), Duration::max());
    EXPECT_EQ(h.percentile(1), 0ns);
    EXPECT_EQ(h.count(), 2u);
}

TEST(Histogram, ManyAtOnceWeighAsMany) {
    Histogram h;
    h.record(10ns, 99);
    h.record(50ns);
    EXPECT_EQ(h.percentile(99), 10ns);
    EXPECT_EQ(h.percentile(100), 50ns);
    EXPECT_EQ(h.summary().mean, 10ns);
}

TEST(Histogram, TakesInWhatAnotherHasRecorded) {
    Histogram h, other;
    h.record(10ns, 50);
    other.record(90ns, 49);
    other.record(1000ns);
    h.add(other);
    EXPECT_EQ(h.count(), 100u);
    EXPECT_EQ(h.percentile(50), 10ns);
    EXPECT_EQ(h.max(), 1000ns);
    EXPECT_EQ(h.percentile(100), 1000ns);
    EXPECT_EQ(other.count(), 50u);
}

TEST(Histogram, ClearForgetsAll) {
    Histogram h;
    h.record(1s);
    h.clear();
    EXPECT_EQ(h.count(), 0u);
    EXPECT_EQ(h.max(), 0ns);
}

}  // namespace
}  // namespace godwit::bench
