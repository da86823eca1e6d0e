#include "os/spsc_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

namespace godwit::os {
namespace {

std::vector<int> drain_all(SpscRing<int>& ring) {
    std::vector<int> out;
    ring.drain([&](int&& entry) { out.push_back(entry); });
    return out;
}

TEST(SpscRing, HidesEntriesUntilTheyArePublished) {
    SpscRing<int> ring(4);
    EXPECT_EQ(ring.push(1), Push::Staged);
    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(drain_all(ring), std::vector<int>{});
    EXPECT_EQ(ring.publish(), 1u);
    EXPECT_FALSE(ring.empty());
    EXPECT_EQ(drain_all(ring), std::vector<int>{1});
    EXPECT_TRUE(ring.empty());
}

TEST(SpscRing, PublishSaysThatNothingIsNew) {
    SpscRing<int> ring(4);
    EXPECT_EQ(ring.publish(), 0u);
    EXPECT_EQ(ring.push(1), Push::Staged);
    EXPECT_EQ(ring.publish(), 1u);
    EXPECT_EQ(ring.publish(), 0u);
}

TEST(SpscRing, KeepsOrderAcrossManyRounds) {
    SpscRing<int> ring(4);
    int next = 0;
    for (int round = 0; round < 100; ++round) {
        for (int i = 0; i < 3; ++i) EXPECT_EQ(ring.push(next + i), Push::Staged);
        ring.publish();
        EXPECT_EQ(drain_all(ring), (std::vector<int>{next, next + 1, next + 2}));
        next += 3;
    }
}

TEST(SpscRing, FullLeavesTheEntryWithTheProducer) {
    SpscRing<std::unique_ptr<int>> ring(2);
    EXPECT_EQ(ring.push(std::make_unique<int>(1)), Push::Staged);
    EXPECT_EQ(ring.push(std::make_unique<int>(2)), Push::Staged);
    auto third = std::make_unique<int>(3);
    EXPECT_EQ(ring.push(std::move(third)), Push::Full);
    ASSERT_NE(third, nullptr);
    EXPECT_EQ(*third, 3);
}

TEST(SpscRing, HasRoomAgainAfterADrain) {
    SpscRing<int> ring(2);
    EXPECT_EQ(ring.push(1), Push::Staged);
    EXPECT_EQ(ring.push(2), Push::Staged);
    EXPECT_EQ(ring.push(3), Push::Full);
    ring.publish();
    EXPECT_EQ(ring.drain([](int&&) {}), 2u);
    EXPECT_EQ(ring.push(3), Push::Staged);
}

TEST(SpscRing, DrainStopsAtItsLimitAndGoesOnThere) {
    SpscRing<int> ring(8);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(ring.push(int(i)), Push::Staged);
    ring.publish();
    std::vector<int> seen;
    const auto note = [&](int&& entry) { seen.push_back(entry); };
    EXPECT_EQ(ring.drain(note, 2), 2u);
    EXPECT_EQ(seen, (std::vector<int>{0, 1}));
    EXPECT_FALSE(ring.empty());
    EXPECT_EQ(ring.drain(note), 3u);
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(SpscRing, DestroysEachEntryOnce) {
    const auto counted = std::make_shared<int>(0);
    {
        SpscRing<std::shared_ptr<int>> ring(4);
        for (int i = 0; i < 4; ++i) EXPECT_EQ(ring.push(std::shared_ptr(counted)), Push::Staged);
        EXPECT_EQ(counted.use_count(), 5);
        ring.publish();
        ring.drain([](std::shared_ptr<int>&&) {}, 1);
        EXPECT_EQ(counted.use_count(), 4);
    }
    EXPECT_EQ(counted.use_count(), 1);
}

TEST(SpscRingDeathTest, WantsAPowerOfTwo) {
    EXPECT_DEATH(SpscRing<int>(3), "has_single_bit");
    EXPECT_DEATH(SpscRing<int>(0), "has_single_bit");
}

TEST(SpscRing, CarriesEverythingInOrderBetweenTwoThreads) {
    constexpr uint64_t kCount = 200'000;
    SpscRing<std::unique_ptr<uint64_t>> ring(64);
    std::thread producer([&ring] {
        uint64_t next = 0;
        auto entry = std::make_unique<uint64_t>(0);
        while (next < kCount) {
            if (ring.push(std::move(entry)) == Push::Staged) {
                entry = std::make_unique<uint64_t>(++next);
                if (next % 7 == 0) ring.publish();
            } else {
                ring.publish();
                std::this_thread::yield();
            }
        }
        ring.publish();
    });
    uint64_t seen = 0;
    uint64_t out_of_order = 0;
    while (seen < kCount) {
        const size_t got = ring.drain(
            [&](std::unique_ptr<uint64_t>&& entry) { out_of_order += *entry != seen++; }, 50);
        if (got == 0) std::this_thread::yield();
    }
    producer.join();
    EXPECT_EQ(out_of_order, 0u);
    EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace godwit::os
