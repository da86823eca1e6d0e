// HandleTable: owns objects in slots and hands out handles that may go stale but never dangle.
#pragma once

#include "base/assert.h"
#include "base/growth.h"
#include "base/slot_store.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace godwit {

/// Handle is any struct of {uint32_t slot; uint32_t generation;}. Addresses of objects are stable.
/// @cost  insert, find and erase are O(1); 4 bytes a slot besides the object
template <class T, class Handle>
class HandleTable {
public:
    template <class... Args>
    Handle emplace(Args&&... args) {
        uint32_t slot;
        if (free_.empty()) {
            slot = uint32_t(generations_.size());
            make_room(generations_, 16);
            generations_.push_back(1);
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        objects_.emplace(slot, std::forward<Args>(args)...);
        ++size_;
        return Handle{slot, generations_[slot]};
    }

    /// nullptr when the object has ended since the handle was made.
    T* find(Handle handle) const {
        if (handle.slot >= generations_.size()) return nullptr;
        return generations_[handle.slot] == handle.generation ? at(handle.slot) : nullptr;
    }

    /// Whatever lives in this slot now, or nullptr.
    T* at(uint32_t slot) const { return objects_.at(slot); }

    void erase(Handle handle) {
        GW_ASSERT(find(handle) != nullptr);
        ++generations_[handle.slot];
        --size_;
        objects_.erase(handle.slot);
        free_.push_back(handle.slot);
    }

    size_t size() const { return size_; }

    /// Calls visit(handle, object) for each; visit may erase the object it is given, nothing else.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (uint32_t slot = 0; slot < generations_.size(); ++slot)
            if (T* object = at(slot)) visit(Handle{slot, generations_[slot]}, *object);
    }

private:
    SlotStore<T> objects_;
    std::vector<uint32_t> generations_;
    std::vector<uint32_t> free_;
    size_t size_ = 0;
};

}  // namespace godwit
