// SlotStore: objects by the number of their slot, in chunks of 64: without a pointer, a head or a
// rounding of their own, and at one place for as long as they live.
#pragma once

#include "base/assert.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace godwit {

/// @cost  all O(1); a chunk lives as long as one of its objects, and one more than that, so that
/// those who come and go at the edge of a chunk leave no holes
template <class T>
class SlotStore {
public:
    /// nullptr: nothing is there.
    T* at(uint32_t slot) const {
        if (slot >= end()) return nullptr;
        Chunk* chunk = chunks_[slot / kSlots].get();
        return chunk && chunk->holds(slot % kSlots) ? chunk->at(slot % kSlots) : nullptr;
    }
    /// The slot is empty.
    template <class... Args>
    T& emplace(uint32_t slot, Args&&... args) {
        if (slot >= end()) chunks_.resize(slot / kSlots + 1);
        auto& chunk = chunks_[slot / kSlots];
        if (!chunk) chunk = spare_ ? std::move(spare_) : std::make_unique_for_overwrite<Chunk>();
        GW_ASSERT(!chunk->holds(slot % kSlots));
        T* const made =
            new (chunk->room + slot % kSlots * sizeof(T)) T(std::forward<Args>(args)...);
        chunk->live |= uint64_t(1) << slot % kSlots;
        return *made;
    }
    /// Something is there.
    void erase(uint32_t slot) {
        GW_ASSERT(at(slot) != nullptr);
        auto& chunk = chunks_[slot / kSlots];
        chunk->live &= ~(uint64_t(1) << slot % kSlots);
        chunk->at(slot % kSlots)->~T();
        if (chunk->live == 0) spare_ = std::move(chunk);
    }
    /// Above every slot in use.
    uint32_t end() const { return uint32_t(chunks_.size()) * kSlots; }

    /// Calls visit(object) for each, in the order of slots; visit may erase the one it is given.
    template <class Visit>
    void for_each(Visit&& visit) const {
        for (uint32_t slot = 0; slot < end(); ++slot)
            if (T* object = at(slot)) visit(*object);
    }

private:
    static constexpr uint32_t kSlots = 64;
    struct Chunk {
        Chunk() = default;
        Chunk(const Chunk&) = delete;
        Chunk& operator=(const Chunk&) = delete;
        ~Chunk() {
            for (; live != 0; live &= live - 1) at(uint32_t(std::countr_zero(live)))->~T();
        }
        bool holds(uint32_t index) const { return (live >> index & 1) != 0; }
        T* at(uint32_t index) {
            return std::launder(reinterpret_cast<T*>(room + index * sizeof(T)));
        }

        uint64_t live = 0;
        alignas(T) std::byte room[kSlots * sizeof(T)];
    };
    std::vector<std::unique_ptr<Chunk>> chunks_;
    std::unique_ptr<Chunk> spare_;  // nothing is in it
};

}  // namespace godwit
