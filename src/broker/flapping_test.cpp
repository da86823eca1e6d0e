#include "broker/flapping.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using std::chrono::seconds;

constexpr Instant kStart = Instant(std::chrono::hours(1));

Limits limits(uint32_t takeovers, std::chrono::milliseconds window) {
    Limits made;
    made.takeovers_max = takeovers;
    made.takeover_window = window;
    return made;
}

TEST(Flapping, IsWhatTakesOverTooOftenInTheWindow) {
    Flapping flapping;
    const Limits few = limits(3, seconds(30));
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(flapping.may_take_over(1, kStart, few));
    EXPECT_FALSE(flapping.may_take_over(1, kStart + seconds(9), few));
    EXPECT_TRUE(flapping.may_take_over(2, kStart, few)) << "another client";
    EXPECT_TRUE(flapping.may_take_over(1, kStart + seconds(10), few));
    EXPECT_FALSE(flapping.may_take_over(1, kStart + seconds(10), few));
}
TEST(Flapping, IsNotWhatMovesNowAndThen) {
    Flapping flapping;
    const Limits few = limits(3, seconds(30));
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(flapping.may_take_over(1, kStart + seconds(10) * i, few));
}
TEST(Flapping, IsNothingWithoutALimit) {
    Flapping flapping;
    for (int i = 0; i < 100; ++i)
        EXPECT_TRUE(flapping.may_take_over(1, kStart, limits(0, seconds(1))));
    EXPECT_EQ(flapping.size(), 0u);
}
TEST(Flapping, IsRememberedOfABoundedNumberOfClients) {
    Flapping flapping;
    const Limits few = limits(3, seconds(30));
    for (uint64_t i = 0; i < 3 * Flapping::kClientsMax; ++i) {
        EXPECT_TRUE(flapping.may_take_over(i, kStart, few));
        ASSERT_LE(flapping.size(), Flapping::kClientsMax);
    }
    for (uint64_t i = 0; i < 5000; ++i)
        EXPECT_TRUE(flapping.may_take_over(i, kStart + seconds(60) * int64_t(i), few));
    EXPECT_LE(flapping.size(), 2048u) << "those that owe nothing are forgotten";
}

}  // namespace
}  // namespace godwit::broker
