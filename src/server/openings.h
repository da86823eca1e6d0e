// Openings: which handshakes a shard begins when. One of TLS costs a fifth of a millisecond and
// takes some 50 KiB until it is done, a PROXY header or a WebSocket's request some microseconds: of
// the latter not many begin in a turn, of TLS the shard asks for as many as it has time for, and
// few are under way at a time. So those who are in wait no longer than a turn, and those who come
// are through one after the other, instead of all at the end. While messages flow, handshakes have
// half of the shard's time: a thread that always runs is one that its core is taken from.
#pragma once

#include "base/ids.h"
#include "base/instant.h"

#include <deque>
#include <optional>
#include <vector>

namespace godwit::server {

/// Of each kind the oldest first. Nobody is refused: whom a queue has no room for waits with the
/// kernel.
class Openings {
public:
    enum class Kind : uint8_t { Plain, Tls };
    static constexpr size_t kPlainPerTurn = 64;
    /// With so many of a kind in its queue, a shard accepts no more of them.
    static constexpr size_t kWaitingMax = 256;
    static constexpr size_t kTlsUnderWayMax = 32;
    /// Who has not come through for so long holds nobody up: those who are far away, or silent. The
    /// more there are who never do, the less time is left to them: half of it after each who held a
    /// place for nothing, and an eighth more after each who came through.
    static constexpr Duration kPatienceMax = std::chrono::milliseconds(100);
    static constexpr Duration kPatienceMin = std::chrono::milliseconds(1);
    /// Who takes steps all the time does not keep the others out.
    static constexpr Duration kPauseMax = std::chrono::milliseconds(2);

    void begin_turn(Instant now);
    /// A client has begun to speak. @return  true: it begins now; false: next() will name it, which
    /// is so for all of TLS
    bool ask(ConnectionId id, Kind kind);
    /// Whose turn it is; it may have gone meanwhile. nullopt: nobody of that kind waits, the turn
    /// has had enough of Plain, or enough of TLS are under way, or they pause.
    std::optional<ConnectionId> next(Kind kind);
    /// A handshake is done, or its connection has gone. Any other connection changes nothing.
    /// @cost  a look at those under way
    void end(ConnectionId id, bool came_through);
    /// Steps of TLS took so long, until now. No other begins before as long again has gone by, or
    /// kPauseMax since the last one began.
    void pause_tls(Duration took, Instant now);
    bool is_full(Kind kind) const { return queue(kind).size() >= kWaitingMax; }
    /// Nobody waits.
    bool is_idle() const { return plain_.empty() && tls_.empty(); }
    /// When the next who waits may begin, if nobody comes through before; kNever: nobody waits.
    Instant next_deadline() const;

private:
    struct UnderWay {
        ConnectionId id;
        Instant began;
    };

    using Queue = std::deque<ConnectionId>;
    Queue& queue(Kind kind) { return kind == Kind::Tls ? tls_ : plain_; }
    const Queue& queue(Kind kind) const { return kind == Kind::Tls ? tls_ : plain_; }
    bool may_begin(Kind kind) const;
    void lose_patience();

    Queue plain_;
    Queue tls_;
    size_t plain_begun_ = 0;           // in this turn
    std::vector<UnderWay> under_way_;  // of TLS, the oldest first
    Duration patience_ = kPatienceMax;
    Instant tls_begun_;                   // the last one
    Instant tls_again_ = Instant::min();  // no other begins before
    Instant now_;                         // of the turn
};

}  // namespace godwit::server
