// TimerToken: what falls due in a shard's heap of deadlines.
#pragma once

#include "base/assert.h"

#include <cstdint>

namespace godwit::broker {

struct TimerToken {
    enum class Kind : uint32_t { Connection, SessionExpiry, WillDelay, Rate };
    TimerToken(Kind its_kind, uint32_t its_slot, uint32_t its_generation)
        : kind(its_kind), slot(its_slot & kSlotMax), generation(its_generation) {
        GW_ASSERT(its_slot <= kSlotMax);
    }
    static constexpr uint32_t kSlotMax = (1u << 30) - 1;
    Kind kind : 2;
    uint32_t slot : 30;
    uint32_t generation;
};

}  // namespace godwit::broker
