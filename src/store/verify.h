// Verify: what the store in a folder holds, and what of it is damaged. Changes nothing.
#pragma once

#include "base/directory.h"
#include "store/replay.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::store {

struct SegmentReport {
    std::string name;
    std::string role;  // "used", "spare", "leftover"
    uint64_t file_bytes = 0;
    uint64_t group_bytes = 0;  // of its sound groups, dead records included
    uint64_t groups = 0;
    uint64_t puts = 0;
    uint64_t notes = 0;
    uint64_t erases = 0;
    uint64_t living = 0;      // objects whose last put stands here
    uint64_t live_bytes = 0;  // of these objects, notes in later segments included
    bool is_damaged = false;
};

struct StoreReport {
    std::vector<SegmentReport> segments;  // oldest first
    uint64_t objects = 0;
    uint64_t live_bytes = 0;
    uint64_t dead_bytes = 0;  // of sound groups, all that is not of a living object
    std::vector<Damage> damage;
    std::vector<std::string> set_aside;  // files that an earlier start found damaged
};

/// @param replay  is told what the store holds, as Log::open would
/// @errors        the folder is not there or cannot be read; a segment was written by a later
/// version
Result<StoreReport, DiskError> verify(Directory& directory, std::string_view folder,
                                      Replay& replay);

}  // namespace godwit::store
