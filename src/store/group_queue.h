// GroupQueue: what was written and is not on disk yet, in batches. A batch becomes one group on
// disk; it gathers what several commits wrote while the disk was busy.
#pragma once

#include "base/room_buffer.h"
#include "store/log_format.h"

#include <cstdint>
#include <deque>

namespace godwit::store {

struct Batch {
    uint32_t number = 0;
    RoomBuffer bytes;      // room for the group record, then records of the segment `key`
    uint64_t ticket = 0;   // of the last commit in it
    bool is_open = false;  // holds records that no commit has followed
    uint32_t count = 0;
    uint32_t check = 0;
    SegmentKey key;
    bool is_placed = false;
};

class GroupQueue {
public:
    /// @param batch_bytes  a batch takes no further commit from here on
    explicit GroupQueue(uint32_t batch_bytes) : batch_bytes_(batch_bytes) {}

    struct Begun {
        uint32_t batch = 0;
        uint32_t offset = 0;
        uint8_t* body = nullptr;  // valid until end()
    };
    /// A record whose body is written by the caller, who then calls end() before anything else.
    Begun begin(RecordKind kind, ObjectId id, uint64_t body_bytes);
    void end(const Begun& begun);
    /// @return the ticket of all that was written so far
    uint64_t commit();
    uint64_t committed() const { return committed_; }
    /// The ticket that covers all that was written so far.
    uint64_t covering_ticket() const {
        return committed_ + (!batches_.empty() && batches_.back().is_open ? 1 : 0);
    }

    /// Where groups are likely to go from now on: their records are written for this segment.
    void expect(const SegmentKey& key) { expected_ = key; }
    /// The next for the disk; nullptr: none is complete.
    Batch* ready();
    /// Makes the batch a group of that segment, or again of another one.
    static void place(Batch& batch, uint64_t sequence, const SegmentKey& key);
    /// Makes a complete batch that was never placed so much longer, by a filler.
    /// @param bytes  kRecordHeaderBytes at least, a multiple of kRecordAlignment
    void fill(Batch& batch, uint64_t bytes);
    /// The front batch is on disk; its buffer is used again.
    void pop();

    /// The record that stands there in memory. nullptr: the disk has the bytes at the moment.
    const uint8_t* find(uint32_t batch, uint32_t offset) const;
    uint64_t pending_bytes() const { return pending_bytes_; }

private:
    Batch& forming();
    void sum_last();

    uint32_t batch_bytes_;
    std::deque<Batch> batches_;
    std::deque<RoomBuffer> spare_buffers_;
    size_t unsummed_ = 0;  // where in the last batch the last record is, if it has no checksum yet
    uint32_t next_number_ = 1;
    SegmentKey expected_;
    uint64_t committed_ = 0;
    uint64_t pending_bytes_ = 0;
};

/// Calls take(at, offset) for each record behind the group record.
template <class Take>
void for_each_record(RoomBuffer& group, Take take) {
    for (size_t at = kGroupRecordBytes; at < group.size();) {
        uint8_t* record = group.data() + at;
        take(record, uint32_t(at));
        at += record_bytes(peek_body_bytes(record));
    }
}

}  // namespace godwit::store
