#include "base/handle_table.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace godwit {
namespace {

struct Handle {
    uint32_t slot = 0;
    uint32_t generation = 0;
    friend auto operator<=>(const Handle&, const Handle&) = default;
};
using Table = HandleTable<std::string, Handle>;

TEST(HandleTable, FindsWhatItWasGiven) {
    Table table;
    const Handle a = table.emplace("a");
    const Handle b = table.emplace(3u, 'b');
    EXPECT_EQ(*table.find(a), "a");
    EXPECT_EQ(*table.find(b), "bbb");
    EXPECT_EQ(table.size(), 2u);
}

TEST(HandleTable, KnowsNoHandleThatItDidNotMake) {
    Table table;
    EXPECT_EQ(table.find({}), nullptr);
    EXPECT_EQ(table.find({7, 1}), nullptr);
    const Handle a = table.emplace("a");
    EXPECT_EQ(table.find({}), nullptr);  // a default handle names nothing, ever
    EXPECT_EQ(table.find({a.slot, a.generation + 1}), nullptr);
}

TEST(HandleTable, LetsHandlesGoStaleWhenTheSlotIsReused) {
    Table table;
    const Handle old = table.emplace("old");
    table.erase(old);
    EXPECT_EQ(table.find(old), nullptr);
    EXPECT_EQ(table.size(), 0u);
    const Handle young = table.emplace("young");
    EXPECT_EQ(young.slot, old.slot);
    EXPECT_NE(young.generation, old.generation);
    EXPECT_EQ(table.find(old), nullptr);
    EXPECT_EQ(*table.find(young), "young");
}

TEST(HandleTable, KeepsObjectsWhereTheyAreWhileItGrows) {
    Table table;
    const Handle first = table.emplace("first");
    const std::string* at = table.find(first);
    for (int i = 0; i < 1000; ++i) table.emplace("more");
    EXPECT_EQ(table.find(first), at);
}

TEST(HandleTable, VisitsEachOnceAndLetsTheVisitedGo) {
    Table table;
    const Handle a = table.emplace("a");
    const Handle b = table.emplace("b");
    table.emplace("c");
    table.erase(b);
    std::map<Handle, std::string> seen;
    table.for_each([&](Handle handle, const std::string& text) {
        seen[handle] = text;
        if (handle == a) table.erase(handle);
    });
    EXPECT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[a], "a");
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(table.find(a), nullptr);
}

TEST(HandleTableDeathTest, StopsWhereAnObjectWouldEndTwice) {
    Table table;
    const Handle a = table.emplace("a");
    table.erase(a);
    EXPECT_DEATH(table.erase(a), "broken");
}

TEST(HandleTable, AgreesWithAPlainMapWhateverHappens) {
    const uint64_t seed = 20260101;
    SCOPED_TRACE(seed);
    Random random(seed);
    Table table;
    std::map<Handle, std::string> alive;
    std::vector<Handle> dead;
    for (int step = 0; step < 5000; ++step) {
        if (alive.empty() || random.below(5) < 3) {
            const std::string text = std::to_string(step);
            const Handle made = table.emplace(text);
            ASSERT_TRUE(alive.emplace(made, text).second);
        } else {
            auto victim = alive.begin();
            std::advance(victim, std::ptrdiff_t(random.below(std::min<size_t>(alive.size(), 50))));
            table.erase(victim->first);
            dead.push_back(victim->first);
            alive.erase(victim);
        }
        ASSERT_EQ(table.size(), alive.size());
    }
    for (const auto& [handle, text] : alive) ASSERT_EQ(*table.find(handle), text);
    for (const Handle handle : dead) ASSERT_EQ(table.find(handle), nullptr);
}

}  // namespace
}  // namespace godwit
