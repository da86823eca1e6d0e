#include "os/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

namespace godwit::os {

Result<Waker, IoError> Waker::open() {
    Fd event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!event) return Err{last_error("eventfd")};
    return Waker(std::move(event));
}

void Waker::fence() {
#ifdef __SANITIZE_THREAD__
    // ThreadSanitizer knows no fences. Two read-modify-writes of one variable are ordered as well;
    // they only cost more, since the line then wanders between the cores.
    sleeping_.fetch_or(0, std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

void Waker::prepare_sleep() {
    sleeping_.store(1, std::memory_order_relaxed);
    fence();
}

void Waker::wake() {
    fence();
    if (sleeping_.load(std::memory_order_relaxed) == 0) return;
    // Of several wakers the first writes.
    if (sleeping_.exchange(0, std::memory_order_relaxed) == 0) return;
    const uint64_t one = 1;
    GW_ASSERT(::write(event_.get(), &one, sizeof one) == sizeof one);
}

void Waker::drain() {
    uint64_t count = 0;
    const ssize_t got = ::read(event_.get(), &count, sizeof count);
    GW_ASSERT(got == sizeof count || errno == EAGAIN);
}

}  // namespace godwit::os
