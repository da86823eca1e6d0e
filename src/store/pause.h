// Pause: how long to wait before the disk is tried again after it failed.
#pragma once

#include "base/instant.h"

#include <algorithm>
#include <optional>

namespace godwit::store {

class Pause {
public:
    static constexpr Duration kFirst = std::chrono::milliseconds(50);
    static constexpr Duration kLongest = std::chrono::seconds(2);

    void begin(Instant now) {
        length_ = length_ == Duration{} ? kFirst : std::min(2 * length_, kLongest);
        until_ = now + length_;
    }
    void clear() { *this = {}; }
    /// Something failed and nothing has gone well since.
    bool is_on() const { return length_ != Duration{}; }
    bool is_over(Instant now) const { return now >= until_; }
    std::optional<Instant> end() const { return is_on() ? std::optional(until_) : std::nullopt; }

private:
    Duration length_{};
    Instant until_ = Instant::min();
};

}  // namespace godwit::store
