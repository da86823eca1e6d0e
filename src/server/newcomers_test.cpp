#include "server/newcomers.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace godwit::server {
namespace {

ConnectionId connection(uint32_t slot) {
    return {slot, 1};
}

class NewcomersTest : public ::testing::Test {
protected:
    void add(uint32_t slot) { newcomers_.add(connection(slot), Instant(Duration(slot)), is_new_); }
    /// Its slot; -1: none.
    int oldest(size_t kept = 0) {
        const auto id = newcomers_.take_oldest(kept, is_new_);
        return id ? int(id->slot) : -1;
    }
    std::set<uint32_t> known_;
    const std::function<bool(ConnectionId)> is_new_ = [this](ConnectionId id) {
        return known_.count(id.slot) == 0;
    };
    Newcomers newcomers_;
};

TEST_F(NewcomersTest, MakeRoomInTheOrderTheyCame) {
    for (uint32_t i = 0; i < 3; ++i) add(i);
    EXPECT_EQ(oldest(), 0);
    EXPECT_EQ(oldest(), 1);
    EXPECT_EQ(oldest(), 2);
    EXPECT_EQ(oldest(), -1);
}

TEST_F(NewcomersTest, WhoHasSaidWhoHeIsStays) {
    for (uint32_t i = 0; i < 4; ++i) add(i);
    known_ = {0, 2};
    EXPECT_EQ(oldest(), 1);
    EXPECT_EQ(oldest(), 3);
    EXPECT_EQ(oldest(), -1);
}

TEST_F(NewcomersTest, AFewMayStay) {
    for (uint32_t i = 0; i < 6; ++i) add(i);
    known_ = {1, 2};
    EXPECT_EQ(oldest(3), 0);
    EXPECT_EQ(oldest(3), -1) << "3, 4 and 5 are no more than may stay";
    EXPECT_EQ(oldest(2), 3);
}

TEST_F(NewcomersTest, TellWhenTheOldestCame) {
    EXPECT_EQ(newcomers_.oldest(0), kNever);
    for (uint32_t i = 5; i < 9; ++i) add(i);
    EXPECT_EQ(newcomers_.oldest(3), Instant(Duration(5)));
    EXPECT_EQ(newcomers_.oldest(4), kNever);
    known_ = {5};
    add(9);
    EXPECT_EQ(newcomers_.oldest(3), Instant(Duration(6)));
}

TEST_F(NewcomersTest, KeepNoMoreThanTwiceWhatIsNew) {
    add(0);  // never says who it is
    for (uint32_t i = 1; i < 100'000; ++i) {
        add(i);
        known_.insert(i);
        ASSERT_LE(newcomers_.size(), Newcomers::kSweepMin);
    }
    EXPECT_EQ(oldest(), 0);
    EXPECT_EQ(oldest(), -1);
}

}  // namespace
}  // namespace godwit::server
