// Schedule: when the messages of an open loop are meant to be sent, however late the sender is.
// Latency counts from the moment meant, so that a broker that stalls its senders is not spared.
#pragma once

#include "base/instant.h"

#include <algorithm>
#include <cstdint>

namespace godwit::bench {

class Schedule {
public:
    /// @param per_second  above 0
    Schedule(Instant begin, double per_second) : begin_(begin), per_second_(per_second) {}

    /// When number k, from 0, is meant to go.
    Instant due_at(uint64_t k) const {
        return begin_ + Duration(int64_t(double(k) / per_second_ * 1e9));
    }
    /// How many are meant to have gone by `now`: number k when due_at(k) <= now.
    uint64_t due_by(Instant now) const {
        if (now < begin_) return 0;
        auto count = uint64_t(double((now - begin_).count()) * per_second_ / 1e9);
        while (due_at(count) <= now) ++count;
        while (count > 0 && due_at(count - 1) > now) --count;
        return count;
    }

private:
    Instant begin_;
    double per_second_;
};

}  // namespace godwit::bench
