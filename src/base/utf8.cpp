#include "base/utf8.h"

#include <cstdint>
#include <cstring>

namespace godwit {

namespace {

bool is_continuation(uint8_t byte) {
    return (byte & 0xc0) == 0x80;
}

/// Length of the well-formed multi-byte character at `at`, 0 if there is none within `left` bytes.
size_t multibyte_length(const uint8_t* at, size_t left) {
    const uint8_t lead = at[0];
    if (lead >= 0xc2 && lead <= 0xdf) return left >= 2 && is_continuation(at[1]) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        if (left < 3 || !is_continuation(at[1]) || !is_continuation(at[2])) return 0;
        if (lead == 0xe0 && at[1] < 0xa0) return 0;  // overlong
        if (lead == 0xed && at[1] > 0x9f) return 0;  // surrogate
        return 3;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        if (left < 4 || !is_continuation(at[1]) || !is_continuation(at[2]) ||
            !is_continuation(at[3]))
            return 0;
        if (lead == 0xf0 && at[1] < 0x90) return 0;  // overlong
        if (lead == 0xf4 && at[1] > 0x8f) return 0;  // above U+10FFFF
        return 4;
    }
    return 0;
}

uint64_t load(const uint8_t* at) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    return word;
}

/// True when all eight bytes are in 0x01..0x7f.
bool all_plain_ascii(uint64_t word) {
    const uint64_t highs = 0x8080808080808080, ones = 0x0101010101010101;
    return ((word | (word - ones)) & highs) == 0;
}

}  // namespace

bool is_mqtt_utf8(std::string_view text) {
    const auto* at = reinterpret_cast<const uint8_t*>(text.data());
    size_t left = text.size();
    while (left > 0) {
        if (left >= 8 && all_plain_ascii(load(at))) {
            at += 8, left -= 8;
            continue;
        }
        // The last few bytes, together with some that were looked at before.
        if (left < 8 && text.size() >= 8 && all_plain_ascii(load(at + left - 8))) return true;
        const size_t length = *at == 0 ? 0 : *at < 0x80 ? 1 : multibyte_length(at, left);
        if (length == 0) return false;
        at += length, left -= length;
    }
    return true;
}

}  // namespace godwit
