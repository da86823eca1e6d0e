// A thread's own table of open files. The limit of open files counts in each table for itself, so
// that N of them hold N times as many connections. Source: unshare(2), CLONE_FILES; unix(7),
// SCM_RIGHTS.
//
// A table is a copy of the one that the thread had, and numbers mean the same in both until one of
// them changes: what several threads use is opened before. A file is closed when every table has
// closed it. Threads that such a thread starts share its table.
#pragma once

#include "base/result.h"
#include "os/fd.h"
#include "os/io_error.h"

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

namespace godwit::os {

/// Gives the calling thread a table of its own, and closes in it all but 0, 1, 2 and `keep`.
/// @errors  ENOMEM; EPERM or ENOSYS where a sandbox forbids it; after an error the thread must end
/// @cost    some 100 us
Result<Done, IoError> take_own_file_table(std::span<const int> keep);

/// Carries open files to a thread with another table. First in, first out. Thread: any may send,
/// one receives.
class FdChannel {
public:
    /// @errors EMFILE, ENFILE, ENOMEM
    static Result<FdChannel, IoError> open();
    /// Only before other threads know it.
    FdChannel(FdChannel&& other) noexcept
        : sending_(std::move(other.sending_)), receiving_(std::move(other.receiving_)) {}

    /// For the Poller of the receiver, Interest::Read.
    int receiving_fd() const { return receiving_.get(); }
    int sending_fd() const { return sending_.get(); }

    /// Sends a copy; the caller still owns its own, which may be closed at once.
    /// @return  false: it is full, at some 250; try again when the receiver has taken from it
    /// @cost    one system call
    bool send(int fd, uint64_t label);

    struct Received {
        Fd fd;  // empty: the receiver's table is full, and the copy is closed
        uint64_t label = 0;
    };
    /// nullopt when nothing waits. @cost one system call
    std::optional<Received> receive();

private:
    FdChannel(Fd sending, Fd receiving)
        : sending_(std::move(sending)), receiving_(std::move(receiving)) {}

    Fd sending_, receiving_;
    std::atomic<uint64_t> sent_{0};  // what was written before a send is seen after its receive
};

}  // namespace godwit::os
