#include "broker/ack_gate.h"

#include "base/assert.h"
#include "base/mutant.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

bool AckGate::satisfied(const Receipt& receipt) const {
    const bool flushed = receipt.ticket <= durable_ || GW_MUTANT(AckBeforeFlush);
    if (receipt.crossing || !flushed) return false;
    for (uint64_t left = receipt.shards; left != 0; left &= left - 1)
        if (confirmed_[size_t(std::countr_zero(left))] < receipt.number) return false;
    return true;
}

std::optional<AckGate::Held> AckGate::release() {
    if (held_.empty() || !satisfied(held_.front().receipt)) return std::nullopt;
    const Held held = held_.front();
    held_.pop_front();
    ++released_;
    return held;
}

const AckGate::Held* AckGate::find(uint64_t number) const {
    const auto at = std::find_if(held_.begin(), held_.end(), [&](const Held& each) {
        return each.receipt.shards != 0 && each.receipt.number == number;
    });
    return at == held_.end() ? nullptr : &*at;
}

void AckGate::refuse(uint64_t number, mqtt::ReasonCode reason, uint64_t ticket) {
    const Held* known = find(number);
    if (!known) return;
    const Held refused = *known;
    for (Held& each : held_) {
        const bool itself = each.receipt.shards != 0 && each.receipt.number == number;
        const bool again = refused.exactly_once && each.exactly_once &&
                           each.session == refused.session && each.packet_id == refused.packet_id;
        if (!itself && !again) continue;
        each.reason = reason;
        each.receipt.ticket = std::max(each.receipt.ticket, ticket);
    }
}

void AckGate::number(uint64_t key, uint64_t number) {
    GW_ASSERT(key > released_ && key - released_ <= held_.size());
    Receipt& receipt = held_[size_t(key - released_ - 1)].receipt;
    receipt.number = number;
    receipt.crossing = false;
}

}  // namespace godwit::broker
