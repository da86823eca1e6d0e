// The bits of the flags in the durable objects; their layout is in object_format.h.
#pragma once

#include <cstdint>

namespace godwit::broker {

enum SessionFlag : uint8_t { kHasUsername = 1, kEndsWithConnection = 2, kHasWill = 4 };
enum MessageFlag : uint8_t {
    kQosMask = 3,
    kRetain = 4,
    kHasExpiry = 8,
    kHasSource = 16,
    kSourceHasUser = 32
};
enum TakerFlag : uint8_t { kTakerRetain = 4, kTakerGroup = 8, kTakerSent = 16, kTakerLoan = 32 };
enum OptionFlag : uint8_t { kNoLocal = 4, kRetainAsPublished = 8, kRetainHandlingShift = 4 };

}  // namespace godwit::broker
