#include "server/calm.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

TEST(Calm, ComesOnceAfterEachStorm) {
    Calm calm;
    EXPECT_FALSE(calm.is_after_storm(0));
    EXPECT_FALSE(calm.is_after_storm(Calm::kStormMin));  // it is raging
    EXPECT_FALSE(calm.is_after_storm(5000));
    EXPECT_TRUE(calm.is_after_storm(5000 + Calm::kCalmMax));
    EXPECT_FALSE(calm.is_after_storm(5000 + Calm::kCalmMax));
    EXPECT_FALSE(calm.is_after_storm(9000));
    EXPECT_TRUE(calm.is_after_storm(9001));
}

TEST(Calm, FollowsManySmallMovesToo) {
    Calm calm;
    uint64_t moved = 0;
    for (; moved + 100 < Calm::kStormMin; moved += 100) EXPECT_FALSE(calm.is_after_storm(moved));
    EXPECT_TRUE(calm.is_after_storm(Calm::kStormMin));
}

TEST(Calm, DoesNotWaitForTheEndOfAStormThatHasNone) {
    Calm calm;
    uint64_t moved = 0;
    for (int storm = 0; storm < 3; ++storm) {
        for (uint32_t look = 0; look < Calm::kLooksMax; ++look)
            EXPECT_FALSE(calm.is_after_storm(moved += Calm::kStormMin)) << storm << ", " << look;
        EXPECT_TRUE(calm.is_after_storm(moved += Calm::kStormMin)) << storm;
    }
}

}  // namespace
}  // namespace godwit::server
