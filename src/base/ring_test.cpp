#include "base/ring.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>

namespace godwit {
namespace {

TEST(Ring, AnEmptyOneOwnsNothingUnlessItWasShort) {
    Ring<int> ring;
    EXPECT_EQ(ring.memory_bytes(), 0u);
    for (int i = 0; i < 100; ++i) ring.push_back(i);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(ring.pop_front(), i);
    EXPECT_EQ(ring.memory_bytes(), 0u);
    ring.push_back(1);
    EXPECT_EQ(ring.pop_front(), 1);
    EXPECT_EQ(ring.memory_bytes(), (3 + 4) * sizeof(int));
    ring.trim();
    EXPECT_EQ(ring.memory_bytes(), 0u);
}

TEST(Ring, TrimLeavesWhatIsInIt) {
    Ring<int> ring;
    ring.push_back(1);
    ring.trim();
    EXPECT_EQ(ring.front(), 1);
}

TEST(Ring, DoesWhatADequeDoes) {
    const uint64_t seed = 7;
    SCOPED_TRACE(seed);
    Random random(seed);
    Ring<std::unique_ptr<int>> ring;
    std::deque<int> model;
    for (int i = 0; i < 20000; ++i) {
        const uint64_t dice = random.below(10);
        if (dice < 4) {
            ring.push_back(std::make_unique<int>(i));
            model.push_back(i);
        } else if (dice < 6) {
            ring.push_front(std::make_unique<int>(i));
            model.push_front(i);
        } else if (!model.empty() && dice < 8) {
            EXPECT_EQ(*ring.front(), model.front());
            if (random.below(2))
                (void)ring.pop_front();
            else
                ring.drop_front();
            model.pop_front();
        } else if (!model.empty()) {
            const size_t at = random.below(model.size());
            EXPECT_EQ(*ring.erase_at(at), model[at]);
            model.erase(model.begin() + std::ptrdiff_t(at));
        }
        ASSERT_EQ(ring.size(), model.size());
        if (!model.empty()) {
            ASSERT_EQ(*ring.back(), model.back());
        }
    }
    for (size_t i = 0; i < model.size(); ++i) EXPECT_EQ(*ring[i], model[i]);
}

TEST(Ring, GivesMemoryBackWhenItShrinks) {
    Ring<uint64_t> ring;
    for (uint64_t i = 0; i < 100000; ++i) ring.push_back(i);
    while (ring.size() > 10) (void)ring.pop_front();
    EXPECT_LE(ring.memory_bytes(), 64 * sizeof(uint64_t) * 2);
    EXPECT_EQ(ring.front(), 99990u);
}

}  // namespace
}  // namespace godwit
