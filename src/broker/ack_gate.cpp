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

/// What waits for a shard, or may be refused, stands for itself. Field by field: a HeldAck and a
/// Receipt were just written so, and to read more at a time waits until that is in the cache.
bool AckGate::Held::is_like(const HeldAck& other, const Receipt& its) const {
    const auto is_plain = [](const HeldAck& each, const Receipt& of_it) {
        return !each.exactly_once && of_it.shards == 0 && !of_it.crossing;
    };
    return is_plain(ack, receipt) && is_plain(other, its) && ack.connection == other.connection &&
           ack.session == other.session && ack.reason == other.reason &&
           receipt.ticket == its.ticket;
}

uint64_t AckGate::hold(const HeldAck& ack, const Receipt& receipt) {
    Line& line = lines_[size_t(receipt.lane)];
    line.ids.push_back(ack.packet_id);
    if (!line.held.empty() && line.held.back().is_like(ack, receipt))
        ++line.held.back().count;
    else
        line.held.push_back({ack, receipt});
    return released_ + line.held.size();
}

std::optional<HeldAck> AckGate::release() {
    for (Line& line : lines_) {
        if (line.held.empty() || !satisfied(line.held.front().receipt)) continue;
        Held& front = line.held.front();
        HeldAck ack = front.ack;
        ack.packet_id = line.ids.front();
        line.ids.pop_front();
        if (--front.count > 0) return ack;
        released_ += front.receipt.lane == Lane::Usual;
        line.held.pop_front();
        return ack;
    }
    return std::nullopt;
}

const HeldAck* AckGate::find(Lane lane, uint64_t number) const {
    const auto& held = lines_[size_t(lane)].held;
    const auto at = std::find_if(held.begin(), held.end(),
                                 [&](const Held& each) { return each.waits_for(number); });
    return at == held.end() ? nullptr : &at->ack;
}

void AckGate::refuse(Lane lane, uint64_t number, mqtt::ReasonCode reason, uint64_t ticket) {
    const HeldAck* found = find(lane, number);
    if (!found) return;
    const HeldAck refused = *found;
    const auto is_meant = [&](const Held& each) {
        const bool itself = each.receipt.lane == lane && each.waits_for(number);
        const bool again = refused.exactly_once && each.ack.exactly_once &&
                           each.ack.session == refused.session &&
                           each.ack.packet_id == refused.packet_id;
        return itself || again;
    };
    for (Line& line : lines_) {
        for (Held& each : line.held) {
            if (!is_meant(each)) continue;
            each.ack.reason = reason;
            each.receipt.ticket = std::max(each.receipt.ticket, ticket);
        }
    }
}

void AckGate::number(uint64_t key, uint64_t number) {
    auto& line = lines_[size_t(Lane::Usual)].held;
    GW_ASSERT(key > released_ && key - released_ <= line.size());
    Receipt& receipt = line[size_t(key - released_ - 1)].receipt;
    receipt.number = number;
    receipt.crossing = false;
}

}  // namespace godwit::broker
