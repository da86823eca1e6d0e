// ObjectTable: where the last put of every living object stands. Dense by id, 16 bytes an object.
#pragma once

#include "base/assert.h"
#include "base/ids.h"
#include "base/paged_array.h"
#include "store/log_format.h"

#include <cstdint>

namespace godwit::store {

/// The place of a put: in a segment, or in a batch that is not on disk yet.
struct Place {
    static constexpr uint32_t kBatchFlag = 1u << 31;

    uint32_t where =
        0;  // segment number, or kBatchFlag | batch number; 0: the object does not live
    uint32_t offset = 0;
    uint32_t body_bytes = 0;
    uint32_t note_bytes = 0;  // of the records of its notes since

    static uint32_t in_batch(uint32_t batch) { return kBatchFlag | batch; }
    bool lives() const { return where != 0; }
    bool is_on_disk() const { return lives() && !(where & kBatchFlag); }
    uint64_t live_bytes() const { return record_bytes(body_bytes) + note_bytes; }
    bool stands_at(uint32_t other_where, uint32_t other_offset) const {
        return where == other_where && offset == other_offset;
    }
};
static_assert(sizeof(Place) == 16);

/// The `where` and `offset` of a place.
struct Spot {
    uint32_t where = 0;
    uint32_t offset = 0;
};

class ObjectTable {
public:
    Place find(ObjectId id) const {
        return id.value < places_.size() ? places_[id.value] : Place{};
    }
    /// @return what stood there before
    Place put(ObjectId id, Place place) {
        GW_ASSERT(id.value != 0 && id < kFiller && place.lives());
        places_.grow_to(size_t(id.value) + 1);
        Place& entry = places_[id.value];
        const Place before = entry;
        live_bytes_ += place.live_bytes();
        if (before.lives())
            live_bytes_ -= before.live_bytes();
        else
            ++count_;
        entry = place;
        return before;
    }
    /// The object lives. @return what stood there before
    Place erase(ObjectId id) {
        Place& entry = living(id);
        const Place before = entry;
        live_bytes_ -= before.live_bytes();
        --count_;
        entry = {};
        return before;
    }
    /// The object lives.
    void add_note(ObjectId id, uint64_t body_bytes) {
        const uint64_t bytes = record_bytes(body_bytes);
        living(id).note_bytes += uint32_t(bytes);
        live_bytes_ += bytes;
    }
    /// The same put, now elsewhere.
    void move(ObjectId id, uint32_t where, uint32_t offset) {
        Place& entry = living(id);
        entry.where = where;
        entry.offset = offset;
    }

    /// The same if it stands there. @return  whether it does
    bool move_from(ObjectId id, const Spot& from, const Spot& to) {
        if (id.value >= places_.size()) return false;
        Place& entry = places_[id.value];
        if (!entry.stands_at(from.where, from.offset)) return false;
        entry.where = to.where;
        entry.offset = to.offset;
        return true;
    }

    /// Of living objects: their put and notes, headers included.
    uint64_t live_bytes() const { return live_bytes_; }
    uint64_t count() const { return count_; }
    /// Ids are below this.
    uint32_t end() const { return uint32_t(places_.size()); }

private:
    Place& living(ObjectId id) {
        GW_ASSERT(id.value < places_.size() && places_[id.value].lives());
        return places_[id.value];
    }

    PagedArray<Place> places_;
    uint64_t live_bytes_ = 0;
    uint64_t count_ = 0;
};

}  // namespace godwit::store
