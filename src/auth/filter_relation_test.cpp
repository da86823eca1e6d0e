#include "auth/filter_relation.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "topic/filter.h"

namespace godwit::auth {
namespace {

TEST(Covers, EqualFiltersCoverEachOther) {
    for (const auto* filter :
         {"a", "a/b", "/", "a//b", "+", "#", "a/+", "a/#", "+/+/b/#", "$SYS/#"})
        EXPECT_TRUE(covers(filter, filter)) << filter;
}

TEST(Covers, HashCoversItsParentAndEverythingBelow) {
    for (const auto* filter : {"a", "a/b", "a/b/c", "a/+", "a/+/c", "a/#", "a/b/#", "a/"})
        EXPECT_TRUE(covers("a/#", filter)) << filter;
    for (const auto* filter : {"#", "+", "+/b", "+/#", "b", "ab", "/a"})
        EXPECT_FALSE(covers("a/#", filter)) << filter;
}

TEST(Covers, PlusCoversOneLevelAndNoHash) {
    EXPECT_TRUE(covers("a/+", "a/b"));
    EXPECT_TRUE(covers("a/+", "a/"));
    EXPECT_TRUE(covers("a/+", "a/+"));
    EXPECT_TRUE(covers("+/+", "/b"));
    EXPECT_FALSE(covers("a/+", "a"));
    EXPECT_FALSE(covers("a/+", "a/b/c"));
    EXPECT_FALSE(covers("a/+", "a/#"));
    EXPECT_FALSE(covers("+", "#"));
}

TEST(Covers, ALiteralCoversNoWildcard) {
    EXPECT_FALSE(covers("a/b", "a/+"));
    EXPECT_FALSE(covers("a/b", "a/#"));
    EXPECT_FALSE(covers("a", "a/#"));
}

TEST(Covers, PlusHashIsAsWideAsHash) {
    EXPECT_TRUE(covers("+/#", "#"));
    EXPECT_TRUE(covers("#", "+/#"));
    EXPECT_FALSE(covers("a/+/#", "a/#"));  // "a" is matched by the right one alone
}

TEST(Covers, TheEmptyParentIsNoName) {
    EXPECT_TRUE(covers("/+/#", "/#"));
    EXPECT_TRUE(covers("+/+/#", "/#"));
    EXPECT_FALSE(overlaps("+", "/#"));
}

TEST(Covers, WildcardsDoNotCoverDollarTopics) {
    EXPECT_FALSE(covers("#", "$SYS/#"));
    EXPECT_FALSE(covers("+/x", "$SYS/x"));
    EXPECT_TRUE(covers("$SYS/#", "$SYS/broker/+"));
    EXPECT_TRUE(covers("a/#", "a/$b"));
}

TEST(Overlaps, WhereOneNameIsMatchedByBoth) {
    EXPECT_TRUE(overlaps("a/+", "+/b"));
    EXPECT_TRUE(overlaps("a", "a/#"));
    EXPECT_TRUE(overlaps("#", "a/b/c"));
    EXPECT_TRUE(overlaps("a/+/c", "a/#"));
    EXPECT_TRUE(overlaps("a/+", "a/#"));
    EXPECT_TRUE(overlaps("$SYS/#", "$SYS/+"));
}

TEST(Overlaps, NotWhereNoNameCanBe) {
    EXPECT_FALSE(overlaps("a/+", "b/#"));
    EXPECT_FALSE(overlaps("a", "a/+"));
    EXPECT_FALSE(overlaps("a/b", "a/b/c"));
    EXPECT_FALSE(overlaps("#", "$SYS/x"));
    EXPECT_FALSE(overlaps("$SYS/#", "#"));
    EXPECT_FALSE(overlaps("+/x", "$SYS/x"));
}

/// Every text of one to three levels out of the given ones.
std::vector<std::string> combinations(const std::vector<std::string>& levels) {
    std::vector<std::string> all;
    for (const auto& a : levels) {
        all.push_back(a);
        for (const auto& b : levels) {
            all.push_back(a + "/" + b);
            for (const auto& c : levels) all.push_back(a + "/" + b + "/" + c);
        }
    }
    return all;
}

std::vector<std::string> all_filters() {
    std::vector<std::string> filters;
    for (auto& filter : combinations({"a", "b", "$d", "", "+", "#"})) {
        const size_t hash = filter.find('#');
        if (!filter.empty() && (hash == std::string::npos || hash == filter.size() - 1))
            filters.push_back(std::move(filter));
    }
    return filters;
}

std::vector<std::string> all_names() {
    std::vector<std::string> names;
    // "x" and a fourth level are in no filter: what only wildcards reach.
    for (const auto& name : combinations({"a", "b", "$d", "", "x"})) {
        if (!name.empty()) names.push_back(name);
        names.push_back(name + "/x");
    }
    return names;
}

TEST(FilterRelation, AgreesWithMatchingOnEverySmallCase) {
    const auto filters = all_filters();
    const auto names = all_names();
    std::vector<std::vector<bool>> matched(filters.size());
    for (size_t i = 0; i < filters.size(); ++i)
        for (const auto& name : names) matched[i].push_back(topic::matches(filters[i], name));

    for (size_t i = 0; i < filters.size(); ++i) {
        for (size_t j = 0; j < filters.size(); ++j) {
            bool common = false;
            bool left_out = false;
            for (size_t n = 0; n < names.size(); ++n) {
                common = common || (matched[i][n] && matched[j][n]);
                left_out = left_out || (matched[j][n] && !matched[i][n]);
            }
            EXPECT_EQ(overlaps(filters[i], filters[j]), common) << filters[i] << " " << filters[j];
            EXPECT_EQ(covers(filters[i], filters[j]), !left_out) << filters[i] << " " << filters[j];
        }
    }
}

}  // namespace
}  // namespace godwit::auth
