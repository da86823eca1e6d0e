#include "base/free_numbers.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace godwit {
namespace {

TEST(FreeNumbers, GivesTheLowestFirst) {
    FreeNumbers free;
    EXPECT_TRUE(free.empty());
    for (const uint32_t each : {70u, 5u, 100'000u, 63u}) free.add(each);
    EXPECT_EQ(free.count(), 4u);
    EXPECT_EQ(free.take(), 5u);
    free.add(6);
    EXPECT_EQ(free.take(), 6u);
    EXPECT_EQ(free.take(), 63u);
    EXPECT_EQ(free.take(), 70u);
    EXPECT_EQ(free.take(), 100'000u);
    EXPECT_TRUE(free.empty());
}

TEST(FreeNumbers, HasNoneOnceItIsCleared) {
    FreeNumbers free;
    free.add(9000);
    free.clear();
    EXPECT_TRUE(free.empty());
    free.add(3);
    EXPECT_EQ(free.take(), 3u);
}

TEST(FreeNumbers, IsASetOfNumbers) {
    for (uint64_t seed = 0; seed < 20; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        const uint64_t bound = uint64_t(1) << (4 + random.below(14));
        FreeNumbers free;
        std::set<uint32_t> expected;
        for (int step = 0; step < 5000; ++step) {
            const auto number = uint32_t(random.below(bound));
            if (random.below(2) == 0 && expected.insert(number).second) free.add(number);
            if (random.below(2) == 0 && !expected.empty()) {
                ASSERT_EQ(free.take(), *expected.begin());
                expected.erase(expected.begin());
            }
            ASSERT_EQ(free.count(), expected.size());
        }
    }
}

}  // namespace
}  // namespace godwit
