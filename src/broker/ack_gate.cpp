#include "broker/ack_gate.h"

#include "base/assert.h"
#include "base/mutant.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

bool AckGate::satisfied(const Receipt& receipt) const {
    const bool flushed = receipt.ticket <= durable_ || GW_MUTANT(AckBeforeFlush);
    if (receipt.crossing || !flushed) return false;
    for (uint64_t left = receipt.shards; left != 0; left &= left - 1) {
        const ShardId shard{uint16_t(std::countr_zero(left))};
        if (confirmed_[lane_of(shard, receipt.lane)] < receipt.number) return false;
    }
    return true;
}

uint64_t AckGate::hold(Held held) {
    auto& line = held_[size_t(held.receipt.lane)];
    line.push_back(held);
    return released_ + line.size();
}

std::optional<AckGate::Held> AckGate::release() {
    for (auto& line : held_) {
        if (line.empty() || !satisfied(line.front().receipt)) continue;
        const Held held = line.front();
        line.pop_front();
        released_ += held.receipt.lane == Lane::Usual;
        return held;
    }
    return std::nullopt;
}

const AckGate::Held* AckGate::find(Lane lane, uint64_t number) const {
    const auto& line = held_[size_t(lane)];
    const auto at = std::find_if(line.begin(), line.end(), [&](const Held& each) {
        return each.receipt.shards != 0 && each.receipt.number == number;
    });
    return at == line.end() ? nullptr : &*at;
}

void AckGate::refuse(const Held& held, mqtt::ReasonCode reason, uint64_t ticket) {
    const Held refused = held;
    const auto is_meant = [&](const Held& each) {
        const bool itself = each.receipt.shards != 0 && each.receipt.lane == refused.receipt.lane &&
                            each.receipt.number == refused.receipt.number;
        const bool again = refused.exactly_once && each.exactly_once &&
                           each.session == refused.session && each.packet_id == refused.packet_id;
        return itself || again;
    };
    for (auto& line : held_) {
        for (Held& each : line) {
            if (!is_meant(each)) continue;
            each.reason = reason;
            each.receipt.ticket = std::max(each.receipt.ticket, ticket);
        }
    }
}

void AckGate::number(uint64_t key, uint64_t number) {
    auto& line = held_[size_t(Lane::Usual)];
    GW_ASSERT(key > released_ && key - released_ <= line.size());
    Receipt& receipt = line[size_t(key - released_ - 1)].receipt;
    receipt.number = number;
    receipt.crossing = false;
}

}  // namespace godwit::broker
