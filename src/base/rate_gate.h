// RateGate: so many a second, and a burst of so many at once; what it has allowed is told by one
// point in time (the generic cell rate algorithm).
#pragma once

#include "base/instant.h"

#include <algorithm>
#include <cstdint>

namespace godwit {

/// One for each `step`, and `burst` at once after a pause. step 0: no bound.
struct Rate {
    Duration step{};
    uint32_t burst = 1;  // at least 1

    static constexpr Rate per_second(uint32_t count, uint32_t burst) {
        return {count == 0 ? Duration::zero() : Duration(std::chrono::seconds(1)) / count,
                std::max(burst, 1u)};
    }
    bool is_bounded() const { return step > Duration::zero(); }
};

class RateGate {
public:
    /// @return  false: too fast; what is refused does not count
    bool admit(Instant now, const Rate& rate) {
        if (!rate.is_bounded()) return true;
        const Instant from = std::max(paid_until_, now);
        if (from - now > rate.step * int64_t(rate.burst - 1)) return false;
        paid_until_ = from + rate.step;
        return true;
    }
    /// It is as if nothing had ever been asked of it.
    bool is_full(Instant now) const { return paid_until_ <= now; }

private:
    Instant paid_until_ = Instant::min();
};

}  // namespace godwit
