// Work: what a Log wants of the disk, and how it is done. Log makes it and takes the answer on its
// shard's thread; perform() may run anywhere.
#pragma once

#include "base/bytes.h"
#include "base/directory.h"
#include "base/ids.h"
#include "base/room_buffer.h"
#include "store/replay.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace godwit::store {

/// One thing for the disk. Performed in the order of making within a lane.
struct Work {
    enum class Kind : uint8_t {
        Commit,   // write `bytes` at `at`, then sync if `sync`; the first `length` are the group
        Prepare,  // make segment at.segment() ready: `length` bytes, zeroed or recycled, synced
        Read,     // `length` bytes from `at`
        Retire,   // remove segment at.segment(), or set it aside as damaged
    };
    Kind kind = Kind::Commit;
    uint64_t number = 0;
    Position at;
    uint32_t length = 0;
    uint32_t recycle = 0;    // Prepare: the old segment whose file becomes this one; 0: none
    uint32_t salt = 0;       // Prepare: for the header
    bool set_aside = false;  // Retire
    bool sync = true;
    bool past_cache = false;  // Commit: `bytes` are many, and whole pages
    ObjectId object;          // Read
    RoomBuffer bytes;         // Commit. Comes back in WorkDone: its memory is used again

    /// Commits and reads are wanted soon; preparing and retiring may take long, and has a thread of
    /// its own.
    bool urgent() const { return kind == Kind::Commit || kind == Kind::Read; }
};

struct WorkDone {
    Work work;
    std::optional<DiskError> error;
    Buffer bytes;  // Read; fewer than asked for where the file ends
};

/// The file of the last commit or read: the next one is mostly of the same segment. To be closed
/// when nothing is to be done: the disk has the room of a removed file back only then.
struct OpenSegment {
    uint32_t number = 0;
    std::unique_ptr<File> file;
};

/// @param folder  where the segments are, "" for the directory itself
/// @param last    null: a file is opened for each work
/// @cost          blocks for as long as the disk takes
WorkDone perform(Work work, Directory& directory, std::string_view folder,
                 OpenSegment* last = nullptr);

/// "folder/name", or "name" in the directory itself.
std::string path_in(std::string_view folder, std::string_view name);

}  // namespace godwit::store
