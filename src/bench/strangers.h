// Strangers: attempts to connect that lead to nothing, so many a second whatever becomes of them:
// silence, garbage, a TLS handshake and a CONNECT that break off, in turn. Each calls from another
// address of this machine, is left as it is for a while, and goes with a reset.
#pragma once

#include "bench/identity.h"
#include "bench/schedule.h"
#include "os/address.h"
#include "os/fd.h"

#include <array>
#include <deque>
#include <vector>

namespace godwit::bench {

struct StrangersPlan {
    os::SocketAddress target;  // of 127.0.0.0/8
    uint32_t addresses = 1;    // to call from, 127.2.0.1 on
    double per_second = 1;
    Duration hold{};      // until one goes
    size_t open_max = 1;  // at once; beyond that the oldest goes before its time
    Identity identity;    // of the half CONNECT
};

class Strangers {
public:
    /// What became of them; whoever is not counted in the last three was let in and left alone.
    struct Tally {
        uint64_t attempts = 0;
        uint64_t unanswered = 0;   // the kernel had no place for it
        uint64_t turned_away = 0;  // the broker ended it before it went
        uint64_t failed = 0;       // no port or descriptor here: no attempt
    };

    /// They begin to come at `begin`.
    Strangers(const StrangersPlan& plan, Instant begin);

    /// Begins those that are due, in batches, and ends those whose time is over.
    /// @return  whether there may be more to do at once
    /// @cost    some 30 us each, nearly all of it the kernel's
    bool turn(Instant now);
    /// All go.
    void end_all();
    const Tally& tally() const { return tally_; }

private:
    static constexpr size_t kKinds = 4;  // silence, garbage, half a ClientHello, half a CONNECT
    struct Held {
        os::Fd fd;
        Instant since;
        bool has_spoken = false;
        bool has_ended = false;
    };
    void begin(Instant now);
    void end_oldest();

    const StrangersPlan plan_;
    const Schedule schedule_;
    std::vector<os::SocketAddress> addresses_;
    std::array<Buffer, kKinds> words_;  // what each kind says
    std::deque<Held> held_;             // the oldest first
    Tally tally_;
};

}  // namespace godwit::bench
