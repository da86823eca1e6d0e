// Ring: a queue in one growing array, for what is mostly empty or short. An empty one is a pointer;
// a session's queue of ten costs twelve elements, not a deque's page. One that was short keeps its
// few places when it is empty, until trim().
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace godwit {

/// T is default constructible and movable.
/// @cost  push and pop at both ends amortized O(1); erase_at moves the shorter side
template <class T>
class Ring {
public:
    bool empty() const { return size() == 0; }
    size_t size() const { return head_->size; }
    T& operator[](size_t i) { return slots()[place(i)]; }
    const T& operator[](size_t i) const { return slots()[place(i)]; }
    T& front() { return (*this)[0]; }
    const T& front() const { return (*this)[0]; }
    T& back() { return (*this)[size() - 1]; }
    const T& back() const { return (*this)[size() - 1]; }

    void push_back(T value) {
        make_room();
        slots()[place(head_->size)] = std::move(value);
        ++head_->size;
    }
    void push_front(T value) {
        make_room();
        head_->begin = (head_->begin == 0 ? head_->capacity : head_->begin) - 1;
        slots()[head_->begin] = std::move(value);
        ++head_->size;
    }
    T pop_front() {
        GW_ASSERT(!empty());
        T value = std::exchange(front(), T{});
        step();
        return value;
    }
    T pop_back() {
        GW_ASSERT(!empty());
        T value = std::exchange(back(), T{});
        shrink();
        return value;
    }
    /// Takes element `i` out; the order of the others stays.
    T erase_at(size_t i) {
        GW_ASSERT(i < size());
        T value = std::move((*this)[i]);
        if (i < size() / 2) {
            for (; i > 0; --i) (*this)[i] = std::move((*this)[i - 1]);
            (void)pop_front();
        } else {
            for (; i + 1 < size(); ++i) (*this)[i] = std::move((*this)[i + 1]);
            (void)pop_back();
        }
        return value;
    }
    /// Takes the first one out and drops it.
    void drop_front() {
        GW_ASSERT(!empty());
        front() = T{};
        step();
    }
    void clear() { *this = Ring(); }
    /// Owns nothing afterwards, if it is empty.
    void trim() {
        if (empty()) clear();
    }
    size_t memory_bytes() const {
        return head_->capacity ? kSlotsAt + head_->capacity * sizeof(T) : 0;
    }

    Ring() = default;
    Ring(Ring&& other) noexcept { std::swap(head_, other.head_); }
    Ring& operator=(Ring&& other) noexcept {
        Ring taken(std::move(other));
        std::swap(head_, taken.head_);
        return *this;
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring() {
        if (head_ == &kNone) return;
        std::destroy_n(slots(), head_->capacity);
        ::operator delete(head_);
    }

private:
    struct Head {
        uint32_t begin, size, capacity;
    };
    static constexpr size_t kSlotsAt = (sizeof(Head) + alignof(T) - 1) / alignof(T) * alignof(T);
    static constexpr uint32_t kCapacityMin = 4;
    static_assert(alignof(T) <= alignof(std::max_align_t));

    T* slots() { return reinterpret_cast<T*>(reinterpret_cast<char*>(head_) + kSlotsAt); }
    const T* slots() const {
        return reinterpret_cast<const T*>(reinterpret_cast<const char*>(head_) + kSlotsAt);
    }
    size_t place(size_t i) const {
        const size_t at = head_->begin + i;
        return at < head_->capacity ? at : at - head_->capacity;
    }
    void step() {
        head_->begin = uint32_t(place(1));
        shrink();
    }
    void make_room() {
        const uint32_t capacity = head_->capacity;
        if (head_->size < capacity) return;
        resize(capacity < 16 ? capacity + kCapacityMin : capacity + capacity / 2);
    }
    void shrink() {
        const uint32_t capacity = head_->capacity;
        if (--head_->size == 0 && capacity > kCapacityMin) return clear();
        if (capacity > 64 && head_->size < capacity / 4) resize(capacity / 2);
    }
    void resize(uint32_t capacity) {
        Ring grown;
        grown.head_ = new (::operator new(kSlotsAt + capacity * sizeof(T))) Head{0, 0, capacity};
        std::uninitialized_value_construct_n(grown.slots(), capacity);
        for (size_t i = 0; i < size(); ++i) grown.slots()[i] = std::move((*this)[i]);
        grown.head_->size = head_->size;
        std::swap(head_, grown.head_);
    }

    static inline constinit Head kNone{0, 0, 0};  // of all that are empty; never written
    Head* head_ = &kNone;                         // the slots follow it
};

}  // namespace godwit
