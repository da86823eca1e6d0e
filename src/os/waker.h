// Waker: lets other threads wake a shard that sleeps in its Poller, and costs them next to nothing
// while it does not sleep.
//
//   the shard                              another thread
//     prepare_sleep()                        put work where the shard looks (SpscRing::publish)
//     look for work once more                wake()
//     none: Poller::wait, fd() watched
//     cancel_sleep()
//
// Either the shard sees the work in its last look, or wake() sees it asleep: each side writes,
// fences, then reads what the other has written. So no wake-up is lost, and an eventfd write (and
// the 25 us that waking costs) happens only when the target really sleeps, once per sleep.
#pragma once

#include "base/result.h"
#include "os/fd.h"
#include "os/io_error.h"

#include <atomic>

namespace godwit::os {

class Waker {
public:
    /// @errors EMFILE, ENFILE, ENOMEM
    static Result<Waker, IoError> open();
    /// Only before other threads know it.
    Waker(Waker&& other) noexcept : event_(std::move(other.event_)) {}

    /// For the Poller of the shard, Interest::Read.
    int fd() const { return event_.get(); }

    // --- the shard's own thread ---

    /// From here on wake() writes. Look for work after this, and only then wait.
    void prepare_sleep();
    /// Awake again, whatever the reason.
    void cancel_sleep() { sleeping_.store(0, std::memory_order_relaxed); }
    /// Call when the Poller says that fd() is readable, or it says so for ever.
    void drain();

    // --- any thread ---

    /// After the work was made visible. @cost one fence; one system call if the shard sleeps
    void wake();

private:
    explicit Waker(Fd event) : event_(std::move(event)) {}
    void fence();

    Fd event_;
    alignas(64) std::atomic<uint32_t> sleeping_{
        0};  // read by all: away from what one thread writes
};

}  // namespace godwit::os
