// Flow: so much a second, and a burst at once after a pause. Who comes faster is not refused but
// waits in line: its place is the time when it is its turn. All that a line has to remember is one
// point in time, until when it is paid (the virtual scheduling of the generic cell rate algorithm);
// so places are served in the order in which they were taken, by whomever.
#pragma once

#include "base/instant.h"

#include <algorithm>
#include <cstdint>

namespace godwit {

/// A place in a line.
struct Place {
    Instant paid_until;  // what the line has to remember
    Instant due;         // not after `now`: at once
};

class Flow {
public:
    /// Nothing is bounded.
    Flow() = default;
    /// @param per_second  0: nothing is bounded
    /// @param burst       0: as much as a second gives
    Flow(uint32_t per_second, uint32_t burst)
        : per_second_(per_second), burst_(burst == 0 ? per_second : burst) {}

    bool is_bounded() const { return per_second_ != 0; }
    uint32_t burst() const { return burst_; }

    /// Takes the next place for so much. What is more than a burst needs a whole one to begin with,
    /// and is paid for afterwards. Who has to wait for more than a day is forgiven the rest.
    /// @param paid_until  what the line remembers; Instant::min(): nothing yet
    Place next_place(Instant paid_until, Instant now, uint32_t amount) const {
        const Duration whole = time_of(burst_), cost = time_of(amount);
        const Instant from = std::max(paid_until, now);
        return {std::min(from + cost, now + whole + std::chrono::hours(24)),
                from + std::min(cost, whole) - whole};
    }
    /// How much later than that one may come without losing any of the rate: there is more to take
    /// then, so that a fast flow does not wake anybody for each piece of it.
    Duration slack(uint32_t amount) const {
        const Duration whole = time_of(burst_);
        return std::min<Duration>((whole - std::min(time_of(amount), whole)) / 2,
                                  std::chrono::milliseconds(10));
    }

private:
    /// Rounded down, so that pieces of a burst are no more than the whole.
    Duration time_of(uint32_t amount) const {
        return Duration(int64_t(amount * uint64_t(1'000'000'000) / per_second_));
    }
    uint32_t per_second_ = 0;
    uint32_t burst_ = 0;
};

}  // namespace godwit
