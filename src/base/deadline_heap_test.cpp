#include "base/deadline_heap.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>

namespace godwit {
namespace {

Instant at(int64_t ns) {
    return Instant(Duration(ns));
}

TEST(DeadlineHeap, IsNeverDueWhileEmpty) {
    DeadlineHeap<int> heap;
    EXPECT_EQ(heap.next_deadline(), std::nullopt);
    EXPECT_EQ(heap.pop_due(kNever), std::nullopt);
    EXPECT_EQ(heap.size(), 0u);
}

TEST(DeadlineHeap, GivesTheEarliestFirst) {
    DeadlineHeap<char> heap;
    heap.arm(at(30), 'c');
    heap.arm(at(10), 'a');
    heap.arm(at(20), 'b');
    EXPECT_EQ(heap.next_deadline(), at(10));
    EXPECT_EQ(heap.pop_due(at(100)), 'a');
    EXPECT_EQ(heap.pop_due(at(100)), 'b');
    EXPECT_EQ(heap.pop_due(at(100)), 'c');
    EXPECT_EQ(heap.pop_due(at(100)), std::nullopt);
}

TEST(DeadlineHeap, IsDueAtItsInstantAndNotBefore) {
    DeadlineHeap<int> heap;
    heap.arm(at(10), 1);
    EXPECT_EQ(heap.pop_due(at(9)), std::nullopt);
    EXPECT_EQ(heap.pop_due(at(10)), 1);
}

TEST(DeadlineHeap, KeepsOneTokenArmedTwice) {
    DeadlineHeap<int> heap;
    heap.arm(at(10), 1);
    heap.arm(at(20), 1);
    EXPECT_EQ(heap.size(), 2u);
    EXPECT_EQ(heap.pop_due(at(15)), 1);
    EXPECT_EQ(heap.pop_due(at(15)), std::nullopt);
    EXPECT_EQ(heap.next_deadline(), at(20));
}

TEST(DeadlineHeap, ForgetsWhatIsStaleAndKeepsTheOrderOfTheRest) {
    DeadlineHeap<int> heap;
    for (int i = 0; i < 100; ++i) heap.arm(at(i * 37 % 100), i);
    heap.sweep([](Instant due, int token) { return due < at(50) || token % 2 == 0; });
    Instant last = at(50);
    while (const auto due = heap.next_deadline()) {
        EXPECT_GE(*due, last);
        last = *due;
        EXPECT_EQ(*heap.pop_due(kNever) % 2, 1);
    }
    heap.sweep([](Instant, int) { return true; });
    EXPECT_EQ(heap.size(), 0u);
}

TEST(DeadlineHeap, AgreesWithASortedMapWhateverHappens) {
    const uint64_t seed = 20260102;
    SCOPED_TRACE(seed);
    Random random(seed);
    DeadlineHeap<uint64_t> heap;
    std::multimap<Instant, uint64_t> model;
    for (uint64_t step = 0; step < 5000; ++step) {
        const Instant when = at(int64_t(random.below(1000)));
        if (random.below(2) == 0) {
            heap.arm(when, step);
            model.emplace(when, step);
        } else {
            const auto token = heap.pop_due(when);
            const bool due = !model.empty() && model.begin()->first <= when;
            ASSERT_EQ(token.has_value(), due);
            if (!due) continue;
            const auto [first, last] = model.equal_range(model.begin()->first);
            const auto found =
                std::find_if(first, last, [&](const auto& each) { return each.second == *token; });
            ASSERT_NE(found, last);
            model.erase(found);
        }
        ASSERT_EQ(heap.size(), model.size());
        if (!model.empty()) {
            ASSERT_EQ(heap.next_deadline(), model.begin()->first);
        }
    }
}

}  // namespace
}  // namespace godwit
