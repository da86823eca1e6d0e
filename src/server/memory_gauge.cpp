#include "server/memory_gauge.h"

namespace godwit::server {

namespace {

// In per cent. The first leaves room for what is under way when it is reached.
constexpr uint64_t kScarceFrom = 80, kAmpleBelow = 70, kSpentFrom = 92, kScarceBelow = 85;

}  // namespace

uint64_t memory_bytes_max(uint64_t configured) {
    return configured != 0 ? configured : os::memory_of_machine() / 4 * 3;
}

broker::Memory judge_memory(broker::Memory before, uint64_t used, uint64_t max) {
    const uint64_t share = used / (max / 100 + 1);
    const bool was_spent = before == broker::Memory::Spent;
    const bool was_ample = before == broker::Memory::Ample;
    if (share >= (was_spent ? kScarceBelow : kSpentFrom)) return broker::Memory::Spent;
    if (share >= (was_ample ? kScarceFrom : kAmpleBelow)) return broker::Memory::Scarce;
    return broker::Memory::Ample;
}

std::optional<broker::Memory> MemoryGauge::look(Instant now) {
    if (now < next_look_ && unseen_ < kLookBytes) return std::nullopt;
    next_look_ = now + kLookTime;
    unseen_ = 0;
    const broker::Memory judged = judge_memory(told_, used_.bytes(), bytes_max_);
    if (judged == told_) return std::nullopt;
    return told_ = judged;
}

}  // namespace godwit::server
