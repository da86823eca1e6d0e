#include "base/nearest.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit {
namespace {

TEST(EditDistance, CountsInsertionsDeletionsReplacementsAndSwaps) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("abc", "abc"), 0u);
    EXPECT_EQ(edit_distance("abc", "abd"), 1u);
    EXPECT_EQ(edit_distance("abc", "acb"), 1u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(Nearest, IsTheWordThatWasMeant) {
    constexpr std::string_view kKnown[] = {"log_level", "log_format", "log_file", "shards"};
    EXPECT_EQ(nearest("log_levle", kKnown), "log_level");
    EXPECT_EQ(nearest("loglevel", kKnown), "log_level");
    EXPECT_EQ(nearest("shard", kKnown), "shards");
    EXPECT_EQ(nearest("SHARDS", kKnown), std::nullopt);
}

TEST(Nearest, IsNothingWhenNothingIsNear) {
    constexpr std::string_view kKnown[] = {"log_level", "url"};
    EXPECT_EQ(nearest("banana", kKnown), std::nullopt);
    EXPECT_EQ(nearest("", kKnown), std::nullopt);
    EXPECT_EQ(nearest(std::string(100'000, 'x'), kKnown), std::nullopt);
    EXPECT_EQ(nearest("x", {}), std::nullopt);
}

}  // namespace
}  // namespace godwit
