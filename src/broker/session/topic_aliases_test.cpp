#include "broker/session/topic_aliases.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

TEST(AliasesIn, RememberTheTopicThatCameWithTheAlias) {
    AliasesIn aliases;
    EXPECT_EQ(*aliases.resolve(1, "a/b", 10), "a/b");
    EXPECT_EQ(*aliases.resolve(1, "", 10), "a/b");
    EXPECT_EQ(*aliases.resolve(1, "", 10), "a/b");
}

TEST(AliasesIn, TakeTheLastTopicOfAnAlias) {
    AliasesIn aliases;
    (void)aliases.resolve(3, "old", 10);
    EXPECT_EQ(*aliases.resolve(3, "new", 10), "new");
    EXPECT_EQ(*aliases.resolve(3, "", 10), "new");
}

TEST(AliasesIn, LetTwoAliasesStandForOneTopic) {
    AliasesIn aliases;
    (void)aliases.resolve(1, "t", 10);
    (void)aliases.resolve(2, "t", 10);
    EXPECT_EQ(*aliases.resolve(1, "", 10), "t");
    EXPECT_EQ(*aliases.resolve(2, "", 10), "t");
}

// [MQTT5-3.3.2-8] [MQTT5-3.3.2-9]
TEST(AliasesIn, RefuseZeroAndWhatIsAboveTheMaximum) {
    AliasesIn aliases;
    EXPECT_EQ(aliases.resolve(0, "t", 10).error(), AliasError::OutOfRange);
    EXPECT_TRUE(aliases.resolve(10, "t", 10));
    EXPECT_EQ(aliases.resolve(11, "t", 10).error(), AliasError::OutOfRange);
    EXPECT_EQ(aliases.resolve(1, "t", 0).error(), AliasError::OutOfRange);
    EXPECT_TRUE(aliases.resolve(65535, "t", 65535));
}

TEST(AliasesIn, RefuseAnAliasThatStandsForNothing) {
    AliasesIn aliases;
    EXPECT_EQ(aliases.resolve(5, "", 10).error(), AliasError::Unknown);
    EXPECT_TRUE(aliases.resolve(5, "t", 10));
    EXPECT_EQ(aliases.resolve(4, "", 10).error(), AliasError::Unknown);  // below one that is known
    EXPECT_EQ(aliases.resolve(6, "", 10).error(), AliasError::Unknown);
}

TEST(AliasesOut, SendTheTopicOnceWithItsAliasThenTheAliasAlone) {
    AliasesOut aliases;
    aliases.set_maximum(2);
    const auto first = aliases.use("a");
    EXPECT_EQ(first.alias, 1);
    EXPECT_TRUE(first.send_topic);
    const auto again = aliases.use("a");
    EXPECT_EQ(again.alias, 1);
    EXPECT_FALSE(again.send_topic);
    EXPECT_EQ(aliases.use("b").alias, 2);
}

TEST(AliasesOut, MakeNoMoreThanTheClientAllows) {
    AliasesOut aliases;
    aliases.set_maximum(1);
    EXPECT_EQ(aliases.use("a").alias, 1);
    EXPECT_EQ(aliases.use("b").alias, 0);
    EXPECT_TRUE(aliases.use("b").send_topic);
    EXPECT_EQ(aliases.use("a").alias, 1);
}

TEST(AliasesOut, AreNoneForAClientThatAllowsNone) {
    AliasesOut aliases;
    EXPECT_EQ(aliases.use("a").alias, 0);
    EXPECT_TRUE(aliases.use("a").send_topic);
}

TEST(AliasesOut, BeginAnewWhereThePacketWasNotSent) {
    AliasesOut aliases;
    aliases.set_maximum(2);
    EXPECT_EQ(aliases.use("a").alias, 1);
    EXPECT_EQ(aliases.use("big").alias, 2);
    aliases.undo("big");
    const auto other = aliases.use("b");
    EXPECT_EQ(other.alias, 2);
    EXPECT_TRUE(other.send_topic);
    EXPECT_FALSE(aliases.use("a").send_topic);
}

}  // namespace
}  // namespace godwit::broker
