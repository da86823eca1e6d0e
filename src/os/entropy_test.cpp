#include "os/entropy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace godwit::os {
namespace {

TEST(Entropy, FillsAllOfTheRoom) {
    std::array<uint8_t, 1000> first{};
    fill_random(first);
    // Chance of a false alarm: below 2^-200.
    EXPECT_LT(std::count(first.begin(), first.end(), 0), 100);
    EXPECT_TRUE(std::any_of(first.end() - 32, first.end(), [](uint8_t byte) { return byte != 0; }));
    fill_random({});
}

TEST(Entropy, KeysDiffer) {
    const HashKey one = random_hash_key();
    const HashKey two = random_hash_key();
    EXPECT_NE(one.k0, two.k0);
    EXPECT_NE(one.k1, two.k1);
    EXPECT_NE(one.k0, one.k1);
}

}  // namespace
}  // namespace godwit::os
