#include "os/clock.h"

#include <gtest/gtest.h>

#include <ctime>

namespace godwit::os {
namespace {

TEST(Clock, MonotonicNeverGoesBack) {
    Instant last = monotonic_now();
    for (int i = 0; i < 1000; ++i) {
        const Instant now = monotonic_now();
        EXPECT_GE(now, last);
        last = now;
    }
}

TEST(Clock, WallIsMillisecondsSince1970) {
    const int64_t before = ::time(nullptr);
    const WallTime now = wall_now();
    EXPECT_GE(now.unix_ms / 1000, before - 1);
    EXPECT_LE(now.unix_ms / 1000, before + 60);
}

}  // namespace
}  // namespace godwit::os
