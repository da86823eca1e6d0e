#include "base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace godwit {
namespace {

// The first numbers that SplitMix64's definition gives for two seeds.
TEST(Random, IsSplitMix64) {
    Random zero(0);
    EXPECT_EQ(zero.next(), 0xe220a8397b1dcdaf);
    EXPECT_EQ(zero.next(), 0x6e789e6aa1b965f4);
    Random other(1234567);
    EXPECT_EQ(other.next(), 0x599ed017fb08fc85);
    EXPECT_EQ(other.next(), 0x2c73f08458540fa5);
}

TEST(Random, RepeatsItselfForTheSameSeedOnly) {
    Random a(7), b(7), c(8);
    EXPECT_EQ(a.next(), b.next());
    EXPECT_EQ(a.next(), b.next());
    EXPECT_NE(a.next(), c.next());
}

TEST(Random, StaysBelowItsBoundAndReachesAllOfIt) {
    Random random(1);
    std::array<int, 7> seen{};
    for (int i = 0; i < 7000; ++i) {
        const uint64_t number = random.below(7);
        ASSERT_LT(number, 7u);
        ++seen[number];
    }
    for (const int count : seen) {
        EXPECT_GT(count, 800);
        EXPECT_LT(count, 1200);
    }
    EXPECT_EQ(random.below(1), 0u);
    EXPECT_LT(random.below(UINT64_MAX), UINT64_MAX);
}

}  // namespace
}  // namespace godwit
