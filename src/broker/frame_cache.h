// FrameCache: the bytes of a PUBLISH are made once for all who take it.
#pragma once

#include "base/ids.h"

#include <cstdint>

namespace godwit::broker {

/// The encoded PUBLISH of the message delivered last, by what may vary between takers without own
/// properties.
struct FrameCache {
    struct Variant {
        uint64_t serial = 0;  // of the frame it belongs to
        uint32_t at = 0;
        uint32_t bytes = 0;         // head, and the payload if small
        uint32_t packet_id_at = 0;  // within the variant; 0: QoS 0
    };
    uint64_t serial = 0;  // one for each message and turn
    uint64_t turn = 0;    // of the Effects whose arena holds the variants
    uint64_t stamp = 0;   // with the origin, the message's identity
    ShardId origin;
    Variant variants[2][3][2];  // [5.0][qos][retain]
};

}  // namespace godwit::broker
