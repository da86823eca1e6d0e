#include "os/waker.h"

#include "os/poller.h"
#include "os/spsc_ring.h"

#include <gtest/gtest.h>

#include <thread>

namespace godwit::os {
namespace {

bool is_signalled(const Waker& waker) {
    Poller poller = Poller::open().value();
    EXPECT_TRUE(poller.add(waker.fd(), 1, Interest::Read));
    PollEvent room[1];
    return !poller.wait(Duration::zero(), room).empty();
}

TEST(Waker, WritesNothingWhileTheTargetIsAwake) {
    Waker waker = Waker::open().value();
    waker.wake();
    EXPECT_FALSE(is_signalled(waker));
    waker.prepare_sleep();
    waker.cancel_sleep();
    waker.wake();
    EXPECT_FALSE(is_signalled(waker));
}

TEST(Waker, WritesWhenTheTargetSleeps) {
    Waker waker = Waker::open().value();
    waker.prepare_sleep();
    waker.wake();
    EXPECT_TRUE(is_signalled(waker));
}

TEST(Waker, WritesOncePerSleep) {
    Waker waker = Waker::open().value();
    waker.prepare_sleep();
    waker.wake();
    waker.drain();
    waker.wake();
    EXPECT_FALSE(is_signalled(waker));
}

TEST(Waker, DrainWithoutASignalIsHarmless) {
    Waker waker = Waker::open().value();
    waker.drain();
    waker.prepare_sleep();
    waker.wake();
    EXPECT_TRUE(is_signalled(waker));
}

// A lost wake-up would hang this test: the consumer sleeps without a limit.
TEST(Waker, NoWakeUpIsLostBetweenLookingAndSleeping) {
    constexpr int kCount = 20'000;
    Waker waker = Waker::open().value();
    SpscRing<int> ring(4);
    std::thread producer([&] {
        for (int i = 0; i < kCount; ++i) {
            while (ring.push(int(i)) == Push::Full) std::this_thread::yield();
            ring.publish();
            waker.wake();
        }
    });
    Poller poller = Poller::open().value();
    ASSERT_TRUE(poller.add(waker.fd(), 1, Interest::Read));
    PollEvent room[1];
    int seen = 0;
    while (seen < kCount) {
        if (ring.drain([&](int&& entry) { seen += entry == seen; }) > 0) continue;
        waker.prepare_sleep();
        const bool work = !ring.empty();
        const auto events =
            poller.wait(work ? std::optional(Duration::zero()) : std::nullopt, room);
        waker.cancel_sleep();
        if (!events.empty()) waker.drain();
    }
    producer.join();
    EXPECT_EQ(seen, kCount);
}

}  // namespace
}  // namespace godwit::os
