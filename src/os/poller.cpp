#include "os/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace godwit::os {

namespace {

constexpr size_t kEventsMax = 256;

uint32_t to_mask(Interest interest) {
    switch (interest) {
        case Interest::None:
            return 0;
        case Interest::Read:
            return EPOLLIN;
        case Interest::Write:
            return EPOLLOUT;
        case Interest::ReadWrite:
            return EPOLLIN | EPOLLOUT;
    }
    GW_ASSERT(false);
    return 0;
}

/// Rounded up: waking before a deadline would only mean to wait again.
int to_milliseconds(std::optional<Duration> timeout) {
    if (!timeout) return -1;
    if (*timeout <= Duration::zero()) return 0;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(
        std::min<Duration>(*timeout, std::chrono::hours(24)));
    return int(ms.count());
}

PollEvent to_event(const epoll_event& raw) {
    return {.token = raw.data.u64,
            .readable = (raw.events & EPOLLIN) != 0,
            .writable = (raw.events & EPOLLOUT) != 0,
            .hangup = (raw.events & (EPOLLHUP | EPOLLERR)) != 0};
}

}  // namespace

Result<Poller, IoError> Poller::open() {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return Err{last_error("epoll_create1")};
    return Poller(std::move(epoll));
}

Result<Done, IoError> Poller::add(int fd, uint64_t token, Interest interest) {
    return control_add(fd, token, to_mask(interest));
}

Result<Done, IoError> Poller::add_exclusive(int fd, uint64_t token) {
    return control_add(fd, token, EPOLLIN | EPOLLEXCLUSIVE);
}

Result<Done, IoError> Poller::control_add(int fd, uint64_t token, uint32_t mask) {
    epoll_event event{.events = mask, .data = {.u64 = token}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
        GW_ASSERT(errno != EBADF && errno != EEXIST);
        return Err{last_error("epoll_ctl")};
    }
    return Done{};
}

void Poller::modify(int fd, uint64_t token, Interest interest) {
    epoll_event event{.events = to_mask(interest), .data = {.u64 = token}};
    GW_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Poller::remove(int fd) {
    GW_ASSERT(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
}

std::span<const PollEvent> Poller::wait(std::optional<Duration> timeout,
                                        std::span<PollEvent> room) {
    epoll_event raw[kEventsMax];
    const int room_count = int(std::min(room.size(), kEventsMax));
    const int count = ::epoll_wait(epoll_.get(), raw, room_count, to_milliseconds(timeout));
    GW_ASSERT(count >= 0 || errno == EINTR);
    if (count < 0) return {};
    std::transform(raw, raw + count, room.begin(), to_event);
    return room.first(size_t(count));
}

}  // namespace godwit::os
