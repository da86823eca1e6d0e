// What a store can be told: how safe, in which portions of disk.
#pragma once

#include <cstdint>

namespace godwit::store {

enum class Durability : uint8_t {
    Fsync,   // an acknowledged change survives the loss of power
    Os,      // ... the end of the process; the system writes it to disk when it likes
    Memory,  // ... nothing: nobody makes a Log
};

struct Options {
    static constexpr uint32_t kSegmentBytesMin = 64 << 10;  // below 1 MiB only tests want them
    static constexpr uint32_t kSegmentBytesMax = 1 << 30;

    Durability durability = Durability::Fsync;
    uint32_t segment_bytes = 16 << 20;       // kSegmentBytesMin .. kSegmentBytesMax
    uint32_t spares = 2;                     // segments kept ready ahead of need, 1 ..
    uint32_t old_spares = 16;                // up to so many where old ones can be used again
    uint32_t past_cache_min = 128 << 10;     // groups from here on go past the system's cache
    uint64_t pending_bytes_max = 256 << 20;  // not yet durable; more is Condition::Behind
    /// Mixed into checksums, so that no peer's payload can pass for a record: random, per start.
    uint32_t salt = 0;
};

}  // namespace godwit::store
