// Whole small files: configuration, certificates, password lists. Not the log of messages.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "os/io_error.h"

#include <sys/types.h>

#include <string>

namespace godwit::os {

/// All bytes of a file, or of anything that reads like one (/proc, a pipe).
/// @param bytes_max  more than that is refused
/// @errors           EFBIG; ENOENT, EACCES, EISDIR, EIO and the like
Result<std::string, IoError> read_whole_file(const std::string& path, size_t bytes_max);

/// Puts a file in place so that at any moment, also after a crash, a reader finds either all of the
/// old or all of the new. Durable when it returns.
/// @param mode  of the new file, whatever the umask; it never had more rights in between
/// @errors      ENOENT, EACCES, ENOSPC, EIO and the like; then the old file stands
/// @cost        two fsyncs: milliseconds, not on a shard's thread
Result<Done, IoError> write_file_atomically(const std::string& path, Bytes bytes, mode_t mode);

/// Makes one directory; its parent exists. One that is there already is left as it is.
/// @errors ENOTDIR when something else is there; ENOENT, EACCES, ENOSPC and the like
Result<Done, IoError> make_directory(const std::string& path, mode_t mode);

/// Makes an empty file for its owner alone (0600); root makes it for the owner of its directory.
/// One that is there already is left as it is.
/// @errors ENOENT, EACCES, ENOSPC and the like
Result<Done, IoError> make_private_file(const std::string& path);

/// Which file a path leads to, over links, and how it was last changed: another stamp is another
/// file or other contents. A path that leads nowhere has a stamp too.
struct FileStamp {
    uint64_t device = 0, inode = 0, bytes = 0;
    int64_t changed_ns = 0, modified_ns = 0;
    friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::string& path);

/// Whether users other than the owner and the group may read it: worth a warning for keys and
/// passwords. @errors ENOENT, EACCES
Result<bool, IoError> is_readable_by_others(const std::string& path);

}  // namespace godwit::os
