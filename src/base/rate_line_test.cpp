#include "base/rate_line.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant(hours(1));

/// One line, and who comes to it.
struct Line {
    Flow flow;
    Instant paid_until = Instant::min();

    /// How long somebody who comes at `now` waits.
    Duration wait(Instant now, uint32_t amount = 1) {
        const Place place = flow.next_place(paid_until, now, amount);
        paid_until = place.paid_until;
        return std::max(place.due - now, Duration::zero());
    }
};

TEST(RateLine, ABurstIsAtOnceAndThenComesTheRate) {
    Line line{Flow(10, 3)};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(line.wait(kStart), Duration::zero()) << i;
    for (int i = 1; i <= 50; ++i) EXPECT_EQ(line.wait(kStart), milliseconds(100) * i);
}

TEST(RateLine, ABurstComesBackWithTheTimeAndNoMoreThanThat) {
    Line line{Flow(10, 3)};
    for (int i = 0; i < 3; ++i) line.wait(kStart);
    EXPECT_EQ(line.wait(kStart + milliseconds(100)), Duration::zero());
    EXPECT_GT(line.wait(kStart + milliseconds(100)), Duration::zero());
    const Instant later = kStart + hours(1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(line.wait(later), Duration::zero()) << i;
    EXPECT_GT(line.wait(later), Duration::zero());
}

TEST(RateLine, WithoutABurstOfItsOwnItIsWhatASecondGives) {
    for (const uint32_t rate : {1u, 3u, 7u, 1000u, 250'000u}) {
        Line line{Flow(rate, 0)};
        for (uint32_t i = 0; i < rate; ++i)
            ASSERT_EQ(line.wait(kStart), Duration::zero()) << i << " of " << rate;
        EXPECT_GT(line.wait(kStart), Duration::zero()) << rate;
    }
}

TEST(RateLine, WhatIsMoreThanABurstNeedsAWholeOneAndIsPaidAfterwards) {
    Line line{Flow(1000, 100)};
    EXPECT_EQ(line.wait(kStart, 5000), Duration::zero());
    EXPECT_EQ(line.wait(kStart, 100), seconds(5));
    EXPECT_EQ(line.wait(kStart, 5000), milliseconds(5100)) << "when a burst is there again";
}

TEST(RateLine, PlacesAreServedInTheirOrderWhateverTheySize) {
    Line line{Flow(1000, 100)};
    Duration last{};
    for (const uint32_t amount : {1, 500, 1, 100, 3, 99, 7000, 1, 1}) {
        const Duration wait = line.wait(kStart, amount);
        EXPECT_GE(wait, last) << amount;
        last = wait;
    }
}

TEST(RateLine, NobodyWaitsForMuchMoreThanADay) {
    Line line{Flow(1, UINT32_MAX)};
    for (int i = 0; i < 1000; ++i) line.wait(kStart, UINT32_MAX);
    EXPECT_LE(line.wait(kStart, UINT32_MAX), hours(24) + seconds(UINT32_MAX));
    EXPECT_LE(line.wait(kStart, 1), hours(24) + seconds(1));
}

/// Someone who comes as late as slack says, each time.
uint64_t taken_in(Line& line, Duration time) {
    uint64_t count = 0;
    for (Instant now = kStart; now < kStart + time;) {
        Duration wait = line.wait(now);
        if (wait > Duration::zero()) now += wait + line.flow.slack(1);
        ++count;
    }
    return count;
}

TEST(RateLine, WhoComesLateByTheSlackLosesNothing) {
    for (const auto& [rate, burst] : {std::pair{100u, 1u}, {100u, 100u}, {100'000u, 50u}}) {
        Line line{Flow(rate, burst)};
        const uint64_t taken = taken_in(line, seconds(10));
        EXPECT_GE(taken, 10 * rate - 1) << rate << ' ' << burst;
        EXPECT_LE(taken, 10 * rate + burst + 1) << rate << ' ' << burst;
    }
}

TEST(RateLine, AFastFlowWakesNobodyForEachPiece) {
    EXPECT_EQ(Flow(100'000, 0).slack(1), milliseconds(10));
    EXPECT_EQ(Flow(100, 1).slack(1), Duration::zero());
    EXPECT_EQ(Flow(100, 3).slack(1), milliseconds(10));
    EXPECT_EQ(Flow(1000, 9).slack(1), milliseconds(4));
    EXPECT_EQ(Flow(1000, 9).slack(500), Duration::zero());
}

TEST(RateLine, WithoutARateNothingIsBounded) {
    EXPECT_FALSE(Flow().is_bounded());
    EXPECT_FALSE(Flow(0, 100).is_bounded());
    EXPECT_TRUE(Flow(1, 0).is_bounded());
}

}  // namespace
}  // namespace godwit
