#include "broker/ack_gate.h"

#include <bit>

namespace godwit::broker {

bool AckGate::satisfied(const Receipt& receipt) const {
    for (uint64_t left = receipt.shards; left != 0; left &= left - 1)
        if (confirmed_[size_t(std::countr_zero(left))] < receipt.number) return false;
    return true;
}

std::optional<AckGate::Held> AckGate::release() {
    if (held_.empty() || !satisfied(held_.front().receipt)) return std::nullopt;
    const Held held = held_.front();
    held_.pop_front();
    return held;
}

}  // namespace godwit::broker
