// Pace: what keeps one busy connection, or one slow shard, from taking more than its part of a
// turn or of the memory. Kept by reading.h and pacing.h.
#pragma once

#include "base/ids.h"
#include "base/instant.h"
#include "broker/envelope.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace godwit::broker {

struct PaceLimits {
    uint32_t turn_work = 32'768;  // of a turn: packets and deliveries, some 10 ms
    uint32_t untaken_max = 4096;  // messages of QoS 0 on their way to one shard
    uint64_t untaken_bytes_max = 16 * 1024 * 1024;
};

struct Pace {
    /// Between this shard and one other.
    struct Way {
        PublishesTaken untaken;             // posted there at QoS 0, and not yet taken
        PublishesTaken taken;               // of its publishes, in this turn
        std::vector<ConnectionId> waiting;  // in Pause::Crossing
    };
    std::vector<Way> ways;  // by shard
    /// In Pause::Share, or in Pause::Rate and due: a later turn goes on with it.
    struct Unfinished {
        ConnectionId connection;
        uint64_t turns = 0;  // to wait: it took more than its share
        bool waited_in_line = false;
    };
    std::deque<Unfinished> unfinished;
    uint64_t work = 0;       // packets handled and deliveries made; never reset
    uint64_t share = 0;      // of the work of this turn, for one connection
    uint64_t read_work = 0;  // of this turn, for the connections that were read
    uint32_t readers = 0;    // so many
    Instant came;            // when the bytes came that are handled now
};

}  // namespace godwit::broker
