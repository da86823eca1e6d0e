// Snapshot: what the store in a folder holds while no log is open on it, and what of it is damaged.
// For tools; changes nothing.
#pragma once

#include "base/directory.h"
#include "store/recovery.h"
#include "store/replay.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::store {

struct SegmentReport {
    /// A group behind the last whole one, cut off by a crash: promised to nobody, and dropped.
    struct Torn {
        uint32_t offset = 0;
        uint64_t sound_records = 0;
    };
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
    std::optional<Torn> torn;
};

struct StoreReport {
    std::vector<SegmentReport> segments;  // oldest first
    uint64_t objects = 0;
    uint64_t live_bytes = 0;
    uint64_t dead_bytes = 0;  // of sound groups, all that is not of a living object
    std::vector<Damage> damage;
    std::vector<std::string> set_aside;  // files that an earlier start found damaged
};

class Snapshot {
public:
    /// @param replay  is told what the store holds, as Log::open would
    /// @errors        the folder is not there or cannot be read; a segment was written by a later
    ///                version
    static Result<Snapshot, DiskError> take(Directory& directory, std::string_view folder,
                                            Replay& replay);

    const StoreReport& report() const { return report_; }
    /// Ids of living objects are below this.
    uint32_t end() const { return found_.objects.end(); }
    bool holds(ObjectId id) const { return found_.objects.find(id).lives(); }
    /// Where it stands, for people: "segment-0000002a, offset 4096".
    std::string place(ObjectId id) const;

    /// The object as last put: whole, or its first `bytes_max` bytes without a check of their sum.
    /// It lives. The view is good until the next call.
    /// @errors  it cannot be read any more
    /// @cost    one read
    Result<Bytes, DiskError> read(ObjectId id, uint32_t bytes_max = UINT32_MAX);

private:
    Snapshot(Directory& directory, std::string_view folder, Recovered found)
        : directory_(&directory), folder_(folder), found_(std::move(found)) {}
    void make_report();
    void count_living();
    void find_torn();
    Result<Done, DiskError> open_segment(uint32_t number);

    Directory* directory_;
    std::string folder_;
    Recovered found_;
    StoreReport report_;
    std::unique_ptr<File> file_;  // of segment `file_number_`
    uint32_t file_number_ = 0;
    Buffer bytes_;
};

}  // namespace godwit::store
