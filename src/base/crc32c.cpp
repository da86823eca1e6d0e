#include "base/crc32c.h"

#include <array>

#if defined(__x86_64__)
#include <nmmintrin.h>
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
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(Bytes bytes, uint32_t seed) {
    uint64_t crc = ~seed;
    const uint8_t* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word = 0;
        std::memcpy(&word, at, 8);
        crc = _mm_crc32_u64(crc, word);
    }
    if (left & 4) {
        crc = _mm_crc32_u32(uint32_t(crc), load_u32(at));
        at += 4;
    }
    if (left & 2) {
        crc = _mm_crc32_u16(uint32_t(crc), uint16_t(at[0] | at[1] << 8));
        at += 2;
    }
    if (left & 1) crc = _mm_crc32_u8(uint32_t(crc), *at);
    return ~uint32_t(crc);
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
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(bytes, seed);
#endif
    return crc32c_portable(bytes, seed);
}

}  // namespace godwit
