// Dice: how a plan is drawn. Same seed and choices, same draws.
#pragma once

#include "base/bytes.h"
#include "base/instant.h"
#include "base/random.h"

#include <chrono>
#include <initializer_list>

namespace godwit::sim {

class Dice {
protected:
    /// @param choices  what is drawn first, from as few bytes each as its bound needs; then come
    ///                 numbers of the seed. Changing one byte changes one choice
    explicit Dice(uint64_t seed, Bytes choices = {}) : random_(seed), choices_(choices) {}
    ~Dice() = default;

    uint64_t below(uint64_t bound) {
        const size_t wanted = bound <= 0x100 ? 1 : bound <= 0x10000 ? 2 : 4;
        if (choices_.size() < wanted) return random_.below(bound);
        uint64_t chosen = 0;
        for (size_t i = 0; i < wanted; ++i) chosen = chosen << 8 | choices_[i];
        choices_ = choices_.subspan(wanted);
        return uint64_t(static_cast<unsigned __int128>(chosen) * bound >> (8 * wanted));
    }
    bool one_in(uint64_t n) { return below(n) == 0; }
    template <class T>
    T pick(std::initializer_list<T> values) {
        return values.begin()[below(values.size())];
    }
    Duration up_to(std::chrono::milliseconds most) {
        return Duration(below(uint64_t(Duration(most).count()) + 1));
    }

    Random random_;

private:
    Bytes choices_;
};

}  // namespace godwit::sim
