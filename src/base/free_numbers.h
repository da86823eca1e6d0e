// FreeNumbers: which of the numbers from 0 on are free; the lowest is taken first. So numbers that
// are taken in a row lie close together, whatever the order in which they became free.
#pragma once

#include "base/assert.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace godwit {

/// @cost  a bit for each number up to the highest that was ever free, and a 64th of that
class FreeNumbers {
public:
    size_t count() const { return count_; }
    bool empty() const { return count_ == 0; }

    void add(uint32_t number) {
        const size_t word = number / 64;
        if (word >= words_.size()) {
            words_.resize(word + 1);
            with_any_.resize(word / 64 + 1);
        }
        const uint64_t bit = uint64_t(1) << number % 64;
        GW_ASSERT((words_[word] & bit) == 0);
        words_[word] |= bit;
        with_any_[word / 64] |= uint64_t(1) << word % 64;
        if (word / 64 < first_) first_ = word / 64;
        ++count_;
    }

    /// The lowest. Not when empty.
    uint32_t take() {
        GW_ASSERT(count_ > 0);
        while (with_any_[first_] == 0) ++first_;
        const size_t word = first_ * 64 + size_t(std::countr_zero(with_any_[first_]));
        const auto number = uint32_t(word * 64 + size_t(std::countr_zero(words_[word])));
        words_[word] &= words_[word] - 1;
        if (words_[word] == 0) with_any_[first_] &= with_any_[first_] - 1;
        --count_;
        return number;
    }

    void clear() { *this = {}; }

private:
    std::vector<uint64_t> words_;     // a bit set: that number is free
    std::vector<uint64_t> with_any_;  // a bit set: that word has one
    size_t first_ = 0;                // in with_any_: below it there is none
    size_t count_ = 0;
};

}  // namespace godwit
