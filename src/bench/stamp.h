// Stamp: the first 24 bytes of every payload: which run, which stream, which number in it, and when
// it was meant to be sent. In the byte order of this machine: who measures, is on one clock.
#pragma once

#include "base/bytes.h"
#include "base/instant.h"

#include <cstring>
#include <optional>

namespace godwit::bench {

struct Stamp {
    uint32_t run = 0;  // drawn for each run, so that messages of another are told apart
    uint32_t stream = 0;
    uint64_t sequence = 0;
    Instant intended{};
};
inline constexpr size_t kStampBytes = 24;
static_assert(sizeof(Stamp) == kStampBytes);

/// @param out  room for kStampBytes
inline void write_stamp(uint8_t* out, const Stamp& stamp) {
    std::memcpy(out, &stamp, kStampBytes);
}

/// nullopt where the payload is too short for one.
inline std::optional<Stamp> read_stamp(Bytes payload) {
    if (payload.size() < kStampBytes) return std::nullopt;
    Stamp stamp;
    std::memcpy(&stamp, payload.data(), kStampBytes);
    return stamp;
}

}  // namespace godwit::bench
