#include "os/file_table.h"

#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <vector>

namespace godwit::os {

namespace {

/// A message of one label with room for one descriptor.
struct Parcel {
    explicit Parcel(uint64_t its_label) : label(its_label) {
        header.msg_iov = &piece;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
    }
    Parcel(const Parcel&) = delete;
    Parcel& operator=(const Parcel&) = delete;

    uint64_t label;
    iovec piece{&label, sizeof label};
    msghdr header{};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace

Result<Done, IoError> take_own_file_table(std::span<const int> keep) {
    if (::unshare(CLONE_FILES) < 0) return Err{last_error("unshare")};
    std::vector<int> kept(keep.begin(), keep.end());
    std::sort(kept.begin(), kept.end());
    unsigned from = STDERR_FILENO + 1;
    for (const int fd : kept) {
        if (fd < int(from)) continue;
        if (unsigned(fd) > from && ::close_range(from, unsigned(fd) - 1, 0) < 0)
            return Err{last_error("close_range")};
        from = unsigned(fd) + 1;
    }
    if (::close_range(from, UINT_MAX, 0) < 0) return Err{last_error("close_range")};
    return Done{};
}

Result<FdChannel, IoError> FdChannel::open() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) < 0)
        return Err{last_error("socketpair")};
    return FdChannel(Fd(ends[0]), Fd(ends[1]));
}

bool FdChannel::send(int fd, uint64_t label) {
    Parcel parcel(label);
    cmsghdr* rights = CMSG_FIRSTHDR(&parcel.header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    sent_.fetch_add(1, std::memory_order_release);
    ssize_t sent;
    do sent = ::sendmsg(sending_.get(), &parcel.header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent == ssize_t(sizeof label)) return true;
    // ETOOMANYREFS: this user's descriptors under way are as many as one table may hold.
    GW_ASSERT(errno == EAGAIN || errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM);
    return false;
}

std::optional<FdChannel::Received> FdChannel::receive() {
    Parcel parcel(0);
    ssize_t got;
    do got = ::recvmsg(receiving_.get(), &parcel.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        GW_ASSERT(errno == EAGAIN || errno == ENOMEM);
        return std::nullopt;
    }
    GW_ASSERT(got == ssize_t(sizeof parcel.label));
    (void)sent_.load(std::memory_order_acquire);
    Received received{.fd = {}, .label = parcel.label};
    const cmsghdr* rights = CMSG_FIRSTHDR(&parcel.header);
    if (rights != nullptr && rights->cmsg_type == SCM_RIGHTS &&
        rights->cmsg_len == CMSG_LEN(sizeof(int))) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(rights), sizeof fd);
        received.fd.reset(fd);
    }
    return received;
}

}  // namespace godwit::os
