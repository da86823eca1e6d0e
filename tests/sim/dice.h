// Dice: how a plan is drawn. Same seed, same draws.
#pragma once

#include "base/instant.h"
#include "base/random.h"

#include <chrono>
#include <initializer_list>

namespace godwit::sim {

class Dice {
protected:
    explicit Dice(uint64_t seed) : random_(seed) {}
    ~Dice() = default;

    uint64_t below(uint64_t bound) { return random_.below(bound); }
    bool one_in(uint64_t n) { return below(n) == 0; }
    template <class T>
    T pick(std::initializer_list<T> values) {
        return values.begin()[below(values.size())];
    }
    Duration up_to(std::chrono::milliseconds most) {
        return Duration(below(uint64_t(Duration(most).count()) + 1));
    }

    Random random_;
};

}  // namespace godwit::sim
