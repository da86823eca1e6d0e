#include "store/log.h"

#include "base/assert.h"
#include "store/log_format.h"

#include <algorithm>
#include <utility>

namespace godwit::store {

namespace {

constexpr uint32_t kBatchBytesMax = 1 << 20;
/// Of one read, where more objects are asked for.
constexpr uint32_t kReadAheadBytes = 32 << 10;

}  // namespace

Log::Log(const Options& options, uint32_t next_number, ObjectTable objects)
    : options_(options),
      objects_(std::move(objects)),
      queue_(std::min(kBatchBytesMax, options.segment_bytes / 4)),
      space_(options, next_number) {
    GW_ASSERT(options.segment_bytes >= Options::kSegmentBytesMin &&
              options.segment_bytes <= Options::kSegmentBytesMax);
    GW_ASSERT(options.spares >= 1 && options.durability != Durability::Memory);
}

// --- changing ---

GroupQueue::Begun Log::begin_put(ObjectId id, size_t bytes) {
    const auto begun = queue_.begin(RecordKind::Put, id, bytes);
    const Place before =
        objects_.put(id, {Place::in_batch(begun.batch), begun.offset, uint32_t(bytes), 0});
    if (!before.lives()) return begun;
    if (before.where == target_) ++moved_records_;
    forget(before);
    reads_.renew(id);
    return begun;
}

void Log::put(ObjectId id, Bytes bytes) {
    put(id, bytes.size(), [&](uint8_t* at) { std::copy(bytes.begin(), bytes.end(), at); });
}

void Log::append(RecordKind kind, ObjectId id, Bytes bytes) {
    const auto begun = queue_.begin(kind, id, bytes.size());
    std::copy(bytes.begin(), bytes.end(), begun.body);
    queue_.end(begun);
}

void Log::note(ObjectId id, Bytes bytes) {
    objects_.add_note(id, bytes.size());
    append(RecordKind::Note, id, bytes);
}

void Log::erase(ObjectId id) {
    const Place before = objects_.erase(id);
    append(RecordKind::Erase, id, {});
    forget(before);
    reads_.forget(id);
}

/// What was written last took an object from its place: its segment has to stay until that is on
/// disk.
void Log::forget(const Place& before) {
    if (!before.is_on_disk()) return;
    Segment& segment = segments_.at(before.where);
    --segment.living;
    segment.died_ticket = queue_.covering_ticket();
}

uint64_t Log::commit() {
    const uint64_t ticket = queue_.commit();
    judge();
    return ticket;
}

// --- the disk ---

std::optional<Work> Log::work(Instant now) {
    if (auto work = commit_work(now)) return work;
    if (read_pause_.is_over(now))
        if (auto work = read_work()) return work;
    auto work = space_.work(last_work_ + 1, now);
    if (work) ++last_work_;
    return work;
}

std::optional<Work> Log::commit_work(Instant now) {
    if (is_committing_ || !commit_pause_.is_over(now)) return std::nullopt;
    Batch* batch = queue_.ready();
    if (!batch) return std::nullopt;
    const Segment* segment = segment_for(batch->bytes.size(), now);
    waits_for_segment_ = !segment;
    judge();
    if (!segment) return std::nullopt;
    is_committing_ = true;
    const bool ends_with_page = end_with_page(*batch, *segment);
    GroupQueue::place(*batch, last_sequence_ + 1, segment->key);
    queue_.expect(segment->key);
    Work work{.kind = Work::Kind::Commit, .number = ++last_work_};
    work.at = Position::at(segment->key.number, segment->end);
    work.sync = options_.durability == Durability::Fsync;
    work.past_cache = work.sync && ends_with_page && segment->end % kPageBytes == 0;
    work.length = uint32_t(batch->bytes.size());
    work.bytes = std::move(batch->bytes);
    fill_page(work, *segment);
    return work;
}

/// What is written past the cache is whole pages: a large group makes the next one begin with one.
/// Not by a filler if it was placed before: in both places it has to be the same.
/// @return  whether it is one, and does
bool Log::end_with_page(Batch& batch, const Segment& segment) {
    if (batch.bytes.size() < options_.past_cache_min) return false;
    const uint64_t end = segment.end + batch.bytes.size();
    uint64_t rest = page_end(end) - end;
    if (rest == 0) return true;
    if (batch.is_placed) return false;
    if (rest < kRecordHeaderBytes) rest += kPageBytes;
    if (end + rest > segment.bytes) return false;
    queue_.fill(batch, rest);
    return true;
}

/// Zeros up to the end of the page, where the next group begins: a page that is written whole need
/// not be read first.
void Log::fill_page(Work& work, const Segment& segment) {
    const uint64_t end = std::min<uint64_t>(page_end(segment.end + work.length), segment.bytes);
    work.bytes.append_zeros(end - segment.end - work.length);
}

/// Where the next group goes. nullptr: no segment is ready.
Segment* Log::segment_for(uint64_t group_bytes, Instant now) {
    if (!segments_.empty()) {
        Segment& last = segments_.back();
        if (!last.sealed && last.end + group_bytes <= last.bytes) return &last;
    }
    const auto spare = space_.take(group_bytes, now);
    if (!spare) return nullptr;
    if (!segments_.empty()) segments_.back().sealed = true;
    segments_.add({.key = {spare->number, segment_mask(spare->number, spare->salt)},
                   .bytes = spare->bytes,
                   .end = kSegmentHeadBytes});
    retire_dead();
    return &segments_.back();
}

void Log::done(WorkDone done, Instant now) {
    switch (done.work.kind) {
        case Work::Kind::Commit:
            GW_ASSERT(is_committing_);
            is_committing_ = false;
            queue_.ready()->bytes = std::move(done.work.bytes);
            queue_.ready()->bytes.cut(done.work.length);
            if (done.error)
                failed(*done.error, now);
            else
                committed(done.work);
            reads_.release_held();
            break;
        case Work::Kind::Read:
            loaded(done, now);
            break;
        case Work::Kind::Prepare:
        case Work::Kind::Retire:
            space_.done(done, now);
            break;
    }
    judge();
}

void Log::committed(Work& work) {
    Batch& batch = *queue_.ready();
    Segment& segment = segments_.back();
    GW_ASSERT(segment.key.number == work.at.segment() && segment.end == work.at.offset());
    const uint32_t where = Place::in_batch(batch.number);
    for_each_record(batch.bytes, [&](const uint8_t* record, uint32_t offset) {
        if (peek_kind(record) != RecordKind::Put) return;
        if (objects_.move_from(peek_object(record), {where, offset},
                               {segment.key.number, segment.end + offset}))
            ++segment.living;
        else
            segment.died_ticket = queue_.covering_ticket();
    });
    segment.end += uint32_t(batch.bytes.size());
    durable_ = batch.ticket;
    records_ += batch.count;
    ++groups_;
    ++last_sequence_;
    commit_pause_.clear();
    commit_error_.reset();
    queue_.pop();
    retire_dead();
}

/// Nobody knows what of the group is on disk, and a second sync of the same place would prove
/// nothing: the group gets another place under the same sequence.
void Log::failed(const DiskError& error, Instant now) {
    commit_pause_.begin(now);
    commit_error_ = error;
    give_up(segments_.back());
}

void Log::give_up(Segment& segment) {
    segment.sealed = true;
    if (segment.end > kSegmentHeadBytes) return;
    space_.retire(segment.key.number, segment.bytes, false);
    segments_.remove(segment.key.number);
}

void Log::retire_dead() {
    while (!segments_.empty()) {
        const Segment& oldest = segments_.front();
        if (!oldest.sealed || oldest.living > 0 || oldest.died_ticket > durable_) return;
        space_.retire(oldest.key.number, oldest.bytes, oldest.damaged);
        segments_.pop_front();
    }
}

void Log::judge() {
    const DiskError* error = commit_error_ ? &*commit_error_ : nullptr;
    const bool wants_room = waits_for_segment_ || space_.is_in_reserve();
    if (!error && wants_room && space_.error()) error = &*space_.error();
    if (error) {
        condition_ = error->fault == DiskFault::NoSpace ? Condition::Full : Condition::Broken;
        trouble_ = error->what;
        return;
    }
    const uint64_t bound = options_.pending_bytes_max / (condition_ == Condition::Behind ? 2 : 1);
    const bool behind = queue_.pending_bytes() > bound;
    condition_ = behind ? Condition::Behind : Condition::Good;
    trouble_ = behind ? "the disk writes less than comes in" : "";
}

std::optional<Instant> Log::next_deadline() const {
    std::optional<Instant> earliest = space_.next_deadline();
    const auto consider = [&](std::optional<Instant> other) {
        if (other) earliest = std::min(*other, earliest.value_or(*other));
    };
    // A group that waits for a segment, too, waits for space_.
    if (!is_committing_ && !waits_for_segment_) consider(commit_pause_.end());
    if (reads_.can_begin()) consider(read_pause_.end());
    return earliest;
}

// --- reading back ---

void Log::request(ObjectId id) {
    GW_ASSERT(holds(id));
    reads_.ask(id);
}

std::optional<Work> Log::read_work() {
    while (const auto id = reads_.next()) {
        const Place place = objects_.find(*id);
        if (!place.is_on_disk()) {
            const uint8_t* record = queue_.find(place.where & ~Place::kBatchFlag, place.offset);
            if (record)
                serve(*id, record);
            else
                reads_.hold(*id);
            continue;
        }
        Work work{.kind = Work::Kind::Read, .number = ++last_work_};
        work.at = Position::at(place.where, place.offset);
        work.length = kRecordHeaderBytes + place.body_bytes;
        if (reads_.has_more()) work.length = std::max(work.length, kReadAheadBytes);
        work.object = *id;
        reads_.begin(*id, work.number);
        return work;
    }
    return std::nullopt;
}

void Log::serve(ObjectId id, const uint8_t* record) {
    const uint8_t* body = record + kRecordHeaderBytes;
    reads_.deliver({.id = id, .bytes = Buffer(body, body + peek_body_bytes(record))});
}

void Log::loaded(const WorkDone& done, Instant now) {
    const ObjectId id = done.work.object;
    if (!reads_.end(id, done.work.number)) return;
    const Place place = objects_.find(id);
    if (!place.is_on_disk() || Position::at(place.where, place.offset) != done.work.at)
        return reads_.again(id);
    if (done.error && done.error->fault == DiskFault::Busy) {
        read_pause_.begin(now);
        return reads_.again(id);
    }
    read_pause_.clear();
    if (done.error) return reads_.deliver({.id = id, .gone = true, .why = done.error->what});
    const auto record = decode_record(done.bytes, segments_.at(place.where).key);
    if (!record || record->kind != RecordKind::Put || record->object != id ||
        record->body.size() != place.body_bytes)
        return reads_.deliver({.id = id,
                               .gone = true,
                               .why = segment_name(place.where) + ": the record at offset " +
                                      std::to_string(place.offset) + " is damaged"});
    reads_.deliver({.id = id, .bytes = Buffer(record->body.begin(), record->body.end())});
    serve_more(done);
}

/// What was read beyond the object that was meant: others that are asked for may stand there.
void Log::serve_more(const WorkDone& done) {
    Position at = done.work.at;
    for (Bytes rest = done.bytes; rest.size() >= kRecordHeaderBytes;) {
        const uint64_t bytes = record_bytes(peek_body_bytes(rest.data()));
        if (bytes > rest.size() || peek_kind(rest.data()) == RecordKind{}) return;
        const ObjectId id = peek_object(rest.data());
        if (reads_.awaits(id)) serve_if_sound(id, at, rest.first(bytes));
        rest = rest.subspan(bytes);
        at.value += bytes;
    }
}

/// What is damaged or old is read, and told of, by itself.
void Log::serve_if_sound(ObjectId id, Position at, Bytes bytes) {
    const Place place = objects_.find(id);
    if (!place.is_on_disk() || Position::at(place.where, place.offset) != at) return;
    const auto record = decode_record(bytes, segments_.at(place.where).key);
    if (!record || record->kind != RecordKind::Put || record->body.size() != place.body_bytes)
        return;
    reads_.deliver({.id = id, .bytes = Buffer(record->body.begin(), record->body.end())});
}

Usage Log::usage() const {
    return {.live_bytes = objects_.live_bytes(),
            .used_bytes = segments_.used_bytes(),
            .disk_bytes = segments_.file_bytes() + space_.disk_bytes(),
            .segments = segments_.count(),
            .objects = objects_.count(),
            .groups = groups_,
            .records = records_,
            .moved_records = moved_records_,
            .pending_bytes = queue_.pending_bytes()};
}

}  // namespace godwit::store
