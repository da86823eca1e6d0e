#include "server/memory_gauge.h"

#include <gtest/gtest.h>

#include <vector>

namespace godwit::server {
namespace {

using broker::Memory;

TEST(MemoryGauge, TellsOnceAndLooksNotTooOften) {
    MemoryGauge gauge(1);  // whatever the process uses is more
    const Instant now = Instant() + std::chrono::hours(1);
    EXPECT_EQ(gauge.look(now), Memory::Spent);
    EXPECT_FALSE(gauge.is_ample());
    EXPECT_EQ(gauge.look(now + MemoryGauge::kLookTime), std::nullopt) << "as before";
    MemoryGauge roomy(uint64_t(1) << 60);
    EXPECT_EQ(roomy.look(now), std::nullopt);
    EXPECT_TRUE(roomy.is_ample());
}

TEST(MemoryGauge, LooksAgainAfterMuchHasCome) {
    std::vector<char> large;
    const uint64_t used = os::UsedMemory().bytes();
    MemoryGauge gauge((used + (32 << 20)) / 79 * 100);  // scarce with some 32 MiB more
    const Instant now = Instant() + std::chrono::hours(1);
    EXPECT_EQ(gauge.look(now), std::nullopt);
    large.assign(size_t(used / 2 + (64 << 20)), 'x');
    EXPECT_EQ(gauge.look(now), std::nullopt) << "too early";
    gauge.note(MemoryGauge::kLookBytes);
    EXPECT_NE(gauge.look(now), std::nullopt);
}

}  // namespace
}  // namespace godwit::server
