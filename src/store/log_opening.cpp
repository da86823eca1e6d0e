// Log's opening: takes over what recovery found, and makes the disk say the same.
#include "store/log.h"

#include "base/assert.h"
#include "store/log_format.h"
#include "store/recovery.h"

#include <algorithm>

namespace godwit::store {

namespace {

using Outcome = Result<Done, DiskError>;

/// Whoever wrote the last group may have died before its sync, or after one that failed: then it is
/// in memory alone, and no sync will write it. So it is written once more.
Outcome rewrite_last_group(Directory& directory, const std::string& folder,
                           const Recovered& found) {
    if (found.last_sequence == 0) return Done{};
    const Position at = found.last_group;
    const auto file = directory.open(path_in(folder, segment_name(at.segment())));
    if (!file) return Err{file.error()};
    Buffer group(found.last_group_end - at.offset());
    const auto got = (*file)->read_at(at.offset(), group);
    if (!got) return Err{got.error()};
    const auto written = (*file)->write_at(at.offset(), Bytes(group).first(*got));
    if (!written) return written;
    return (*file)->sync();
}

/// A spare that was made ready in a hurry may not be on disk yet.
Outcome rewrite_head(Directory& directory, const std::string& folder, const Segment& segment,
                     uint32_t salt) {
    const uint32_t number = segment.key.number;
    const auto file = directory.open(path_in(folder, segment_name(number)));
    if (!file) return Err{file.error()};
    const auto written = (*file)->write_at(0, encode_segment_head({number, segment.bytes, salt}));
    if (!written) return written;
    return (*file)->sync();
}

/// Spares that are as this log wants them; the others are no better than leftovers.
void choose_spares(Recovered& found, const Options& options) {
    uint32_t kept = 0;
    for (FoundSegment& each : found.segments) {
        if (each.role != FoundSegment::Role::Spare) continue;
        if (each.segment.bytes == options.segment_bytes && kept < options.spares)
            ++kept;
        else
            each.role = FoundSegment::Role::Leftover;
    }
}

Outcome settle(Directory& directory, const std::string& folder, const Recovered& found,
               uint32_t salt) {
    const auto rewritten = rewrite_last_group(directory, folder, found);
    if (!rewritten) return rewritten;
    for (const FoundSegment& each : found.segments) {
        if (each.role != FoundSegment::Role::Spare) continue;
        const auto head = rewrite_head(directory, folder, each.segment, salt);
        if (!head) return head;
    }
    if (found.segments.empty()) return Done{};
    return directory.sync(folder);
}

}  // namespace

Result<Log::Opened, DiskError> Log::open(Directory& directory, const std::string& folder,
                                         const Options& options, Replay& replay) {
    auto found = recover(directory, folder, replay);
    if (!found) return Err{found.error()};
    choose_spares(*found, options);
    const auto settled = settle(directory, folder, *found, options.salt);
    if (!settled) return Err{settled.error()};
    Log log(options, found->number_max + 1, std::move(found->objects));
    log.take_over(*found);
    return Opened{std::move(log), std::move(found->damage)};
}

void Log::take_over(const Recovered& found) {
    last_sequence_ = found.last_sequence;
    if (found.gap_before > 0) clean_through_ = found.gap_before - 1;
    for (const FoundSegment& each : found.segments) {
        Segment segment = each.segment;
        switch (each.role) {
            case FoundSegment::Role::Used:
                segment.sealed =
                    segment.damaged || segment.key.number != found.last_group.segment();
                if (segment.damaged) clean_through_ = std::max(clean_through_, segment.key.number);
                if (!segments_.empty()) segments_.back().sealed = true;
                segments_.add(segment);
                break;
            case FoundSegment::Role::Spare:
                space_.add_spare({segment.key.number, segment.bytes, options_.salt});
                break;
            case FoundSegment::Role::Leftover:
                space_.retire(segment.key.number, 0, false);
                break;
        }
    }
    for (uint32_t id = 0; id < objects_.end(); ++id) {
        const Place place = objects_.find({id});
        if (place.lives()) ++segments_.at(place.where).living;
    }
    retire_dead();
}

}  // namespace godwit::store
