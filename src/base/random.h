// Deterministic pseudo random numbers from a seed. Not for secrets: keys and nonces come from
// src/os.
#pragma once

#include <cstdint>

namespace godwit {

/// SplitMix64. Same seed, same numbers.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    /// Uniform in 0 .. bound-1 (bound > 0), with a bias below 2^-32 for bounds below 2^32.
    uint64_t below(uint64_t bound) {
        return uint64_t((static_cast<unsigned __int128>(next()) * bound) >> 64);
    }

private:
    uint64_t state_;
};

}  // namespace godwit
