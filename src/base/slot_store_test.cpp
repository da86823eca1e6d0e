#include "base/slot_store.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace godwit {
namespace {

/// Counts those that live.
struct Counted {
    explicit Counted(int number) : value(number) { ++living; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --living; }
    int value;
    static inline int living = 0;
};

TEST(SlotStore, HoldsObjectsWhereTheyWerePut) {
    SlotStore<std::string> store;
    EXPECT_EQ(store.at(0), nullptr);
    EXPECT_EQ(store.end(), 0u);
    std::string* const far = &store.emplace(1000, "far");
    std::string* const near = &store.emplace(3, 2u, 'n');
    EXPECT_EQ(store.at(1000), far);
    EXPECT_EQ(store.at(3), near);
    EXPECT_EQ(*near, "nn");
    EXPECT_EQ(store.at(2), nullptr);
    EXPECT_EQ(store.at(500), nullptr);
    EXPECT_EQ(store.at(100'000), nullptr);
    for (uint32_t slot = 2000; slot < 9000; ++slot) store.emplace(slot, "more");
    EXPECT_EQ(store.at(1000), far);
    EXPECT_EQ(*far, "far");
}

TEST(SlotStore, EndsWhatItHoldsOnceAndNothingElse) {
    {
        SlotStore<Counted> store;
        for (int i = 0; i < 200; ++i) store.emplace(uint32_t(i * 3), i);
        EXPECT_EQ(Counted::living, 200);
        for (int i = 0; i < 200; i += 2) store.erase(uint32_t(i * 3));
        EXPECT_EQ(Counted::living, 100);
        store = {};
        EXPECT_EQ(Counted::living, 0);
        EXPECT_EQ(store.at(3), nullptr);
        store.emplace(3, 7);
    }
    EXPECT_EQ(Counted::living, 0);
}

TEST(SlotStore, AgreesWithAMapWhateverHappens) {
    const uint64_t seed = 20261126;
    SCOPED_TRACE(seed);
    Random random(seed);
    SlotStore<std::string> store;
    std::map<uint32_t, std::string> model;
    for (int step = 0; step < 5000; ++step) {
        const auto slot = uint32_t(random.below(300));
        if (model.contains(slot)) {
            ASSERT_EQ(*store.at(slot), model[slot]);
            store.erase(slot);
            model.erase(slot);
        } else {
            ASSERT_EQ(store.at(slot), nullptr);
            model[slot] = store.emplace(slot, std::to_string(step));
        }
    }
    std::vector<std::string> seen, expected;
    store.for_each([&](const std::string& each) { seen.push_back(each); });
    for (const auto& [slot, text] : model) expected.push_back(text);
    EXPECT_EQ(seen, expected);
}

TEST(SlotStoreDeathTest, StopsWhereASlotIsFilledOrEmptiedTwice) {
    SlotStore<int> store;
    store.emplace(1, 1);
    EXPECT_DEATH(store.emplace(1, 2), "broken");
    store.erase(1);
    EXPECT_DEATH(store.erase(1), "broken");
}

}  // namespace
}  // namespace godwit
