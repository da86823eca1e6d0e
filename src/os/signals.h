// Signals as input of the main loop: nothing ever runs in a signal handler.
#pragma once

#include "base/result.h"
#include "os/fd.h"
#include "os/io_error.h"

#include <optional>

namespace godwit::os {

enum class Signal : uint8_t {
    Terminate,  // SIGTERM: end cleanly
    Interrupt,  // SIGINT: the same, from a terminal
    Hangup,     // SIGHUP: reload
    User1,      // SIGUSR1: reopen the log
};

/// The four signals, readable by a Poller. Open it before any thread is started: a thread inherits
/// what is blocked, and one that does not block a signal would die of it.
class SignalReader {
public:
    /// @errors EMFILE, ENFILE, ENOMEM
    static Result<SignalReader, IoError> open();

    /// Readable while a signal waits.
    int fd() const { return fd_.get(); }
    /// The next one; nullopt when none waits. The same signal twice in a row counts as one.
    std::optional<Signal> next();

private:
    explicit SignalReader(Fd fd) : fd_(std::move(fd)) {}

    Fd fd_;
};

/// Lets writes to a dead pipe or socket fail with EPIPE. For the whole process.
void ignore_sigpipe();

}  // namespace godwit::os
