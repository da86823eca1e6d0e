#include "store/verify.h"

#include "store/log_format.h"
#include "store/recovery.h"

#include <map>

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
            .is_damaged = found.segment.damaged};
}

void count_living(const Recovered& found, StoreReport& out) {
    std::map<uint32_t, SegmentReport*> by_number;
    for (size_t i = 0; i < found.segments.size(); ++i)
        by_number[found.segments[i].segment.key.number] = &out.segments[i];
    for (uint32_t id = 0; id < found.objects.end(); ++id) {
        const Place place = found.objects.find({id});
        if (!place.lives()) continue;
        SegmentReport& segment = *by_number[place.where];
        ++segment.living;
        segment.live_bytes += place.live_bytes();
    }
}

}  // namespace

Result<StoreReport, DiskError> verify(Directory& directory, std::string_view folder,
                                      Replay& replay) {
    const auto names = directory.list(folder);
    if (!names) return Err{names.error()};
    auto found = recover(directory, folder, replay);
    if (!found) return Err{found.error()};
    StoreReport out;
    for (const std::string& name : *names)
        if (parse_damaged_name(name)) out.set_aside.push_back(name);
    uint64_t group_bytes = 0;
    for (const FoundSegment& each : found->segments) {
        out.segments.push_back(report_of(each));
        group_bytes += out.segments.back().group_bytes;
    }
    count_living(*found, out);
    out.objects = found->objects.count();
    out.live_bytes = found->objects.live_bytes();
    out.dead_bytes = group_bytes > out.live_bytes ? group_bytes - out.live_bytes : 0;
    out.damage = std::move(found->damage);
    return out;
}

}  // namespace godwit::store
