#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace godwit {
namespace {

enum class Fault : uint8_t { Small, Large };

Result<int, Fault> half(int number) {
    if (number % 2 != 0) return Err{Fault::Small};
    return number / 2;
}

TEST(Result, HoldsAValueOrTheReasonWhyThereIsNone) {
    const auto good = half(8);
    ASSERT_TRUE(good);
    EXPECT_TRUE(good.has_value());
    EXPECT_EQ(*good, 4);
    const auto bad = half(7);
    EXPECT_FALSE(bad);
    EXPECT_FALSE(bad.has_value());
    EXPECT_EQ(bad.error(), Fault::Small);
}

TEST(Result, KeepsValueAndErrorApartWhenTheyAreOfOneType) {
    const Result<std::string, std::string> good(std::string("x"));
    const Result<std::string, std::string> bad(Err{std::string("x")});
    EXPECT_TRUE(good);
    EXPECT_FALSE(bad);
    EXPECT_EQ(good.value(), bad.error());
}

TEST(Result, ConvertsTheErrorOnItsWayOut) {
    const Result<Done, std::string> bad = Err{"a plain text"};
    EXPECT_EQ(bad.error(), "a plain text");
}

TEST(Result, MovesAValueThatCannotBeCopied) {
    Result<std::unique_ptr<int>, Fault> made(std::make_unique<int>(5));
    const std::unique_ptr<int> taken = std::move(*made);
    EXPECT_EQ(*taken, 5);
}

TEST(Result, LetsItsValueBeChangedAndItsMembersBeReached) {
    Result<std::string, Fault> text(std::string("go"));
    *text += "dwit";
    EXPECT_EQ(text->size(), 6u);
    EXPECT_EQ(text.value(), "godwit");
}

TEST(ResultDeathTest, StopsWhereTheWrongSideIsAskedFor) {
    EXPECT_DEATH((void)half(7).value(), "result.h:.*broken");
    EXPECT_DEATH((void)half(8).error(), "result.h:.*broken");
}

TEST(AssertDeathTest, NamesFileLineAndWhatWasToHold) {
    const int legs = 3;
    EXPECT_DEATH(GW_ASSERT(legs == 4), "result_test.cpp:[0-9]+: broken: legs == 4");
    GW_ASSERT(legs == 3);
}

}  // namespace
}  // namespace godwit
