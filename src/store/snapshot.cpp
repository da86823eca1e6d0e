#include "store/snapshot.h"

#include "store/log_format.h"
#include "store/segment_reader.h"
#include "store/work.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace godwit::store {

namespace {

std::string role_name(FoundSegment::Role role) {
    switch (role) {
        case FoundSegment::Role::Used:
            return "used";
        case FoundSegment::Role::Spare:
            return "spare";
        case FoundSegment::Role::Leftover:
            return "leftover";
    }
    return "";
}

SegmentReport report_of(const FoundSegment& found) {
    return {.name = segment_name(found.segment.key.number),
            .role = role_name(found.role),
            .file_bytes = found.segment.bytes,
            .group_bytes = found.segment.end - kSegmentHeadBytes,
            .groups = found.groups,
            .puts = found.puts,
            .notes = found.notes,
            .erases = found.erases,
            .is_damaged = found.segment.damaged,
            .torn = {}};
}

}  // namespace

Result<Snapshot, DiskError> Snapshot::take(Directory& directory, std::string_view folder,
                                           Replay& replay) {
    const auto names = directory.list(folder);
    if (!names) return Err{names.error()};
    auto found = recover(directory, folder, replay);
    if (!found) return Err{found.error()};
    Snapshot out(directory, folder, std::move(*found));
    for (const std::string& name : *names)
        if (parse_damaged_name(name)) out.report_.set_aside.push_back(name);
    out.make_report();
    out.count_living();
    out.find_torn();
    return out;
}

void Snapshot::make_report() {
    uint64_t group_bytes = 0;
    for (const FoundSegment& each : found_.segments) {
        report_.segments.push_back(report_of(each));
        group_bytes += report_.segments.back().group_bytes;
    }
    report_.objects = found_.objects.count();
    report_.live_bytes = found_.objects.live_bytes();
    report_.dead_bytes = group_bytes - std::min(group_bytes, report_.live_bytes);
    report_.damage = found_.damage;
}

void Snapshot::count_living() {
    std::map<uint32_t, SegmentReport*> by_number;
    for (size_t i = 0; i < found_.segments.size(); ++i)
        by_number[found_.segments[i].segment.key.number] = &report_.segments[i];
    for (uint32_t id = 0; id < found_.objects.end(); ++id) {
        const Place place = found_.objects.find({id});
        if (!place.lives()) continue;
        SegmentReport& segment = *by_number[place.where];
        ++segment.living;
        segment.live_bytes += place.live_bytes();
    }
}

void Snapshot::find_torn() {
    SegmentReader reader;
    for (const Recovered::Tail& tail : found_.tails) {
        const FoundSegment& found = found_.segments[tail.segment];
        if (!reader.load(*directory_, folder_, found.segment.key.number)) continue;
        if (const auto records = reader.torn_records(tail.begin))
            report_.segments[tail.segment].torn = SegmentReport::Torn{tail.begin, *records};
    }
}

std::string Snapshot::place(ObjectId id) const {
    const Place place = found_.objects.find(id);
    return fmt::format("{}, offset {}", segment_name(place.where), place.offset);
}

Result<Done, DiskError> Snapshot::open_segment(uint32_t number) {
    if (file_ && file_number_ == number) return Done{};
    auto file = directory_->open(path_in(folder_, segment_name(number)));
    if (!file) return Err{file.error()};
    file_ = std::move(*file);
    file_number_ = number;
    return Done{};
}

Result<Bytes, DiskError> Snapshot::read(ObjectId id, uint32_t bytes_max) {
    const Place place = found_.objects.find(id);
    if (auto opened = open_segment(place.where); !opened) return Err{opened.error()};
    const uint32_t body_bytes = std::min(place.body_bytes, bytes_max);
    bytes_.resize(kRecordHeaderBytes + body_bytes);
    const auto got = file_->read_at(place.offset, bytes_);
    if (!got) return Err{got.error()};
    const auto changed = [&] {
        return Err{DiskError{DiskFault::Io, this->place(id) + ": not what was there a moment ago"}};
    };
    if (*got < bytes_.size()) return changed();
    if (body_bytes < place.body_bytes) return Bytes(bytes_).subspan(kRecordHeaderBytes);
    const auto at = std::lower_bound(
        found_.segments.begin(), found_.segments.end(), place.where,
        [](const FoundSegment& each, uint32_t number) { return each.segment.key.number < number; });
    const auto record = decode_record(bytes_, at->segment.key);
    if (!record || record->kind != RecordKind::Put || record->object != id) return changed();
    return record->body;
}

}  // namespace godwit::store
