#include "server/memory_gauge.h"

#include "broker/scarcity.h"

namespace godwit::server {

uint64_t memory_bytes_max(uint64_t configured) {
    return configured != 0 ? configured : os::memory_of_machine() / 4 * 3;
}

std::optional<broker::Memory> MemoryGauge::look(Instant now) {
    if (now < next_look_ && unseen_ < kLookBytes) return std::nullopt;
    next_look_ = now + kLookTime;
    unseen_ = 0;
    const broker::Memory judged = broker::judge_memory(told_, used_.bytes(), bytes_max_);
    if (judged == told_) return std::nullopt;
    return told_ = judged;
}

}  // namespace godwit::server
