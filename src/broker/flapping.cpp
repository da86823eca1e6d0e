#include "broker/flapping.h"

#include "base/mutant.h"

namespace godwit::broker {

namespace {

constexpr size_t kSweepMin = 1024;

}  // namespace

bool Flapping::may_take_over(uint64_t client_hash, Instant now, const Limits& limits) {
    if (limits.takeovers_max == 0 || GW_MUTANT(FlappingAllowed)) return true;
    if (clients_.size() >= sweep_at_) {
        std::erase_if(clients_, [&](const auto& each) { return each.second.is_full(now); });
        if (clients_.size() >= kClientsMax) clients_.clear();
        sweep_at_ = std::min(std::max(kSweepMin, 2 * clients_.size()), kClientsMax);
    }
    const Rate rate{Duration(limits.takeover_window) / limits.takeovers_max, limits.takeovers_max};
    return clients_[client_hash].admit(now, rate);
}

}  // namespace godwit::broker
