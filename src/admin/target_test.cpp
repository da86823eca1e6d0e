#include "admin/target.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::admin {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(Target, IsCutAtItsSlashes) {
    const auto target = parse_target("/api/clients/c1");
    ASSERT_TRUE(target);
    EXPECT_THAT(target->path, ElementsAre("api", "clients", "c1"));
    EXPECT_THAT(target->query, ElementsAre());
    EXPECT_THAT(parse_target("/")->path, ElementsAre(""));
    EXPECT_THAT(parse_target("/a/")->path, ElementsAre("a", ""));
}

TEST(Target, MayNameAnything) {
    const auto target = parse_target("/api/clients/a%2Fb%3f%C3%a4%00+");
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path.at(2), std::string("a/b?\xc3\xa4\0+", 8));
}

TEST(Target, HasAQuery) {
    const auto target = parse_target("/metrics?realm=a%26b&x&y=1=2&realm=second");
    ASSERT_TRUE(target);
    EXPECT_THAT(target->path, ElementsAre("metrics"));
    EXPECT_THAT(target->query, ElementsAre(Pair("realm", "a&b"), Pair("x", ""), Pair("y", "1=2"),
                                           Pair("realm", "second")));
    EXPECT_EQ(target->value("realm", "default"), "a&b");
    EXPECT_EQ(target->value("other", "default"), "default");
}

TEST(Target, IsNothingElse) {
    for (const char* text :
         {"", "*", "metrics", "http://a/b", "/%", "/%4", "/%zz", "/% 4", "/%-1", "/?a=%", "/?%=a"})
        EXPECT_FALSE(parse_target(text)) << text;
}

}  // namespace
}  // namespace godwit::admin
