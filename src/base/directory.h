// Directory and File: the ports through which a store meets a disk. Two kinds: the real one
// (os/disk_directory.h) and a faulty one from a seed (store/testing/faulty_disk.h).
// Names are plain file names or one level deeper ("shard-0/segment-00000001").
// Thread: any, also several at once; one file is changed by one thread at a time.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace godwit {

enum class DiskFault : uint8_t {
    NoSpace,
    Io,
    NotFound,
    Exists,
    NotPermitted,
    Busy,  // no file descriptor or memory for it now; nothing was done
};

struct DiskError {
    DiskFault fault = DiskFault::Io;
    std::string what;  // for people: call, file, reason
};

class File {
public:
    virtual ~File() = default;
    /// Fills `into` from `offset`; fewer bytes only at the end of the file.
    virtual Result<size_t, DiskError> read_at(uint64_t offset, std::span<uint8_t> into) = 0;
    /// Writes all of it, or fails; a failed write may have written any part.
    virtual Result<Done, DiskError> write_at(uint64_t offset, Bytes bytes) = 0;
    /// The same for what is much and not to be read soon: it need not go through the system's
    /// cache, which costs its copy and the room. Whole pages, in memory and on disk, or it goes
    /// there still.
    virtual Result<Done, DiskError> write_past_cache(uint64_t offset, Bytes bytes) {
        return write_at(offset, bytes);
    }
    /// The same with zeros from `begin` to `end`. Nobody is about to read them: they need not stay
    /// in the system's cache.
    virtual Result<Done, DiskError> write_zeros(uint64_t begin, uint64_t end) = 0;
    /// What was written is on disk. After a failure nobody knows what of it is, and asking again
    /// proves nothing.
    virtual Result<Done, DiskError> sync() = 0;
    virtual Result<uint64_t, DiskError> size() = 0;
    /// Longer: the new bytes are zeros, and there is room for them. @errors  NoSpace
    virtual Result<Done, DiskError> truncate(uint64_t bytes) = 0;
};

class Directory {
public:
    virtual ~Directory() = default;
    /// Names of the files in `folder` ("" is the directory itself), sorted; folders are not named.
    /// @errors  NotFound: no such folder
    virtual Result<std::vector<std::string>, DiskError> list(std::string_view folder) = 0;
    /// For reading and writing; on a file system that is read-only now, writing fails. @errors
    /// NotFound
    virtual Result<std::unique_ptr<File>, DiskError> open(std::string_view name) = 0;
    /// A new empty file, mode 0600; its folder is made (0700) if it is not there. @errors  Exists
    virtual Result<std::unique_ptr<File>, DiskError> create(std::string_view name) = 0;
    /// Replaces what stands at `to`. Both are in one folder. @errors  NotFound
    virtual Result<Done, DiskError> rename(std::string_view from, std::string_view to) = 0;
    /// @errors  NotFound
    virtual Result<Done, DiskError> remove(std::string_view name) = 0;
    /// An empty folder goes.
    virtual Result<Done, DiskError> remove_folder(std::string_view folder) = 0;
    /// The names in `folder` are on disk: files made, renamed and removed there.
    virtual Result<Done, DiskError> sync(std::string_view folder) = 0;
};

}  // namespace godwit
