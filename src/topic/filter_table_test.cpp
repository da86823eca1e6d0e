#include "topic/filter_table.h"

#include "base/random.h"
#include "topic/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>

namespace godwit::topic {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using testing::UnorderedElementsAreArray;

std::vector<std::string> matched(const FilterTable& table, std::string_view name) {
    std::vector<FilterId> ids;
    table.match(name, ids);
    std::vector<std::string> texts;
    for (const FilterId id : ids) texts.emplace_back(table.text(id));
    return texts;
}

/// Each of the 2^levels ways to put '+' into equal levels: as many shapes.
std::vector<std::string> all_shapes(uint32_t levels) {
    std::vector<std::string> filters;
    for (uint32_t mask = 0; mask < uint32_t(1) << levels; ++mask) {
        std::string filter = "x";
        for (uint32_t i = 0; i < levels; ++i) filter += mask >> i & 1 ? "/+" : "/a";
        filters.push_back(filter);
    }
    return filters;
}

TEST(FilterTable, FindsExactPlusAndHashFilters) {
    FilterTable table{HashKey{}};
    for (const char* filter : {"a/b/c", "a/+/c", "a/#", "#", "+/b/c", "a/b", "b/#", "a/b/c/#"})
        table.acquire(filter);
    EXPECT_THAT(matched(table, "a/b/c"),
                UnorderedElementsAre("a/b/c", "a/+/c", "a/#", "#", "+/b/c", "a/b/c/#"));
    EXPECT_THAT(matched(table, "a"), UnorderedElementsAre("a/#", "#"));
    EXPECT_THAT(matched(table, "c/d"), ElementsAre("#"));
}

TEST(FilterTable, EmptyTableMatchesNothing) {
    EXPECT_THAT(matched(FilterTable{HashKey{}}, "a/b"), IsEmpty());
}

TEST(FilterTable, LeadingWildcardsSkipDollarNames) {
    FilterTable table{HashKey{}};
    for (const char* filter : {"#", "+/x", "+/#", "$SYS/x", "$SYS/#", "$SYS/+"})
        table.acquire(filter);
    EXPECT_THAT(matched(table, "$SYS/x"), UnorderedElementsAre("$SYS/x", "$SYS/#", "$SYS/+"));
}

TEST(FilterTable, MatchAppends) {
    FilterTable table{HashKey{}};
    const FilterId id = table.acquire("a");
    std::vector<FilterId> out{FilterId{77}};
    table.match("a", out);
    EXPECT_THAT(out, ElementsAre(FilterId{77}, id));
}

TEST(FilterTable, EqualFiltersShareAnIdUntilTheLastRelease) {
    FilterTable table{HashKey{}};
    const FilterId id = table.acquire("a/+");
    EXPECT_EQ(table.acquire("a/+"), id);
    EXPECT_EQ(table.size(), 1u);
    table.release(id);
    EXPECT_EQ(table.find("a/+"), id);
    table.release(id);
    EXPECT_EQ(table.find("a/+"), std::nullopt);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_THAT(matched(table, "a/b"), IsEmpty());
}

TEST(FilterTable, IdsAreDenseAndReused) {
    FilterTable table{HashKey{}};
    const FilterId a = table.acquire("a");
    const FilterId b = table.acquire("b");
    EXPECT_EQ(table.slot_count(), 2u);
    table.release(a);
    EXPECT_EQ(table.acquire("c"), a);
    EXPECT_EQ(table.text(a), "c");
    EXPECT_EQ(table.text(b), "b");
    EXPECT_EQ(table.slot_count(), 2u);
}

TEST(FilterTable, FindAsksForTheTextNotForAMatch) {
    FilterTable table{HashKey{}};
    table.acquire("a/+");
    EXPECT_EQ(table.find("a/b"), std::nullopt);
    EXPECT_NE(table.find("a/+"), std::nullopt);
}

TEST(FilterTable, TextStaysWhereItIs) {
    FilterTable table{HashKey{}};
    const std::string_view text = table.text(table.acquire("here"));
    for (int i = 0; i < 5000; ++i) table.acquire("other/" + std::to_string(i));
    EXPECT_EQ(text, "here");
}

TEST(FilterTable, ReleaseOfWhatIsNotHeldStopsTheProcess) {
    FilterTable table{HashKey{}};
    const FilterId id = table.acquire("a");
    table.release(id);
    EXPECT_DEATH(table.release(id), "broken");
    EXPECT_DEATH(table.release(FilterId{9}), "broken");
}

/// @param bits_max  0: beyond the shapes there is the trie alone
void go_beyond_the_shapes_and_come_back(uint32_t bits_max) {
    SCOPED_TRACE(bits_max);
    FilterTable table{HashKey{}, bits_max};
    std::vector<FilterId> ids;
    const auto filters = all_shapes(8);
    for (const auto& filter : filters) ids.push_back(table.acquire(filter));
    const size_t beyond = 255 - ShapeSet::kShapesMax;
    EXPECT_EQ(table.bits_size(), std::min<size_t>(beyond, bits_max));
    EXPECT_EQ(table.trie_size(), beyond - table.bits_size());
    EXPECT_THAT(matched(table, "x/a/a/a/a/a/a/a/a"), UnorderedElementsAreArray(filters));
    for (size_t i = 0; i < 230; ++i) table.release(ids[i]);
    EXPECT_THAT(matched(table, "x/a/a/a/a/a/a/a/a"),
                UnorderedElementsAreArray(filters.begin() + 230, filters.end()));
    for (int i = 0; i < 200; ++i) table.release(table.acquire("y"));
    EXPECT_EQ(table.trie_size() + table.bits_size(), 0u);
    EXPECT_THAT(matched(table, "x/a/a/a/a/a/a/a/a"),
                UnorderedElementsAreArray(filters.begin() + 230, filters.end()));
}

TEST(FilterTable, ShapesBeyondTheRoomGoElsewhereAndComeBack) {
    go_beyond_the_shapes_and_come_back(0);
    go_beyond_the_shapes_and_come_back(100);
    go_beyond_the_shapes_and_come_back(FilterBits::kFiltersMax);
}

TEST(FilterTable, WhatIsInTheTrieFollowsWhereThereAreBits) {
    FilterTable table{HashKey{}, 100};
    std::vector<FilterId> ids;
    const auto filters = all_shapes(8);
    for (const auto& filter : filters) ids.push_back(table.acquire(filter));
    for (size_t i = 64; i < 140; ++i) table.release(ids[i]);  // of those that are bits
    EXPECT_GT(table.trie_size(), 0u);
    for (int i = 0; i < 200; ++i) table.release(table.acquire("y"));
    EXPECT_GE(table.bits_size(), 75u);
    EXPECT_EQ(table.bits_size() + table.trie_size(), 255u - 64 - 76);
    std::vector<std::string> held(filters.begin(), filters.begin() + 64);
    held.insert(held.end(), filters.begin() + 140, filters.end());
    EXPECT_THAT(matched(table, "x/a/a/a/a/a/a/a/a"), UnorderedElementsAreArray(held));
}

TEST(FilterTable, AThousandShapesAreToldApart) {
    FilterTable table{HashKey{}};
    std::vector<std::string> filters;
    for (const auto& filter : all_shapes(10)) {
        filters.push_back(filter + "/z");
        table.acquire(filters.back());
        table.acquire(filter + "/y/#");
    }
    EXPECT_EQ(table.bits_size(), FilterBits::kFiltersMax);
    EXPECT_GT(table.trie_size(), 0u);
    EXPECT_THAT(matched(table, "x/a/a/a/a/a/a/a/a/a/a/z"), UnorderedElementsAreArray(filters));
    EXPECT_EQ(matched(table, "x/a/a/a/a/a/a/a/a/a/a/y/1/2").size(), 1023u + 1);
    EXPECT_THAT(matched(table, "x/b/b/b/b/b/b/b/b/b/b/z"), ElementsAre("x/+/+/+/+/+/+/+/+/+/+/z"));
    EXPECT_THAT(matched(table, "x/a/a/a/a/a/a/a/a/a/a/w"), IsEmpty());
    EXPECT_THAT(matched(table, "$x/a/a/a/a/a/a/a/a/a/a/z"), IsEmpty());
}

TEST(FilterTable, OneShapeComeAndGoneAtTheLimitMovesNothing) {
    FilterTable table{HashKey{}, 0};
    std::vector<FilterId> ids;
    for (const auto& filter : all_shapes(7)) ids.push_back(table.acquire(filter));
    const size_t in_trie = table.trie_size();
    for (int i = 0; i < 100; ++i) {
        table.release(ids[1]);
        ids[1] = table.acquire("+/#");
    }
    EXPECT_EQ(table.trie_size(), in_trie);
}

TEST(FilterTable, DeepFiltersAreFound) {
    FilterTable table{HashKey{}};
    const std::string name(65535, '/');
    std::string plus = "+";
    while (plus.size() < 65535) plus += "/+";
    std::string nearly = plus;
    nearly.replace(nearly.size() - 1, 1, "a");
    const FilterId deep = table.acquire(std::string(65534, '/') + "#");
    const FilterId exact = table.acquire(name);
    const FilterId pluses = table.acquire(plus);
    const FilterId other = table.acquire(nearly);
    std::vector<FilterId> out;
    table.match(name, out);
    EXPECT_THAT(out, UnorderedElementsAre(deep, exact));
    out.clear();
    table.match(std::string(32767, '/'), out);
    EXPECT_THAT(out, ElementsAre(pluses));
    for (const FilterId id : {deep, pluses, exact, other}) table.release(id);
    EXPECT_EQ(table.trie_size(), 0u);
}

TEST(FilterTable, NamesDeeperThanAnyFilterMeetHashOnly) {
    FilterTable table{HashKey{}};
    for (const char* filter : {"a/#", "a/b", "a/+", "a/b/#"}) table.acquire(filter);
    EXPECT_THAT(matched(table, "a/b/c/d/e/f"), UnorderedElementsAre("a/#", "a/b/#"));
}

TEST(FilterTable, SameKeySameCallsSameOrder) {
    const auto run = [](HashKey key) {
        FilterTable table{key};
        std::vector<FilterId> out;
        for (const auto& filter : all_shapes(7)) table.acquire(filter);
        table.match("x/a/a/a/a/a/a/a", out);
        return out;
    };
    EXPECT_EQ(run(HashKey{1, 2}), run(HashKey{1, 2}));
}

TEST(FilterTable, MemoryComesBackAndStaysSmall) {
    FilterTable table{HashKey{}};
    const size_t empty_bytes = table.memory_bytes();
    std::vector<FilterId> ids;
    size_t text_bytes = 0;
    for (int i = 0; i < 20000; ++i) {
        const std::string filter = "site/" + std::to_string(i) + "/+/temperature";
        text_bytes += filter.size();
        ids.push_back(table.acquire(filter));
    }
    EXPECT_LT(table.memory_bytes() - text_bytes, 20000u * 45);
    for (const FilterId id : ids) table.release(id);
    EXPECT_LT(table.memory_bytes(), empty_bytes + 20000 * 16);
}

// --- against brute force ---

/// Small alphabets, so that names and filters meet often.
class Churn {
public:
    Churn(uint64_t seed, uint32_t bits_max)
        : random_(seed), table_(HashKey{seed, ~seed}, bits_max) {}

    /// `deep`: many levels, so that there are more shapes than room.
    void step(bool deep, uint64_t held_max) {
        if (held_.size() < held_max && random_.below(5) > 0) {
            acquire(filter(deep));
        } else if (!held_.empty()) {
            release(size_t(random_.below(held_.size())));
        }
        if (random_.below(4) == 0) check(name(deep));
    }

    void check(const std::string& name) {
        std::vector<std::string> expected;
        for (const auto& [filter, entry] : counts_)
            if (matches(filter, name)) expected.push_back(filter);
        ASSERT_THAT(matched(table_, name), UnorderedElementsAreArray(expected)) << name;
        ASSERT_EQ(table_.size(), counts_.size());
        const size_t beyond = table_.trie_size() + table_.bits_size();
        crossed_limit_ |= beyond > 1;
        returned_ |= crossed_limit_ && beyond == 0;
    }
    bool crossed_limit() const { return crossed_limit_; }
    bool returned() const { return returned_; }

private:
    struct Entry {
        FilterId id;
        int count = 0;
    };

    void acquire(const std::string& filter) {
        ASSERT_TRUE(parse_plain_filter(filter)) << filter;
        const FilterId id = table_.acquire(filter);
        Entry& entry = counts_[filter];
        if (entry.count++ == 0) entry.id = id;
        ASSERT_EQ(entry.id, id);
        ASSERT_LT(id.value, table_.slot_count());
        held_.push_back(filter);
    }
    void release(size_t at) {
        std::swap(held_[at], held_.back());
        const auto entry = counts_.find(held_.back());
        ASSERT_EQ(table_.text(entry->second.id), held_.back());
        table_.release(entry->second.id);
        ASSERT_EQ(table_.find(held_.back()).has_value(), --entry->second.count > 0);
        if (entry->second.count == 0) counts_.erase(entry);
        held_.pop_back();
    }
    std::string level() {
        static constexpr const char* kLevels[] = {"", "a", "b", "$s", "long-level-name"};
        return kLevels[random_.below(5)];
    }
    std::string name(bool deep) {
        const uint64_t levels = 1 + random_.below(deep ? 9 : 4);
        std::string name = level();
        for (uint64_t i = 1; i < levels; ++i) name += "/" + level();
        return name.empty() ? "a" : name;
    }
    std::string filter(bool deep) {
        const uint64_t levels = 1 + random_.below(deep ? 9 : 4);
        std::string filter;
        for (uint64_t i = 0; i < levels; ++i) {
            if (i > 0) filter += '/';
            filter += random_.below(3) == 0 ? "+" : level();
        }
        if (random_.below(4) == 0) return filter + "/#";
        if (random_.below(50) == 0) return "#";
        if (random_.below(100) == 0) return filter + std::string(40, '/') + "+";
        return filter.empty() ? "a" : filter;
    }

    Random random_;
    FilterTable table_;
    std::map<std::string, Entry> counts_;
    std::vector<std::string> held_;
    bool crossed_limit_ = false;
    bool returned_ = false;
};

TEST(FilterTable, FindsWhatBruteForceFindsUnderChurn) {
    int crossed = 0;
    int returned = 0;
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Churn churn(seed, seed % 3 == 0 ? 0 : seed % 3 == 1 ? 40 : FilterBits::kFiltersMax);
        for (int phase = 0; phase < 6; ++phase) {
            const bool deep = phase % 2 == 1;
            for (int i = 0; i < 400 && !testing::Test::HasFatalFailure(); ++i)
                churn.step(deep, deep ? 300 : 40);
        }
        crossed += churn.crossed_limit();
        returned += churn.returned();
    }
    EXPECT_EQ(crossed, 12);
    EXPECT_GT(returned, 0);
}

}  // namespace
}  // namespace godwit::topic
