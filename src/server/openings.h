// Openings: which handshakes a shard begins when. One of TLS costs a fifth of a millisecond, a
// PROXY header or a WebSocket's request some microseconds: in a storm of them a turn begins few, so
// that those who are in wait no longer than that.
#pragma once

#include "base/ids.h"

#include <deque>
#include <optional>
#include <utility>

namespace godwit::server {

/// The oldest first. Nobody is refused: whom the queue has no room for waits with the kernel.
class Openings {
public:
    static constexpr size_t kCostPerTurn = 64;
    static constexpr size_t kTlsCost = 16, kPlainCost = 1;
    /// With so many in the queue, a shard accepts no more.
    static constexpr size_t kWaitingMax = 256;

    void begin_turn() { spent_ = 0; }
    /// A client has begun to speak. @return  true: it begins now; false: next() will name it
    bool ask(ConnectionId id, size_t cost);
    /// Whose turn it is; it may have gone meanwhile. nullopt: nobody waits, or the turn has had
    /// enough.
    std::optional<ConnectionId> next();
    bool is_full() const { return waiting_.size() >= kWaitingMax; }
    /// Nobody waits for another turn.
    bool is_idle() const { return waiting_.empty(); }

private:
    bool has_room() const { return spent_ < kCostPerTurn; }

    std::deque<std::pair<ConnectionId, size_t>> waiting_;  // with the cost
    size_t spent_ = 0;                                     // in this turn
};

}  // namespace godwit::server
