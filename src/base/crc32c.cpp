#include "base/crc32c.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <wmmintrin.h>
#endif

namespace godwit {

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

// slices[k][b]: what byte b does to the checksum when k bytes follow it.
constexpr auto kSlices = [] {
    std::array<std::array<uint32_t, 256>, 8> slices{};
    for (uint32_t b = 0; b < 256; ++b) {
        uint32_t crc = b;
        for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
        slices[0][b] = crc;
    }
    for (size_t k = 1; k < 8; ++k)
        for (size_t b = 0; b < 256; ++b)
            slices[k][b] = slices[k - 1][b] >> 8 ^ slices[0][slices[k - 1][b] & 0xff];
    return slices;
}();

uint32_t load_u32(const uint8_t* at) {
    return uint32_t(at[0]) | uint32_t(at[1]) << 8 | uint32_t(at[2]) << 16 | uint32_t(at[3]) << 24;
}

#if defined(__x86_64__)
constexpr size_t kLongMin = 3 * 8 * 3;  // what is shorter is done before lanes would be one again
constexpr size_t kLaneWordsMax = 64;

// kAhead[n]: x^(64 n - 33) modulo the polynomial. What a checksum is after n more words of zeros is
// the checksum of the word that is its product, without carries, with that: the instruction itself
// multiplies by x^32, and a product of reflected numbers is short of one x.
constexpr auto kAhead = [] {
    std::array<uint32_t, 2 * kLaneWordsMax + 1> ahead{};
    uint32_t power = 1;  // x^31
    for (size_t words = 1; words < ahead.size(); ++words) {
        ahead[words] = power;
        for (int bit = 0; bit < 64; ++bit) power = power >> 1 ^ (power & 1 ? kPolynomial : 0);
    }
    return ahead;
}();

uint64_t load_u64(const uint8_t* at) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    return word;
}

__attribute__((target("pclmul"))) uint64_t product(uint64_t crc, size_t words_ahead) {
    const __m128i both = _mm_clmulepi64_si128(_mm_cvtsi64_si128(int64_t(crc)),
                                              _mm_cvtsi32_si128(int(kAhead[words_ahead])), 0);
    return uint64_t(_mm_cvtsi128_si64(both));
}

/// Three stretches of as many words side by side: the instruction takes three cycles, and may begin
/// in each.
__attribute__((target("sse4.2,pclmul"))) uint64_t crc32c_lanes(uint64_t crc, const uint8_t* at,
                                                               size_t words) {
    const size_t last = words - 1;
    uint64_t second = 0;
    uint64_t third = 0;
    for (size_t i = 0; i < last; ++i) {
        crc = _mm_crc32_u64(crc, load_u64(at + 8 * i));
        second = _mm_crc32_u64(second, load_u64(at + 8 * (words + i)));
        third = _mm_crc32_u64(third, load_u64(at + 8 * (2 * words + i)));
    }
    crc = _mm_crc32_u64(crc, load_u64(at + 8 * last));
    second = _mm_crc32_u64(second, load_u64(at + 8 * (words + last)));
    const uint64_t before = product(crc, 2 * words) ^ product(second, words);
    return _mm_crc32_u64(third, load_u64(at + 8 * (2 * words + last)) ^ before);
}

__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(const uint8_t* at, size_t left,
                                                        uint64_t crc) {
    for (; left >= 8; left -= 8, at += 8) crc = _mm_crc32_u64(crc, load_u64(at));
    if (left & 4) {
        crc = _mm_crc32_u32(uint32_t(crc), load_u32(at));
        at += 4;
    }
    if (left & 2) {
        crc = _mm_crc32_u16(uint32_t(crc), uint16_t(at[0] | at[1] << 8));
        at += 2;
    }
    if (left & 1) crc = _mm_crc32_u8(uint32_t(crc), *at);
    return uint32_t(crc);
}

__attribute__((target("sse4.2,pclmul"))) uint32_t crc32c_long(const uint8_t* at, size_t left,
                                                              uint64_t crc) {
    while (left >= kLongMin) {
        const size_t words = std::min(left / (3 * 8), kLaneWordsMax);
        crc = crc32c_lanes(crc, at, words);
        at += 3 * 8 * words;
        left -= 3 * 8 * words;
    }
    return crc32c_sse42(at, left, crc);
}

__attribute__((target("sse4.2,pclmul"))) uint32_t crc32c_short_and_long(Bytes first, Bytes second) {
    const uint32_t crc = crc32c_sse42(first.data(), first.size(), ~0u);
    return ~crc32c_long(second.data(), second.size(), crc);
}

bool has_instructions() {
    return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("pclmul");
}
#endif

}  // namespace

uint32_t crc32c_portable(Bytes bytes, uint32_t seed) {
    uint32_t crc = ~seed;
    const uint8_t* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        const uint32_t low = load_u32(at) ^ crc;
        const uint32_t high = load_u32(at + 4);
        crc = kSlices[7][low & 0xff] ^ kSlices[6][low >> 8 & 0xff] ^ kSlices[5][low >> 16 & 0xff] ^
              kSlices[4][low >> 24] ^ kSlices[3][high & 0xff] ^ kSlices[2][high >> 8 & 0xff] ^
              kSlices[1][high >> 16 & 0xff] ^ kSlices[0][high >> 24];
    }
    for (; left > 0; --left, ++at) crc = crc >> 8 ^ kSlices[0][(crc ^ *at) & 0xff];
    return ~crc;
}

uint32_t crc32c(Bytes bytes, uint32_t seed) {
#if defined(__x86_64__)
    if (has_instructions()) return ~crc32c_long(bytes.data(), bytes.size(), ~seed);
#endif
    return crc32c_portable(bytes, seed);
}

uint32_t crc32c_of_both(Bytes first, Bytes second) {
#if defined(__x86_64__)
    if (has_instructions()) return crc32c_short_and_long(first, second);
#endif
    return crc32c_portable(second, crc32c_portable(first));
}

}  // namespace godwit
