#include "store/recovery.h"

#include "store/segment_reader.h"

#include <algorithm>

#include <fmt/format.h>

namespace godwit::store {

namespace {

using Outcome = Result<Done, DiskError>;

class Recovery {
public:
    Recovery(Directory& directory, std::string_view folder, Replay& replay)
        : directory_(directory), folder_(folder), replay_(replay) {}

    Result<Recovered, DiskError> run();

private:
    Outcome read_segment(uint32_t number);
    void walk(FoundSegment& found);
    void accept(FoundSegment& found, const Group& group);
    void accept_again(FoundSegment& found, const Group& group);
    void refuse(FoundSegment& found, const Group& group);
    void apply(FoundSegment& found, const Record& record, uint32_t offset);
    void salvage(const SegmentReader& reader, FoundSegment& found, uint32_t begin, uint32_t end);
    void salvage_tails();
    void assign_roles();
    void report(const FoundSegment& found, const std::string& what);

    Directory& directory_;
    std::string_view folder_;
    Replay& replay_;
    Recovered out_;
    SegmentReader reader_;
    Group last_;
};

Result<Recovered, DiskError> Recovery::run() {
    const auto names = directory_.list(folder_);
    if (!names && names.error().fault == DiskFault::NotFound) return std::move(out_);
    if (!names) return Err{names.error()};
    std::vector<uint32_t> numbers;
    for (const std::string& name : *names) {
        const auto number = parse_segment_name(name);
        if (number && *number != 0 && *number < Place::kBatchFlag) numbers.push_back(*number);
        out_.number_max =
            std::max({out_.number_max, number.value_or(0), parse_damaged_name(name).value_or(0)});
    }
    std::sort(numbers.begin(), numbers.end());
    out_.segments.reserve(numbers.size());
    for (const uint32_t number : numbers) {
        const auto read = read_segment(number);
        if (!read) return Err{read.error()};
    }
    assign_roles();
    return std::move(out_);
}

Outcome Recovery::read_segment(uint32_t number) {
    const auto loaded = reader_.load(directory_, folder_, number);
    if (!loaded) return loaded;
    const auto& header = reader_.header();
    if (header && header->version != kFormatVersion)
        return Err{DiskError{DiskFault::NotPermitted,
                             fmt::format("{} is of version {}; this program reads version {}",
                                         segment_name(number), header->version, kFormatVersion)}};
    FoundSegment found;
    found.segment.key = reader_.key();
    found.segment.bytes = uint32_t(reader_.file_bytes());
    found.segment.end = kSegmentHeadBytes;
    out_.segments.push_back(found);
    FoundSegment& kept = out_.segments.back();
    if (!header && !reader_.looks_used()) {
        kept.role = FoundSegment::Role::Leftover;
        out_.tails.push_back({out_.segments.size() - 1, kSegmentHeadBytes});
        return Done{};
    }
    walk(kept);
    // A spare whose head was not yet on disk is no damage.
    if (reader_.is_header_damaged() && (kept.groups > 0 || reader_.looks_used())) {
        kept.segment.damaged = true;
        report(kept, "its header is damaged");
    }
    if (reader_.has_unreadable()) {
        kept.segment.damaged = true;
        report(kept, "parts of it cannot be read");
    }
    return Done{};
}

void Recovery::walk(FoundSegment& found) {
    uint32_t at = kSegmentHeadBytes;
    for (;;) {
        if (const auto group = reader_.group_at(at)) {
            accept(found, *group);
            at = group->end;
            found.segment.end = at;
            continue;
        }
        const auto later = reader_.find_later(at + kRecordAlignment, out_.last_sequence);
        if (!later) break;
        salvage_tails();
        salvage(reader_, found, at, *later);
        at = *later;
    }
    out_.tails.push_back({out_.segments.size() - 1, at});
}

void Recovery::accept(FoundSegment& found, const Group& group) {
    const uint64_t sequence = group.head.sequence;
    const uint64_t last = out_.last_sequence;
    if (last != 0 && sequence == last) return accept_again(found, group);
    if (sequence < last) return refuse(found, group);
    if (last != 0 && sequence > last + 1) {
        salvage_tails();
        out_.gap_before = found.segment.key.number;
        report(found, fmt::format("groups {} to {}, before its offset {}, are damaged or missing",
                                  last + 1, sequence - 1, group.offset));
    }
    out_.tails.clear();
    ++found.groups;
    reader_.for_each(group,
                     [&](const Record& record, uint32_t offset) { apply(found, record, offset); });
    last_ = group;
    out_.last_sequence = sequence;
    out_.last_group = Position::at(found.segment.key.number, group.offset);
    out_.last_group_end = group.end;
}

/// The same group in a second place: its objects stand here.
void Recovery::accept_again(FoundSegment& found, const Group& group) {
    if (group.head.check != last_.head.check || group.head.bytes != last_.head.bytes)
        return refuse(found, group);
    const Position before = out_.last_group;
    const uint32_t number = found.segment.key.number;
    out_.tails.clear();
    ++found.groups;
    reader_.for_each(group, [&](const Record& record, uint32_t offset) {
        const uint32_t offset_before = before.offset() + (offset - group.offset);
        if (record.kind == RecordKind::Put &&
            out_.objects.find(record.object).stands_at(before.segment(), offset_before))
            out_.objects.move(record.object, number, offset);
    });
    out_.last_group = Position::at(number, group.offset);
    out_.last_group_end = group.end;
}

/// No log writes this: somebody mixed files of two stores.
void Recovery::refuse(FoundSegment& found, const Group& group) {
    found.segment.damaged = true;
    report(found, fmt::format("the group at offset {} has sequence {} after {}; it is not used",
                              group.offset, group.head.sequence, out_.last_sequence));
}

void Recovery::apply(FoundSegment& found, const Record& record, uint32_t offset) {
    const ObjectId id = record.object;
    const auto body_bytes = uint32_t(record.body.size());
    if (id == kFiller) return;
    switch (record.kind) {
        case RecordKind::Put:
            ++found.puts;
            out_.objects.put(id, {found.segment.key.number, offset, body_bytes, 0});
            return replay_.on_put(id, record.body);
        case RecordKind::Note:
            ++found.notes;
            // Of an object that was put again later, when its first segment was cleaned.
            if (!out_.objects.find(id).lives()) return;
            out_.objects.add_note(id, body_bytes);
            return replay_.on_note(id, record.body);
        case RecordKind::Erase:
            ++found.erases;
            if (!out_.objects.find(id).lives()) return;
            out_.objects.erase(id);
            return replay_.on_erase(id);
        case RecordKind::Group:
            return;
    }
}

void Recovery::salvage(const SegmentReader& reader, FoundSegment& found, uint32_t begin,
                       uint32_t end) {
    uint64_t sound = 0;
    reader.for_each_sound(begin, end, [&](const Record& record, uint32_t offset) {
        if (record.object.value == 0 || record.object.value >= kObjectIdMax) return;
        ++sound;
        apply(found, record, offset);
    });
    found.segment.damaged = true;
    report(found, fmt::format("bytes {} to {} are damaged; {} sound records among them are used",
                              begin, end, sound));
}

/// Groups are missing, and they stood where the segments before this one seemed to end.
void Recovery::salvage_tails() {
    SegmentReader reader;
    for (const Recovered::Tail& tail : std::exchange(out_.tails, {})) {
        FoundSegment& found = out_.segments[tail.segment];
        if (!reader.load(directory_, folder_, found.segment.key.number)) continue;
        if (reader.is_zero_from(tail.begin)) continue;
        salvage(reader, found, tail.begin, found.segment.bytes);
    }
}

void Recovery::assign_roles() {
    uint32_t last_used = 0;
    for (const FoundSegment& each : out_.segments)
        if (each.groups > 0 || each.segment.damaged) last_used = each.segment.key.number;
    for (FoundSegment& each : out_.segments) {
        if (each.segment.damaged) each.role = FoundSegment::Role::Used;
        if (each.role == FoundSegment::Role::Leftover) continue;
        if (each.groups > 0 || each.segment.damaged) continue;
        each.role = each.segment.key.number > last_used ? FoundSegment::Role::Spare
                                                        : FoundSegment::Role::Leftover;
    }
}

void Recovery::report(const FoundSegment& found, const std::string& what) {
    out_.damage.push_back({segment_name(found.segment.key.number) + ": " + what});
}

}  // namespace

Result<Recovered, DiskError> recover(Directory& directory, std::string_view folder,
                                     Replay& replay) {
    return Recovery(directory, folder, replay).run();
}

}  // namespace godwit::store
