#include "server/shared_counters.h"

#include <gtest/gtest.h>

#include <thread>

namespace godwit::server {
namespace {

TEST(SharedCounters, AreZeroAtFirst) {
    const SharedCounters shared;
    EXPECT_EQ(shared.load().connections_accepted, 0u);
    EXPECT_EQ(shared.load().inflight, 0u);
}

TEST(SharedCounters, GiveBackEveryNumber) {
    broker::Counters in;
    uint64_t number = 1;
#define GW_FILL(name, help) in.name = number++;
    GW_COUNTERS(GW_FILL)
    GW_GAUGES(GW_FILL)
#undef GW_FILL
    SharedCounters shared;
    shared.store(in);
    const broker::Counters out = shared.load();
#define GW_SAME(name, help) EXPECT_EQ(out.name, in.name) << #name;
    GW_COUNTERS(GW_SAME)
    GW_GAUGES(GW_SAME)
#undef GW_SAME
}

TEST(SharedCounters, GiveWholeNumbersToAThreadThatReadsBesideTheWriter) {
    SharedCounters shared;
    std::thread writer([&] {
        broker::Counters counters;
        for (uint64_t i = 0; i <= 2000; ++i) {
            counters.bytes_sent = i << 32 | i;
            shared.store(counters);
        }
    });
    for (uint64_t last = 0; last < 2000;) {
        const uint64_t now = shared.load().bytes_sent;
        EXPECT_EQ(now >> 32, now & 0xffff'ffff);
        EXPECT_GE(now & 0xffff'ffff, last);
        last = now & 0xffff'ffff;
        std::this_thread::yield();
    }
    writer.join();
}

}  // namespace
}  // namespace godwit::server
