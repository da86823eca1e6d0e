#include "base/random.h"
#include "broker/routing/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace godwit::broker {
namespace {

SessionRef session(uint32_t slot) {
    return {slot, 1};
}

/// Kept if its subscription id is odd.
Taker taker(uint32_t slot, uint32_t subscription_id = 0, bool group = false) {
    return {.session = session(slot),
            .subscription_id = subscription_id,
            .group = group,
            .kept = subscription_id % 2 == 1};
}

std::vector<uint32_t> slots(const TakerList& list) {
    std::vector<uint32_t> out;
    for (const Taker& each : list.all()) out.push_back(each.session.slot);
    std::sort(out.begin(), out.end());
    return out;
}

TEST(TakerList, IsEmptyAtFirstAndAfterItsLastTaker) {
    TakerList list;
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.find(session(1), false), nullptr);
    list.add(taker(1));
    EXPECT_FALSE(list.empty());
    list.remove(session(1), false);
    EXPECT_TRUE(list.empty());
    EXPECT_EQ(list.find(session(1), false), nullptr);
}

TEST(TakerList, GoesFromOneToTwoAndBack) {
    TakerList list;
    list.add(taker(1));
    list.add(taker(2));
    EXPECT_EQ(slots(list), (std::vector<uint32_t>{1, 2}));
    list.remove(session(1), false);
    EXPECT_EQ(slots(list), (std::vector<uint32_t>{2}));
    list.remove(session(2), false);
    EXPECT_TRUE(list.empty());
    list.add(taker(3));
    EXPECT_EQ(slots(list), (std::vector<uint32_t>{3}));
}

TEST(TakerList, TellsASessionFromAGroupOfTheSameSlot) {
    for (const uint32_t others : {0u, 2u, 50u}) {
        TakerList list;
        for (uint32_t i = 0; i < others; ++i) list.add(taker(100 + i));
        list.add(taker(1, 11, false));
        list.add(taker(1, 22, true));
        EXPECT_EQ(list.find(session(1), false)->subscription_id, 11u);
        EXPECT_EQ(list.find(session(1), true)->subscription_id, 22u);
        list.remove(session(1), false);
        EXPECT_EQ(list.find(session(1), false), nullptr);
        EXPECT_EQ(list.find(session(1), true)->subscription_id, 22u);
    }
}

TEST(TakerList, LetsATakerBeChangedInPlace) {
    for (const uint32_t others : {0u, 2u, 50u}) {
        TakerList list;
        for (uint32_t i = 0; i < others; ++i) list.add(taker(100 + i));
        list.add(taker(1));
        list.replace(taker(1, 5));
        EXPECT_EQ(list.find(session(1), false)->subscription_id, 5u);
    }
}

TEST(TakerList, FindsEveryTakerOnBothSidesOfItsIndex) {
    constexpr uint32_t kMany = 3 * TakerList::kIndexFrom;
    TakerList list;
    for (uint32_t i = 0; i < kMany; ++i) {
        list.add(taker(i, i + 1));
        for (uint32_t j = 0; j <= i; ++j)
            ASSERT_EQ(list.find(session(j), false)->subscription_id, j + 1) << i;
        ASSERT_EQ(list.find(session(i + 1), false), nullptr);
    }
    for (uint32_t i = 0; i < kMany; ++i) {
        list.remove(session(i), false);
        ASSERT_EQ(list.find(session(i), false), nullptr);
        for (uint32_t j = i + 1; j < kMany; ++j)
            ASSERT_EQ(list.find(session(j), false)->subscription_id, j + 1) << i;
    }
    EXPECT_TRUE(list.empty());
}

TEST(TakerListDeathTest, StopsWhereAStrangerWouldBeRemoved) {
    TakerList list;
    list.add(taker(1));
    EXPECT_DEATH(list.remove(session(2), false), "broken");
    EXPECT_DEATH(list.remove(session(1), true), "broken");
}

/// The same as TakerList, plainly.
struct Model {
    std::vector<Taker> takers;
    auto position(SessionRef ref, bool group) {
        return std::find_if(takers.begin(), takers.end(), [&](const Taker& each) {
            return each.session == ref && each.group == group;
        });
    }
};

void check_same(TakerList& list, Model& model) {
    ASSERT_EQ(list.all().size(), model.takers.size());
    for (const Taker& each : model.takers) {
        const Taker* found = list.find(each.session, each.group);
        ASSERT_NE(found, nullptr) << each.session.slot;
        ASSERT_EQ(found->subscription_id, each.subscription_id);
    }
    const bool any_kept = std::any_of(model.takers.begin(), model.takers.end(),
                                      [](const Taker& each) { return each.kept; });
    const Interest unkept = model.takers.empty() ? Interest::None : Interest::Live;
    ASSERT_EQ(list.interest(), any_kept ? Interest::Kept : unkept);
}

void compare_with_plain_vector(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    TakerList list;
    Model model;
    for (uint32_t step = 0; step < 600; ++step) {
        // Grows towards 120 takers, shrinks to none, and again.
        const bool growing = step / 150 % 2 == 0;
        const auto slot = uint32_t(random.below(60));
        const bool group = random.below(2) == 0;
        const auto known = model.position(session(slot), group);
        if (known == model.takers.end() && random.below(growing ? 1 : 4) == 0) {
            list.add(taker(slot, step, group));
            model.takers.push_back(taker(slot, step, group));
        } else if (known != model.takers.end() && random.below(growing ? 4 : 1) == 0) {
            list.remove(session(slot), group);
            model.takers.erase(known);
        } else {
            ASSERT_EQ(list.find(session(slot), group) != nullptr, known != model.takers.end());
            if (known == model.takers.end()) continue;
            *known = taker(slot, step, group);
            list.replace(*known);
        }
        ASSERT_NO_FATAL_FAILURE(check_same(list, model)) << step;
    }
}

TEST(TakerList, AgreesWithAPlainVectorWhateverHappens) {
    for (uint64_t seed = 1; seed <= 20; ++seed)
        ASSERT_NO_FATAL_FAILURE(compare_with_plain_vector(seed));
}

}  // namespace
}  // namespace godwit::broker
