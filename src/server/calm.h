// Calm: when a storm of connections is over. It leaves holes in memory: what handshakes took lies
// between what connections keep. Giving them back makes everybody wait, so that is for afterwards.
#pragma once

#include "base/mutant.h"

#include <cstdint>

namespace godwit::server {

class Calm {
public:
    /// Connections that come or go between two looks, at most, in calm; and at least, since the
    /// last time, for a storm.
    static constexpr uint64_t kCalmMax = 200;
    static constexpr uint64_t kStormMin = 1000;

    /// To be asked at equal times. @param moved  connections that have come or gone so far
    /// @return  once after each storm, when it is over
    bool is_after_storm(uint64_t moved) {
        const uint64_t since_last_look = moved - seen_;
        seen_ = moved;
        if (since_last_look > kCalmMax || moved - settled_ < kStormMin) return false;
        if (GW_MUTANT(FreeMemoryKept)) return false;
        settled_ = moved;
        return true;
    }

private:
    uint64_t seen_ = 0;
    uint64_t settled_ = 0;
};

}  // namespace godwit::server
