// Time as an argument. Pure code is handed an Instant; only src/os reads a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace godwit {

using Duration = std::chrono::nanoseconds;

/// The clock of Instant has no now(): nobody can read it by accident.
struct MonotonicClock {
    using rep = int64_t;
    using period = std::nano;
    using duration = Duration;
    using time_point = std::chrono::time_point<MonotonicClock, Duration>;
    static constexpr bool is_steady = true;
};

/// A point on the monotonic clock: never steps, means nothing after a reboot.
using Instant = MonotonicClock::time_point;
inline constexpr Instant kNever = Instant::max();

/// Milliseconds since 1970 UTC: for people, certificates and disks; may step.
struct WallTime {
    int64_t unix_ms = 0;
};

}  // namespace godwit
