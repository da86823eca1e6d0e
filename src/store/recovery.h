// Recovery: what the segments of a folder hold, read oldest first. Changes nothing on disk.
//
// Group sequences have no gaps, so what is missing shows: a place that holds no sound group is the
// end of the log or a place given up after a failed write, unless a later group proves that one was
// there. Then it is damage, and the records in it that are sound are used.
// A group that stands there twice, because its first place was given up, is taken once; its second
// place is the one known to be on disk.
#pragma once

#include "base/directory.h"
#include "store/object_table.h"
#include "store/replay.h"
#include "store/segment_table.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace godwit::store {

struct FoundSegment {
    enum class Role : uint8_t {
        Used,      // holds groups, or held some
        Spare,     // ready, nothing in it
        Leftover,  // of no use: half prepared, or passed over
    };
    Segment segment;
    Role role = Role::Used;
    uint64_t groups = 0;
    uint64_t puts = 0;
    uint64_t notes = 0;
    uint64_t erases = 0;
};

struct Recovered {
    /// Where the groups of a segment end: the end of the log, unless later groups tell otherwise.
    struct Tail {
        size_t segment = 0;  // index
        uint32_t begin = 0;
    };
    std::vector<FoundSegment> segments;  // by number
    std::vector<Tail> tails;             // since the last group
    ObjectTable objects;
    uint64_t last_sequence = 0;  // of the groups; 0: there are none
    Position last_group;
    uint32_t last_group_end = 0;
    uint32_t number_max = 0;  // of all segments, those set aside included
    uint32_t gap_before = 0;  // groups are missing before this segment, or in it; 0: none
    std::vector<Damage> damage;
};

/// A folder that is not there holds nothing.
/// @errors  the folder or a file in it cannot be opened; a segment was written by a later version
/// @cost    one large read a segment, no allocation a record
Result<Recovered, DiskError> recover(Directory& directory, std::string_view folder, Replay& replay);

}  // namespace godwit::store
