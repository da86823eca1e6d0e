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

std::vector<std::string> matched(const FilterTable& table, std::string_view name) {
    std::vector<FilterId> ids;
    table.match(name, ids);
    std::vector<std::string> texts;
    for (const FilterId id : ids) texts.emplace_back(table.text(id));
    return texts;
}

TEST(FilterTable, FindsExactPlusAndHashFilters) {
    FilterTable table{HashKey{}};
    for (const char* filter : {"a/b/c", "a/+/c", "a/#", "#", "+/b/c", "a/b", "b/#"})
        table.acquire(filter);
    EXPECT_THAT(matched(table, "a/b/c"),
                UnorderedElementsAre("a/b/c", "a/+/c", "a/#", "#", "+/b/c"));
    EXPECT_THAT(matched(table, "a"), UnorderedElementsAre("a/#", "#"));
}

}  // namespace
}  // namespace godwit::topic
