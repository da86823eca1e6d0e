// SegmentTable: the segments that hold records, oldest first. Numbers ascend, with holes.
#pragma once

#include "base/assert.h"
#include "store/log_format.h"

#include <cstdint>
#include <deque>

namespace godwit::store {

struct Segment {
    SegmentKey key;            // number 0: a hole
    uint32_t bytes = 0;        // of the file
    uint32_t end = 0;          // behind its last group
    uint32_t living = 0;       // objects whose last put stands here
    uint64_t died_ticket = 0;  // the group that took the last object from here
    bool sealed = false;       // nothing will be written to it any more
    bool damaged = false;      // to be set aside
};

class SegmentTable {
public:
    bool empty() const { return segments_.empty(); }
    Segment& front() { return segments_.front(); }
    Segment& back() { return segments_.back(); }
    const Segment& back() const { return segments_.back(); }
    /// The segment stands in the table.
    Segment& at(uint32_t number) {
        Segment* segment = find(number);
        GW_ASSERT(segment);
        return *segment;
    }
    Segment* find(uint32_t number) {
        if (segments_.empty() || number < first_ || number - first_ >= segments_.size())
            return nullptr;
        Segment& segment = segments_[number - first_];
        return segment.key.number != 0 ? &segment : nullptr;
    }
    /// Its number is above all others.
    void add(Segment segment) {
        GW_ASSERT(segments_.empty() || segment.key.number > segments_.back().key.number);
        if (segments_.empty()) first_ = segment.key.number;
        segments_.resize(segment.key.number - first_);
        segments_.push_back(segment);
        ++count_;
        full_bytes_ += segment.bytes;
    }
    void pop_front() { remove(segments_.front().key.number); }
    void remove(uint32_t number) {
        Segment& segment = at(number);
        full_bytes_ -= segment.bytes;
        --count_;
        segment = {};
        while (!segments_.empty() && segments_.front().key.number == 0) {
            segments_.pop_front();
            ++first_;
        }
        while (!segments_.empty() && segments_.back().key.number == 0) segments_.pop_back();
    }

    uint32_t count() const { return count_; }
    /// Of their files; of the one that is still written only the part in use.
    uint64_t used_bytes() const {
        if (segments_.empty()) return 0;
        const Segment& last = segments_.back();
        return last.sealed ? full_bytes_ : full_bytes_ - last.bytes + last.end;
    }
    uint64_t file_bytes() const { return full_bytes_; }
    struct Oldest {
        Segment* segment = nullptr;  // the oldest in which an object lives; nullptr: none
        uint64_t dead_bytes = 0;     // of the segments before it
    };
    Oldest oldest_living() {
        Oldest out;
        for (Segment& segment : segments_) {
            if (segment.living > 0) {
                out.segment = &segment;
                return out;
            }
            out.dead_bytes += segment.bytes;
        }
        return out;
    }

private:
    std::deque<Segment> segments_;
    uint32_t first_ = 0;  // number of the front
    uint32_t count_ = 0;
    uint64_t full_bytes_ = 0;
};

}  // namespace godwit::store
