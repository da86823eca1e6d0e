// HandleTable: owns objects in slots and hands out handles that may go stale but never dangle.
#pragma once

#include "base/assert.h"

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace godwit {

/// Handle is any struct of {uint32_t slot; uint32_t generation;}. Addresses of objects are stable.
/// @cost  insert, find and erase are O(1); 16 bytes a slot besides the object
template <class T, class Handle>
class HandleTable {
public:
    template <class... Args>
    Handle emplace(Args&&... args) {
        uint32_t slot;
        if (free_.empty()) {
            slot = uint32_t(slots_.size());
            slots_.emplace_back();
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        Slot& s = slots_[slot];
        s.object = std::make_unique<T>(std::forward<Args>(args)...);
        ++size_;
        return Handle{slot, s.generation};
    }

    /// nullptr when the object has ended since the handle was made.
    T* find(Handle handle) const {
        if (handle.slot >= slots_.size()) return nullptr;
        const Slot& s = slots_[handle.slot];
        return s.generation == handle.generation ? s.object.get() : nullptr;
    }

    /// Whatever lives in this slot now, or nullptr.
    T* at(uint32_t slot) const {
        return slot < slots_.size() ? slots_[slot].object.get() : nullptr;
    }

    void erase(Handle handle) {
        GW_ASSERT(find(handle) != nullptr);
        Slot& s = slots_[handle.slot];
        const std::unique_ptr<T> dying = std::move(s.object);
        ++s.generation;
        --size_;
        free_.push_back(handle.slot);
    }

    size_t size() const { return size_; }

    /// Calls visit(handle, object) for each; visit may erase the object it is given, nothing else.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (uint32_t slot = 0; slot < slots_.size(); ++slot)
            if (slots_[slot].object)
                visit(Handle{slot, slots_[slot].generation}, *slots_[slot].object);
    }

private:
    struct Slot {
        std::unique_ptr<T> object;
        uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    size_t size_ = 0;
};

}  // namespace godwit
