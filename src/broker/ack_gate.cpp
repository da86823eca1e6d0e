#include "broker/ack_gate.h"

#include "base/assert.h"
#include "base/mutant.h"

#include <algorithm>
#include <bit>

namespace godwit::broker {

namespace {

/// The one behind may leave when the one before does, and says the same to the same client. What
/// waits for a shard, or may be refused, stands for itself.
bool is_like(const AckGate::Held& before, const AckGate::Held& behind) {
    const auto is_plain = [](const AckGate::Held& each) {
        return !each.exactly_once && each.receipt.shards == 0 && !each.receipt.crossing;
    };
    return is_plain(before) && is_plain(behind) && before.connection == behind.connection &&
           before.session == behind.session && before.reason == behind.reason &&
           before.receipt.ticket == behind.receipt.ticket;
}

}  // namespace

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
    Line& line = line_of(held.receipt);
    if (!line.held.empty() && is_like(line.held.back(), held)) {
        ++line.held.back().more;
        line.more.push_back(held.packet_id);
    } else {
        line.held.push_back(held);
    }
    return released_ + line.held.size();
}

std::optional<AckGate::Held> AckGate::release() {
    for (Line& line : lines_) {
        if (line.held.empty() || !satisfied(line.held.front().receipt)) continue;
        Held& front = line.held.front();
        Held released = front;
        released.more = 0;
        if (front.more > 0) {
            --front.more;
            front.packet_id = line.more.front();
            line.more.pop_front();
        } else {
            line.held.pop_front();
            released_ += released.receipt.lane == Lane::Usual;
        }
        return released;
    }
    return std::nullopt;
}

const AckGate::Held* AckGate::find(Lane lane, uint64_t number) const {
    const auto& line = lines_[size_t(lane)].held;
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
    for (Line& line : lines_) {
        for (Held& each : line.held) {
            if (!is_meant(each)) continue;
            each.reason = reason;
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
