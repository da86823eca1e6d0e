#include "os/poller.h"

#include "os/clock.h"
#include "os/test_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <thread>

namespace godwit::os {
namespace {

struct SocketPair {
    Fd near;
    Fd far;
};
SocketPair make_pair() {
    int fds[2] = {-1, -1};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    return {Fd(fds[0]), Fd(fds[1])};
}

class PollerTest : public testing::Test {
protected:
    std::span<const PollEvent> look() { return poller_.wait(Duration::zero(), room_); }
    void make_readable() { ASSERT_EQ(::write(pair_.far.get(), "x", 1), 1); }

    Poller poller_ = Poller::open().value();
    SocketPair pair_ = make_pair();
    std::array<PollEvent, 8> room_;
};

TEST_F(PollerTest, ReportsTheTokenOfWhatIsReadableUntilItIsRead) {
    ASSERT_TRUE(poller_.add(pair_.near.get(), 0xffff'ffff'0000'0007, Interest::Read));
    EXPECT_TRUE(look().empty());
    make_readable();
    for (int round = 0; round < 2; ++round) {
        const auto events = look();
        ASSERT_EQ(events.size(), 1u);
        EXPECT_EQ(events[0].token, 0xffff'ffff'0000'0007);
        EXPECT_TRUE(events[0].readable);
        EXPECT_FALSE(events[0].writable);
        EXPECT_FALSE(events[0].hangup);
    }
    char byte;
    ASSERT_EQ(::read(pair_.near.get(), &byte, 1), 1);
    EXPECT_TRUE(look().empty());
}

TEST_F(PollerTest, ReportsWritableOnlyToThoseWhoAsk) {
    ASSERT_TRUE(poller_.add(pair_.near.get(), 1, Interest::Read));
    EXPECT_TRUE(look().empty());
    poller_.modify(pair_.near.get(), 2, Interest::ReadWrite);
    ASSERT_EQ(look().size(), 1u);
    EXPECT_EQ(room_[0].token, 2u);
    EXPECT_TRUE(room_[0].writable);
    EXPECT_FALSE(room_[0].readable);
}

TEST_F(PollerTest, WriteInterestHearsNothingOfReads) {
    make_readable();
    ASSERT_TRUE(poller_.add(pair_.near.get(), 1, Interest::Write));
    ASSERT_EQ(look().size(), 1u);
    EXPECT_TRUE(room_[0].writable);
    EXPECT_FALSE(room_[0].readable);
}

TEST_F(PollerTest, NoneHearsOnlyOfTheHangup) {
    make_readable();
    ASSERT_TRUE(poller_.add(pair_.near.get(), 1, Interest::None));
    EXPECT_TRUE(look().empty());
    pair_.far.reset();
    ASSERT_EQ(look().size(), 1u);
    EXPECT_TRUE(room_[0].hangup);
}

TEST_F(PollerTest, RemovedIsSilent) {
    make_readable();
    ASSERT_TRUE(poller_.add(pair_.near.get(), 1, Interest::Read));
    poller_.remove(pair_.near.get());
    EXPECT_TRUE(look().empty());
}

TEST_F(PollerTest, ClosedIsSilent) {
    make_readable();
    ASSERT_TRUE(poller_.add(pair_.near.get(), 1, Interest::Read));
    pair_.near.reset();
    EXPECT_TRUE(look().empty());
}

TEST_F(PollerTest, ExclusiveReportsAndCanBeRemovedAndAddedAgain) {
    make_readable();
    for (int round = 0; round < 2; ++round) {
        ASSERT_TRUE(poller_.add_exclusive(pair_.near.get(), 5));
        ASSERT_EQ(look().size(), 1u);
        EXPECT_EQ(room_[0].token, 5u);
        poller_.remove(pair_.near.get());
    }
}

TEST_F(PollerTest, FillsNoMoreThanTheRoomGiven) {
    make_readable();
    SocketPair other = make_pair();
    ASSERT_EQ(::write(other.far.get(), "x", 1), 1);
    ASSERT_TRUE(poller_.add(pair_.near.get(), 1, Interest::Read));
    ASSERT_TRUE(poller_.add(other.near.get(), 2, Interest::Read));
    EXPECT_EQ(poller_.wait(Duration::zero(), std::span(room_).first(1)).size(), 1u);
    EXPECT_EQ(look().size(), 2u);
}

TEST_F(PollerTest, ARegularFileIsRefused) {
    TestDirectory directory;
    const Fd file(::open(directory.path("f").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
    ASSERT_TRUE(file);
    const auto added = poller_.add(file.get(), 1, Interest::Read);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, EPERM);
}

TEST_F(PollerTest, WaitsNoShorterThanTheTimeout) {
    const Instant before = monotonic_now();
    EXPECT_TRUE(poller_.wait(std::chrono::microseconds(1500), room_).empty());
    EXPECT_GE(monotonic_now() - before, std::chrono::microseconds(1500));
}

TEST_F(PollerTest, WaitsForLessThanAMillisecondWhenAsked) {
    // The shortest of many: a busy machine makes each of them longer, not all.
    Duration shortest = Duration::max();
    for (int i = 0; i < 200 && shortest >= std::chrono::milliseconds(1); ++i) {
        const Instant begin = monotonic_now();
        EXPECT_TRUE(poller_.wait(std::chrono::microseconds(200), room_).empty());
        shortest = std::min(shortest, Duration(monotonic_now() - begin));
    }
    EXPECT_GE(shortest, std::chrono::microseconds(200));
    EXPECT_LT(shortest, std::chrono::milliseconds(1));
}

TEST_F(PollerTest, ATimeoutInThePastOnlyLooks) {
    EXPECT_TRUE(poller_.wait(std::chrono::hours(-1), room_).empty());
}

TEST_F(PollerTest, ASignalEndsTheWait) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGUSR2, &action, nullptr), 0);
    const pthread_t sleeper = ::pthread_self();
    std::atomic<bool> woken = false;
    std::thread caller([&] {
        while (!woken) {  // the first may come before the sleeper sleeps
            ::pthread_kill(sleeper, SIGUSR2);
            std::this_thread::yield();
        }
    });
    EXPECT_TRUE(poller_.wait(std::nullopt, room_).empty());
    woken = true;
    caller.join();
}

}  // namespace
}  // namespace godwit::os
