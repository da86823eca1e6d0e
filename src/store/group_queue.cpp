#include "store/group_queue.h"

#include "base/assert.h"
#include "store/object_table.h"

#include <algorithm>
#include <utility>

namespace godwit::store {

namespace {

constexpr size_t kSpareBuffersMax = 2;  // one is at the disk while the other is filled
/// A larger one came of a busy moment.
constexpr size_t kSpareBufferBytesMax = 4 << 20;
/// What had a larger group is not kept when nothing more waits: a busy time may be over.
constexpr size_t kIdleBytesMax = 128 << 10;

}  // namespace

GroupQueue::Begun GroupQueue::begin(RecordKind kind, ObjectId id, uint64_t body_bytes) {
    sum_last();
    Batch& batch = forming();
    const size_t at = batch.bytes.size();
    uint8_t* record = batch.bytes.extend(record_bytes(body_bytes));
    GW_ASSERT(batch.bytes.size() < (1u << 31));
    begin_record(record, kind, id, body_bytes);
    batch.is_open = true;
    return {batch.number, uint32_t(at), record + kRecordHeaderBytes};
}

void GroupQueue::end(const Begun& begun) {
    unsummed_ = begun.offset;
    pending_bytes_ += batches_.back().bytes.size() - begun.offset;
}

/// When the next record begins, or none is to follow: what has just been written byte by byte is
/// read eight at a time only after a wait until the cache has it, 17 ns.
void GroupQueue::sum_last() {
    if (unsummed_ == 0) return;
    Batch& batch = batches_.back();
    uint8_t* record = batch.bytes.data() + std::exchange(unsummed_, 0);
    batch.check = extend_check(batch.check, end_record(record));
    move_record(record, {}, batch.key);
    ++batch.count;
}

uint64_t GroupQueue::commit() {
    if (batches_.empty() || !batches_.back().is_open) return committed_;
    sum_last();
    Batch& batch = batches_.back();
    batch.is_open = false;
    batch.ticket = ++committed_;
    return committed_;
}

Batch* GroupQueue::ready() {
    return batches_.empty() || batches_.front().is_open ? nullptr : &batches_.front();
}

void GroupQueue::place(Batch& batch, uint64_t sequence, const SegmentKey& key) {
    if (const SegmentKey before = std::exchange(batch.key, key); before != key)
        for_each_record(batch.bytes,
                        [&](uint8_t* record, uint32_t) { move_record(record, before, key); });
    batch.is_placed = true;
    const auto bytes = uint32_t(batch.bytes.size() - kGroupRecordBytes);
    const Buffer body = encode_group_body({sequence, bytes, batch.count, batch.check});
    uint8_t* head = batch.bytes.data();
    begin_record(head, RecordKind::Group, {}, body.size());
    std::copy(body.begin(), body.end(), head + kRecordHeaderBytes);
    end_record(head);
    move_record(head, {}, key);
}

void GroupQueue::fill(Batch& batch, uint64_t bytes) {
    GW_ASSERT(!batch.is_open && !batch.is_placed);
    uint8_t* record = batch.bytes.extend(bytes);
    std::fill_n(record, bytes, uint8_t(0));
    begin_record(record, RecordKind::Erase, kFiller, bytes - kRecordHeaderBytes);
    batch.check = extend_check(batch.check, end_record(record));
    move_record(record, {}, batch.key);
    ++batch.count;
    pending_bytes_ += bytes;
}

void GroupQueue::pop() {
    Batch& batch = batches_.front();
    pending_bytes_ -= batch.bytes.size() - kGroupRecordBytes;
    const bool waits_more = batches_.size() > 1;
    if (!waits_more) spare_buffers_.clear();
    const bool fits = waits_more ? batch.bytes.capacity() <= kSpareBufferBytesMax
                                 : batch.bytes.size() <= kIdleBytesMax;
    if (fits && spare_buffers_.size() < kSpareBuffersMax)
        spare_buffers_.push_back(std::move(batch.bytes));
    batches_.pop_front();
}

const uint8_t* GroupQueue::find(uint32_t batch, uint32_t offset) const {
    for (const Batch& each : batches_)
        if (each.number == batch) return each.bytes.empty() ? nullptr : each.bytes.data() + offset;
    GW_ASSERT(!"a place in a batch that is gone");
    return nullptr;
}

/// The batch that takes the next record. One that the disk has at work takes none: it was placed.
Batch& GroupQueue::forming() {
    const bool takes_more =
        !batches_.empty() && !batches_.back().is_placed &&
        (batches_.back().is_open || batches_.back().bytes.size() < batch_bytes_);
    if (takes_more) return batches_.back();
    Batch batch;
    batch.key = expected_;
    batch.number = std::exchange(next_number_, (next_number_ + 1) & (Place::kBatchFlag - 1));
    if (!spare_buffers_.empty()) {
        batch.bytes = std::move(spare_buffers_.back());
        spare_buffers_.pop_back();
    }
    batch.bytes.cut(0);
    batch.bytes.reserve(2 * size_t(batch_bytes_));  // the last commit in it has room
    batch.bytes.append_zeros(kGroupRecordBytes);
    batches_.push_back(std::move(batch));
    return batches_.back();
}

}  // namespace godwit::store
