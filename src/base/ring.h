// Ring: a queue in one growing array, for what is mostly empty or short: a session's queue of ten
// costs ten elements, not a deque's page. One that was short keeps its few places when it is empty,
// until trim().
#pragma once

#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace godwit {

/// T is default constructible and movable.
/// @cost  push and pop at both ends amortized O(1); erase_at moves the shorter side
template <class T>
class Ring {
public:
    bool empty() const { return size_ == 0; }
    size_t size() const { return size_; }
    T& operator[](size_t i) { return slots_[place(i)]; }
    const T& operator[](size_t i) const { return slots_[place(i)]; }
    T& front() { return (*this)[0]; }
    const T& front() const { return (*this)[0]; }
    T& back() { return (*this)[size_ - 1]; }
    const T& back() const { return (*this)[size_ - 1]; }

    void push_back(T value) {
        make_room();
        slots_[place(size_)] = std::move(value);
        ++size_;
    }
    void push_front(T value) {
        make_room();
        begin_ = (begin_ - 1) & (capacity_ - 1);
        slots_[begin_] = std::move(value);
        ++size_;
    }
    T pop_front() {
        GW_ASSERT(size_ > 0);
        T value = std::exchange(slots_[begin_], T{});
        begin_ = (begin_ + 1) & (capacity_ - 1);
        shrink();
        return value;
    }
    T pop_back() {
        GW_ASSERT(size_ > 0);
        T value = std::exchange(back(), T{});
        shrink();
        return value;
    }
    /// Takes element `i` out; the order of the others stays.
    T erase_at(size_t i) {
        GW_ASSERT(i < size_);
        if (i < size_ / 2) {
            T value = std::move((*this)[i]);
            for (; i > 0; --i) (*this)[i] = std::move((*this)[i - 1]);
            (void)pop_front();
            return value;
        }
        T value = std::move((*this)[i]);
        for (; i + 1 < size_; ++i) (*this)[i] = std::move((*this)[i + 1]);
        (void)pop_back();
        return value;
    }
    /// Takes the first one out and drops it.
    void drop_front() {
        GW_ASSERT(size_ > 0);
        slots_[begin_] = T{};
        begin_ = (begin_ + 1) & (capacity_ - 1);
        shrink();
    }
    void clear() { *this = Ring(); }
    /// Owns nothing afterwards, if it is empty.
    void trim() {
        if (empty()) clear();
    }
    size_t memory_bytes() const { return capacity_ * sizeof(T); }

    Ring() = default;
    Ring(Ring&& other) noexcept { swap(other); }
    Ring& operator=(Ring&& other) noexcept {
        Ring taken(std::move(other));
        swap(taken);
        return *this;
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() = default;

private:
    size_t place(size_t i) const { return (begin_ + i) & (capacity_ - 1); }
    void swap(Ring& other) noexcept {
        std::swap(slots_, other.slots_);
        std::swap(begin_, other.begin_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    void make_room() {
        if (size_ == capacity_) resize(capacity_ ? capacity_ * 2 : kCapacityMin);
    }
    void shrink() {
        if (--size_ == 0 && capacity_ > kCapacityMin) return clear();
        if (capacity_ > 64 && size_ < capacity_ / 4) resize(capacity_ / 2);
    }
    void resize(uint32_t capacity) {
        auto slots = std::make_unique<T[]>(capacity);
        for (size_t i = 0; i < size_; ++i) slots[i] = std::move((*this)[i]);
        slots_ = std::move(slots);
        begin_ = 0;
        capacity_ = capacity;
    }
    static constexpr uint32_t kCapacityMin = 4;
    std::unique_ptr<T[]> slots_;
    uint32_t begin_ = 0;
    uint32_t size_ = 0;
    uint32_t capacity_ = 0;  // a power of two
};

}  // namespace godwit
