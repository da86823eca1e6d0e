#include "broker/keeping/log_conditions.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using std::chrono::milliseconds;
using store::Condition;

TEST(LogConditions, AreAsBadAsTheWorstOfAllShards) {
    LogConditions logs;
    EXPECT_TRUE(logs.all_good());
    logs.set({3}, Condition::Full);
    logs.set({63}, Condition::Behind);
    EXPECT_EQ(logs.worst(), Condition::Full);
    logs.set({0}, Condition::Broken);
    EXPECT_EQ(logs.worst(), Condition::Broken);
    logs.set({0}, Condition::Good);
    logs.set({3}, Condition::Good);
    EXPECT_EQ(logs.worst(), Condition::Behind);
    EXPECT_FALSE(logs.all_good());
    logs.set({63}, Condition::Good);
    EXPECT_TRUE(logs.all_good());
}

class SteadyConditionTest : public ::testing::Test {
protected:
    bool update(Condition is) { return steady_.update(is, now_); }
    SteadyCondition steady_;
    Instant now_{std::chrono::hours(1)};
};

TEST_F(SteadyConditionTest, TellsAtOnceWhatIsWorse) {
    EXPECT_FALSE(update(Condition::Good));
    EXPECT_TRUE(update(Condition::Full));
    EXPECT_EQ(steady_.told(), Condition::Full);
    EXPECT_FALSE(update(Condition::Full));
    EXPECT_TRUE(update(Condition::Broken));
    EXPECT_EQ(steady_.told(), Condition::Broken);
    EXPECT_EQ(steady_.next_deadline(), std::nullopt);
}

TEST_F(SteadyConditionTest, TellsWhatIsBetterWhenItHasBeenSoForAWhile) {
    update(Condition::Broken);
    EXPECT_FALSE(update(Condition::Good));
    ASSERT_EQ(steady_.next_deadline(), now_ + SteadyCondition::kCalm);
    now_ += SteadyCondition::kCalm - milliseconds(1);
    EXPECT_FALSE(update(Condition::Good));
    now_ += milliseconds(1);
    EXPECT_TRUE(update(Condition::Good));
    EXPECT_EQ(steady_.told(), Condition::Good);
    EXPECT_EQ(steady_.next_deadline(), std::nullopt);
}

TEST_F(SteadyConditionTest, StaysAsItIsWhileTheLogGoesBackAndForth) {
    update(Condition::Broken);
    for (int i = 0; i < 100; ++i) {
        now_ += milliseconds(50);
        EXPECT_FALSE(update(i % 2 == 0 ? Condition::Good : Condition::Broken)) << i;
    }
    EXPECT_EQ(steady_.next_deadline(), std::nullopt) << "it is broken at last";
}

TEST_F(SteadyConditionTest, WaitsForNothingWhereTheLogIsNotBehindAnyMore) {
    EXPECT_TRUE(update(Condition::Behind));
    EXPECT_TRUE(update(Condition::Good));
}

}  // namespace
}  // namespace godwit::broker
