#include "os/clock.h"

#include "base/assert.h"

#include <ctime>

namespace godwit::os {

namespace {

timespec read_clock(clockid_t clock) {
    timespec time{};
    GW_ASSERT(::clock_gettime(clock, &time) == 0);
    return time;
}

}  // namespace

Instant monotonic_now() {
    const timespec time = read_clock(CLOCK_MONOTONIC);
    return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

WallTime wall_now() {
    const timespec time = read_clock(CLOCK_REALTIME);
    return {int64_t(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000};
}

}  // namespace godwit::os
