#include "base/hash.h"

#include <bit>

namespace godwit {

namespace {

struct SipState {
    uint64_t v0, v1, v2, v3;
    void round() {
        v0 += v1, v1 = std::rotl(v1, 13), v1 ^= v0, v0 = std::rotl(v0, 32);
        v2 += v3, v3 = std::rotl(v3, 16), v3 ^= v2;
        v0 += v3, v3 = std::rotl(v3, 21), v3 ^= v0;
        v2 += v1, v1 = std::rotl(v1, 17), v1 ^= v2, v2 = std::rotl(v2, 32);
    }
    void absorb(uint64_t word) {
        v3 ^= word;
        round();
        v0 ^= word;
    }
};

uint64_t load_le(const uint8_t* at) {
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    static_assert(std::endian::native == std::endian::little);
    return word;
}

}  // namespace

uint64_t keyed_hash(Bytes bytes, const HashKey& key) {
    SipState state{key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
                   key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573};
    const uint8_t* at = bytes.data();
    size_t left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) state.absorb(load_le(at));
    uint64_t last = uint64_t(bytes.size()) << 56;
    for (size_t i = 0; i < left; ++i) last |= uint64_t(at[i]) << (8 * i);
    state.absorb(last);
    state.v2 ^= 0xff;
    state.round(), state.round(), state.round();
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace godwit
