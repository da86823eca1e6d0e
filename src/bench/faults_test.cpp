#include "bench/faults.h"

#include <gtest/gtest.h>

namespace godwit::bench {
namespace {

TEST(Faults, CountsEachKindAndKeepsEachSentenceOnce) {
    Faults faults;
    EXPECT_FALSE(faults.any());
    faults.add(Fault::Lost, "gone");
    faults.add(Fault::Lost, "gone");
    faults.add(Fault::Denied, "no");
    EXPECT_TRUE(faults.any());
    EXPECT_FALSE(faults.is_hopeless());
    EXPECT_EQ(faults.count(Fault::Lost), 2u);
    ASSERT_EQ(faults.sentences().size(), 2u);
    EXPECT_EQ(faults.sentences()[0].second, 2u);
}

TEST(Faults, TakesInThoseOfAnotherThread) {
    Faults faults, others;
    faults.add(Fault::Lost, "gone");
    others.add(Fault::Lost, "gone");
    others.add(Fault::Lost, "gone");
    others.add(Fault::NoConnection, "nobody there");
    faults.add(others);
    EXPECT_TRUE(faults.is_hopeless());
    EXPECT_EQ(faults.count(Fault::Lost), 3u);
    ASSERT_EQ(faults.sentences().size(), 2u);
    EXPECT_EQ(faults.sentences()[0].second, 3u);
    EXPECT_EQ(faults.sentences()[1].first, "nobody there");
}

}  // namespace
}  // namespace godwit::bench
