// Openings: which TLS handshakes a shard begins when. One costs a fifth of a millisecond: in a
// storm of them a turn begins few, so that those who are in wait no longer than that.
#pragma once

#include "base/ids.h"

#include <deque>
#include <optional>

namespace godwit::server {

/// The oldest first. Nobody is refused: whom the queue has no room for waits with the kernel.
class Openings {
public:
    static constexpr size_t kPerTurn = 4;
    /// With so many in the queue, a shard accepts no more.
    static constexpr size_t kWaitingMax = 256;

    void begin_turn() { begun_ = 0; }
    /// A client has begun to speak. @return  true: it begins now; false: next() will name it
    bool ask(ConnectionId id);
    /// Whose turn it is; it may have gone meanwhile. nullopt: nobody waits, or the turn has had
    /// enough.
    std::optional<ConnectionId> next();
    bool is_full() const { return waiting_.size() >= kWaitingMax; }
    /// Nobody waits for another turn.
    bool is_idle() const { return waiting_.empty(); }

private:
    std::deque<ConnectionId> waiting_;
    size_t begun_ = 0;  // in this turn
};

}  // namespace godwit::server
