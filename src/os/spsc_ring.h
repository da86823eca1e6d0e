// SpscRing: a bounded way from one thread to one other, without locks. One per ordered pair of
// shards. What the producer pushes is staged and becomes visible all at once by publish(), once per
// turn, so that the two cores exchange a cache line per turn and not per entry.
#pragma once

#include "base/assert.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

namespace godwit::os {

enum class [[nodiscard]] Push : uint8_t{Staged, Full};

/// @cost  about 1 ns to push, no allocation after construction, one line moved per publish and
/// drain
template <class T>
requires std::is_nothrow_move_constructible_v<T>
class SpscRing {
public:
    /// @param capacity  entries, a power of two
    explicit SpscRing(size_t capacity)
        : mask_(capacity - 1), slots_(std::allocator<T>().allocate(capacity)) {
        GW_ASSERT(std::has_single_bit(capacity));
    }
    SpscRing(const SpscRing&) = delete;
    SpscRing& operator=(const SpscRing&) = delete;
    /// Both threads are done with it. What was staged or published is destroyed.
    ~SpscRing() {
        for (size_t i = consumer_.next; i != producer_.next; ++i) std::destroy_at(&slot(i));
        std::allocator<T>().deallocate(slots_, mask_ + 1);
    }

    size_t capacity() const { return mask_ + 1; }

    // --- the producer's thread ---

    /// Full leaves `entry` as it is: the producer keeps it in its own list and tries next turn.
    Push push(T&& entry) {
        if (producer_.next - producer_.freed_seen > mask_) {
            producer_.freed_seen = freed_.load(std::memory_order_acquire);
            if (producer_.next - producer_.freed_seen > mask_) return Push::Full;
        }
        std::construct_at(&slot(producer_.next), std::move(entry));
        ++producer_.next;
        return Push::Staged;
    }

    /// Makes all staged entries visible; then Waker::wake() of the consumer.
    /// @return how many there were; 0 means that nobody needs to be woken
    size_t publish() {
        const size_t count = producer_.next - producer_.published;
        if (count == 0) return 0;
        producer_.published = producer_.next;
        published_.store(producer_.next, std::memory_order_release);
        return count;
    }

    // --- the consumer's thread ---

    /// Whether nothing is published; the last look before sleeping.
    bool empty() const { return published_.load(std::memory_order_acquire) == consumer_.next; }

    /// Calls visit(T&&) for each published entry, oldest first, at most `count_max` of them. Their
    /// room is given back when all were visited.
    /// @param visit  does not call back into this ring
    /// @return       how many were visited
    template <class Visit>
    size_t drain(Visit&& visit, size_t count_max = std::numeric_limits<size_t>::max()) {
        const size_t begin = consumer_.next;
        if (consumer_.published_seen == begin)
            consumer_.published_seen = published_.load(std::memory_order_acquire);
        const size_t count = std::min(consumer_.published_seen - begin, count_max);
        if (count == 0) return 0;
        for (size_t i = begin; i != begin + count; ++i) {
            visit(std::move(slot(i)));
            std::destroy_at(&slot(i));
        }
        consumer_.next = begin + count;
        freed_.store(consumer_.next, std::memory_order_release);
        return count;
    }

private:
    static constexpr size_t kCacheLineBytes = 64;

    // Indices count for ever and wrap with size_t; the slot is the low part.
    T& slot(size_t index) { return slots_[index & mask_]; }

    struct alignas(kCacheLineBytes) ProducerOnly {
        size_t next = 0;
        size_t published = 0;
        size_t freed_seen = 0;  // a former value of freed_: asked again only when it looks full
    };
    struct alignas(kCacheLineBytes) ConsumerOnly {
        size_t next = 0;
        size_t published_seen = 0;
    };

    const size_t mask_;
    T* const slots_;
    ProducerOnly producer_;
    ConsumerOnly consumer_;
    alignas(kCacheLineBytes) std::atomic<size_t> published_{0};  // written by the producer
    alignas(kCacheLineBytes) std::atomic<size_t> freed_{0};      // written by the consumer
};

}  // namespace godwit::os
