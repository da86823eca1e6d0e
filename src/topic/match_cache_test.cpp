#include "topic/match_cache.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace godwit::topic {
namespace {

std::vector<FilterId> sorted(std::span<const FilterId> filters) {
    std::vector<FilterId> out(filters.begin(), filters.end());
    std::ranges::sort(out);
    return out;
}

std::vector<FilterId> asked_directly(const FilterTable& table, std::string_view name) {
    std::vector<FilterId> found;
    table.match(name, found);
    return sorted(found);
}

TEST(MatchCache, AnswersAsTheTableDoesWhateverComesAndGoes) {
    FilterTable table{HashKey{1, 2}};
    MatchCache cache;
    Random random(7);
    std::vector<FilterId> held;
    const auto name = [&] {
        return "site/" + std::to_string(random.below(300)) + "/" + std::to_string(random.below(2));
    };
    for (int step = 0; step < 50'000; ++step) {
        if (random.below(50) == 0) held.push_back(table.acquire(name()));
        if (random.below(200) == 0) held.push_back(table.acquire("site/+/1"));
        if (!held.empty() && random.below(60) == 0) {
            std::swap(held[random.below(held.size())], held.back());
            table.release(held.back());
            held.pop_back();
        }
        const std::string asked = name();
        ASSERT_EQ(sorted(cache.match(table, asked)), asked_directly(table, asked)) << asked;
    }
}

/// Of names with numbers in them, as devices have: how many stand in a place of their own.
size_t places_of(const std::string& before, const std::string& after) {
    constexpr uint32_t kNames = 1000;
    FilterTable table{HashKey{1, 2}};
    MatchCache cache;
    std::unordered_set<const void*> places;
    for (int again = 0; again < 20; ++again) {
        places.clear();
        for (uint32_t i = 0; i < kNames; ++i) {
            const std::string digits = std::to_string(kNames + i).substr(1);
            places.insert(cache.match(table, before + digits + after).data());
        }
    }
    return places.size();
}

TEST(MatchCache, NamesThatDifferInANumberStandApart) {
    const std::string fill = "plant/line/of/pumps/";
    for (size_t begin = 0; begin < fill.size(); begin += 3)
        for (size_t end = 0; end < fill.size(); end += 4)
            EXPECT_GT(places_of(fill.substr(begin), fill.substr(0, end)), 600u)
                << "numbers behind '" << fill.substr(begin) << "', before '" << fill.substr(0, end)
                << "'";
}

TEST(MatchCache, ANameThatIsTooLongIsAnsweredAllTheSame) {
    FilterTable table{HashKey{1, 2}};
    MatchCache cache;
    for (const size_t bytes : {MatchCache::kNameBytesMax, MatchCache::kNameBytesMax + 1,
                               MatchCache::kLastNameBytesMax, MatchCache::kLastNameBytesMax + 1}) {
        const std::string name(bytes, 'a');
        const FilterId id = table.acquire(name);
        EXPECT_EQ(sorted(cache.match(table, name)), std::vector{id});
        const bool is_known = bytes <= MatchCache::kLastNameBytesMax;
        EXPECT_EQ(cache.last_name(), is_known ? std::string_view(name) : std::string_view());
        table.release(id);
        EXPECT_TRUE(cache.match(table, name).empty());
    }
}

TEST(MatchCache, MoreFiltersThanItKeepsAreAnsweredAllTheSame) {
    FilterTable table{HashKey{1, 2}};
    MatchCache cache;
    std::string name = "0/1/2/3/4/5/6";
    for (uint32_t mask = 0; mask < 128; ++mask) {
        std::string filter = name;
        for (uint32_t level = 0; level < 7; ++level)
            if (mask >> level & 1) filter[level * 2] = '+';
        table.acquire(filter);
    }
    for (int again = 0; again < 2; ++again) EXPECT_EQ(cache.match(table, name).size(), 128u);
}

}  // namespace
}  // namespace godwit::topic
