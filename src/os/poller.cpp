#include "os/poller.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <ctime>

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
int to_milliseconds(Duration timeout) {
    return int(std::chrono::ceil<std::chrono::milliseconds>(timeout).count());
}

int wait_once(int epoll, std::span<epoll_event> room, std::optional<Duration> timeout) {
    constexpr Duration kLongest = std::chrono::hours(24);
    const int count = int(room.size());
    if (!timeout) return ::epoll_wait(epoll, room.data(), count, -1);
    const Duration left = std::clamp(*timeout, Duration::zero(), kLongest);
    if (left % std::chrono::milliseconds(1) != Duration::zero()) {
        const timespec exact{.tv_sec = left / std::chrono::seconds(1),
                             .tv_nsec = (left % std::chrono::seconds(1)).count()};
        const int got = ::epoll_pwait2(epoll, room.data(), count, &exact, nullptr);
        if (got >= 0 || errno != ENOSYS) return got;  // not known to every sandbox
    }
    return ::epoll_wait(epoll, room.data(), count, to_milliseconds(left));
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
    const auto raw_room = std::span(raw).first(std::min(room.size(), kEventsMax));
    const int count = wait_once(epoll_.get(), raw_room, timeout);
    GW_ASSERT(count >= 0 || errno == EINTR);
    if (count < 0) return {};
    std::transform(raw, raw + count, room.begin(), to_event);
    return room.first(size_t(count));
}

}  // namespace godwit::os
