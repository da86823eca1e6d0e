#include "base/rate_gate.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant(std::chrono::hours(1));

size_t admitted(RateGate& gate, Instant now, const Rate& rate, size_t asked) {
    size_t count = 0;
    for (size_t i = 0; i < asked; ++i) count += gate.admit(now, rate);
    return count;
}

TEST(RateGate, AdmitsABurstAndThenTheRate) {
    RateGate gate;
    const Rate rate = Rate::per_second(10, 5);
    EXPECT_EQ(admitted(gate, kStart, rate, 100), 5u);
    EXPECT_EQ(admitted(gate, kStart + milliseconds(99), rate, 100), 0u);
    EXPECT_EQ(admitted(gate, kStart + milliseconds(100), rate, 100), 1u);
    size_t count = 0;
    for (int ms = 101; ms <= 2100; ++ms)
        count += admitted(gate, kStart + milliseconds(ms), rate, 3);
    EXPECT_EQ(count, 20u) << "in two seconds";
}
TEST(RateGate, IsFullAgainOnceTheBurstHasComeBack) {
    RateGate gate;
    const Rate rate = Rate::per_second(10, 5);
    EXPECT_TRUE(gate.is_full(kStart));
    EXPECT_EQ(admitted(gate, kStart, rate, 5), 5u);
    EXPECT_FALSE(gate.is_full(kStart + milliseconds(499)));
    EXPECT_TRUE(gate.is_full(kStart + milliseconds(500)));
    EXPECT_EQ(admitted(gate, kStart + seconds(3600), rate, 100), 5u) << "and no more than that";
}
TEST(RateGate, WithoutABoundAdmitsAll) {
    RateGate gate;
    EXPECT_EQ(admitted(gate, kStart, Rate::per_second(0, 0), 1000), 1000u);
    EXPECT_TRUE(gate.is_full(kStart));
}
TEST(RateGate, ABurstIsAtLeastOne) {
    RateGate gate;
    EXPECT_EQ(admitted(gate, kStart, Rate::per_second(1, 0), 10), 1u);
}

}  // namespace
}  // namespace godwit
