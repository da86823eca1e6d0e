// Calm: when a storm of connections is over. It leaves holes in memory: what handshakes took lies
// between what connections keep. Giving them back makes everybody wait, so that is for afterwards;
// one that does not end is interrupted once a minute.
#pragma once

#include "base/mutant.h"

#include <cstdint>
#include <utility>

namespace godwit::server {

class Calm {
public:
    /// Connections that come or go between two looks, at most, in calm; and at least, since the
    /// last time, for a storm.
    static constexpr uint64_t kCalmMax = 200;
    static constexpr uint64_t kStormMin = 1000;
    /// Looks at a storm before it counts as several.
    static constexpr uint32_t kLooksMax = 60;

    /// To be asked at equal times. @param moved  connections that have come or gone so far
    /// @return  once after each storm, when it is over or has had its looks
    bool is_after_storm(uint64_t moved) {
        const uint64_t since_last_look = moved - std::exchange(seen_, moved);
        looks_ = moved - settled_ < kStormMin ? 0 : looks_ + 1;
        const bool is_over = since_last_look <= kCalmMax || looks_ > kLooksMax;
        if (looks_ == 0 || !is_over || GW_MUTANT(FreeMemoryKept)) return false;
        settled_ = moved;
        looks_ = 0;
        return true;
    }

private:
    uint64_t seen_ = 0;
    uint64_t settled_ = 0;
    uint32_t looks_ = 0;  // at the storm that is raging
};

}  // namespace godwit::server
