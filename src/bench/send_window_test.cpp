#include "bench/send_window.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>

namespace godwit::bench {
namespace {

constexpr uint32_t kNoLimit = 65535;

Instant at(int64_t n) {
    return Instant{} + Duration(n);
}

TEST(SendWindow, IsFullAtItsSizeOrTheOtherSidesLimit) {
    SendWindow window(3);
    EXPECT_EQ(window.add(at(1)).value, 1);
    EXPECT_TRUE(window.is_full(1));
    EXPECT_FALSE(window.is_full(2));
    (void)window.add(at(2));
    EXPECT_FALSE(window.is_full(kNoLimit));
    (void)window.add(at(3));
    EXPECT_TRUE(window.is_full(kNoLimit));
}

TEST(SendWindow, OutOfOrderTheOldestHoldsTheWindow) {
    SendWindow window(2);
    const PacketId first = window.add(at(10));
    const PacketId second = window.add(at(20));
    EXPECT_EQ(window.take(second), at(20));
    EXPECT_TRUE(window.is_full(kNoLimit));
    EXPECT_EQ(window.take(first), at(10));
    EXPECT_FALSE(window.is_full(kNoLimit));
}

TEST(SendWindow, WhatIsNotUnderWayIsNone) {
    SendWindow window(5);
    EXPECT_FALSE(window.take(PacketId{1}));
    const PacketId id = window.add(at(1));
    (void)window.add(at(2));
    EXPECT_TRUE(window.take(id));
    EXPECT_FALSE(window.take(id));
    EXPECT_FALSE(window.take(PacketId{0}));
    EXPECT_FALSE(window.take(PacketId{3}));
    EXPECT_FALSE(window.take(PacketId{65535}));
}

/// Fills it, and acknowledges at random, until every identifier has been used more than once.
void use_all_identifiers(uint32_t size) {
    Random random(size);
    SendWindow window(size);
    std::map<uint16_t, Instant> under_way;
    for (int64_t i = 0; i < 100'000; ++i) {
        if (!window.is_full(kNoLimit)) {
            const PacketId id = window.add(at(i));
            ASSERT_NE(id.value, 0);
            ASSERT_TRUE(under_way.emplace(id.value, at(i)).second);
            if (random.below(size) != 0) continue;
        }
        auto some = under_way.lower_bound(uint16_t(random.below(65536)));
        if (some == under_way.end()) some = under_way.begin();
        ASSERT_EQ(window.take(PacketId{some->first}), some->second);
        under_way.erase(some);
    }
}

TEST(SendWindow, IdentifiersBeginAgainAndAreNeverUsedTwiceAtOnce) {
    for (const uint32_t size : {1u, 7u, 1000u, SendWindow::kMax}) {
        SCOPED_TRACE(size);
        use_all_identifiers(size);
    }
}

}  // namespace
}  // namespace godwit::bench
