#include "topic/cell_table.h"

#include "base/random.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

namespace godwit::topic {
namespace {

struct TestCell {
    uint32_t tag_;
    uint32_t value_;
    uint32_t tag() const { return tag_; }
    bool empty() const { return value_ == 0; }
    constexpr void clear() { tag_ = UINT32_MAX, value_ = 0; }
};
using Table = CellTable<TestCell>;

std::multiset<uint32_t> values_of(const Table& table, uint64_t hash) {
    std::multiset<uint32_t> values;
    for (const TestCell* cell = table.first(hash); Table::has_tag(cell, hash); ++cell)
        values.insert(cell->value_);
    return values;
}

void erase_value(Table& table, uint64_t hash, uint32_t value) {
    TestCell* cell = table.first(hash);
    while (cell->value_ != value) ++cell;
    table.erase(hash, cell);
}

TEST(CellTable, EmptyTableHoldsNothing) {
    const Table table;
    EXPECT_FALSE(table.may_hold(42));
    EXPECT_FALSE(Table::has_tag(table.first(42), 42));
    EXPECT_EQ(table.memory_bytes(), 0u);
}

TEST(CellTable, CellsOfOneTagAreAllFound) {
    Table table;
    const uint64_t hash = 0xffffffff'00000001;  // the largest tag, which empty cells have too
    for (uint32_t value = 1; value <= 100; ++value)
        table.insert(hash, TestCell{Table::tag_of(hash), value});
    EXPECT_EQ(values_of(table, hash).size(), 100u);
    for (uint32_t value = 1; value <= 100; ++value) erase_value(table, hash, value);
    EXPECT_FALSE(table.may_hold(hash));
    EXPECT_EQ(table.memory_bytes(), 0u);
}

TEST(CellTable, HoldsWhatAMapHoldsUnderChurn) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        Table table;
        std::map<uint64_t, std::multiset<uint32_t>> expected;
        // One part and crowded tags, so that cells are pushed off their places.
        const auto draw = [&] { return (random.below(40) << 26 | random.below(16)) << 32 | seed; };
        for (uint32_t value = 1; value <= 6000; ++value) {
            const uint64_t hash = draw();
            auto& held = expected[hash];
            ASSERT_EQ(values_of(table, hash), held);
            ASSERT_TRUE(held.empty() || table.may_hold(hash));
            const bool growing = value / 1500 % 2 == 0;
            if (!held.empty() && random.below(10) < (growing ? 2 : 9)) {
                erase_value(table, hash, *held.begin());
                held.erase(held.begin());
            } else if (growing) {
                table.insert(hash, TestCell{Table::tag_of(hash), value});
                held.insert(value);
            }
        }
        for (const auto& [hash, held] : expected) ASSERT_EQ(values_of(table, hash), held);
    }
}

}  // namespace
}  // namespace godwit::topic
