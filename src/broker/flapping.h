// Flapping: two clients with one client id take it from each other for as long as they run. Each
// takeover is counted against the id; beyond Limits::takeovers_max in the window the newcomer is
// told to come later, and who is there stays.
#pragma once

#include "base/rate_gate.h"
#include "broker/options.h"

#include <cstdint>
#include <unordered_map>

namespace godwit::broker {

class Flapping {
public:
    /// Client ids that are remembered. One more, and all are forgotten: they may flap anew.
    static constexpr size_t kClientsMax = 64 * 1024;

    /// Whether the client of this hash may be taken over now; if so, it counts.
    bool may_take_over(uint64_t client_hash, Instant now, const Limits& limits);
    size_t size() const { return clients_.size(); }

private:
    std::unordered_map<uint64_t, RateGate> clients_;  // keyed hashes: nobody aims collisions
    size_t sweep_at_ = 1024;
};

}  // namespace godwit::broker
