// Poller: which of many descriptors can be read or written now. One per shard thread.
// Level-triggered: what is not consumed is reported again. Source: epoll(7).
#pragma once

#include "base/instant.h"
#include "base/result.h"
#include "os/fd.h"
#include "os/io_error.h"

#include <cstdint>
#include <optional>
#include <span>

namespace godwit::os {

/// What the owner of a descriptor wants to hear of. Hangups are reported with any interest, None
/// included, until the descriptor is closed or removed.
enum class Interest : uint8_t { None, Read, Write, ReadWrite };

struct PollEvent {
    uint64_t token = 0;
    bool readable = false;
    bool writable = false;
    /// Reset, or closed in both directions. Bytes may still be there to read.
    bool hangup = false;
};

/// Borrows the descriptors it is given: closing one removes it, but only if no duplicate lives.
class Poller {
public:
    /// @errors EMFILE, ENFILE, ENOMEM
    static Result<Poller, IoError> open();

    /// For whoever counts or keeps descriptors.
    int fd() const { return epoll_.get(); }

    /// @param token  comes back in every event of `fd`
    /// @errors       ENOSPC (fs.epoll.max_user_watches), ENOMEM, EPERM (a regular file)
    Result<Done, IoError> add(int fd, uint64_t token, Interest interest);
    /// For a listener watched by several pollers: a new connection wakes one or few of them, not
    /// all. Always Read; cannot be modified, only removed and added again.
    Result<Done, IoError> add_exclusive(int fd, uint64_t token);
    /// @param fd  added before, not by add_exclusive
    void modify(int fd, uint64_t token, Interest interest);
    /// @param fd  added before
    void remove(int fd);

    /// Waits until something is there, a signal comes or the time is over.
    /// @param timeout  zero or less: look and return; nullopt: no limit. Some 50 us late, and where
    ///                 epoll_pwait2(2) is not to be had (Linux before 5.11) up to a millisecond
    /// @param room     for the events; at most 256 are filled at a time
    /// @return         the filled front of `room`; empty after a timeout or a signal
    std::span<const PollEvent> wait(std::optional<Duration> timeout, std::span<PollEvent> room);

private:
    explicit Poller(Fd epoll) : epoll_(std::move(epoll)) {}
    Result<Done, IoError> control_add(int fd, uint64_t token, uint32_t mask);

    Fd epoll_;
};

}  // namespace godwit::os
