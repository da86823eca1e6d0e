// The listening and connecting half of os/socket.h.
#include "base/assert.h"
#include "os/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace godwit::os {

namespace {

constexpr mode_t kSocketFileMode = 0660;
constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

Result<Fd, IoError> open_socket(int family) {
    Fd fd(::socket(family, kSocketFlags, 0));
    if (!fd) return Err{last_error("socket")};
    return fd;
}

void switch_on(int fd, int level, int option) {
    const int on = 1;
    GW_ASSERT(::setsockopt(fd, level, option, &on, sizeof on) == 0);
}

Result<Done, IoError> bind_and_listen(int fd, const SocketAddress& address, int backlog) {
    if (::bind(fd, address.raw(), address.raw_bytes()) < 0) return Err{last_error("bind")};
    if (::listen(fd, backlog) < 0) return Err{last_error("listen")};
    return Done{};
}

Result<SocketAddress, IoError> file_address(const std::string& path) {
    const auto address = unix_address(path);
    if (address) return *address;
    const bool too_long = address.error() == AddressError::PathTooLong;
    return Err{IoError{too_long ? ENAMETOOLONG : EINVAL, "unix path"}};
}

/// Removes a socket file whose listener is gone, and nothing else.
Result<Done, IoError> remove_stale_file(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) < 0) {
        if (errno == ENOENT) return Done{};
        return Err{last_error("lstat")};
    }
    if (!S_ISSOCK(status.st_mode)) return Err{IoError{EEXIST, "bind"}};
    const auto probe = connect_unix(path);
    if (probe || probe.error().code == EAGAIN) return Err{IoError{EADDRINUSE, "bind"}};
    if (probe.error().code != ECONNREFUSED) return Err{probe.error()};
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) return Err{last_error("unlink")};
    return Done{};
}

Result<Done, IoError> start_connect(int fd, const SocketAddress& to) {
    if (::connect(fd, to.raw(), to.raw_bytes()) == 0) return Done{};
    // A signal does not stop a connect that has begun: it goes on like one in progress.
    if (errno == EINPROGRESS || errno == EINTR) return Done{};
    return Err{last_error("connect")};
}

AcceptError to_accept_error(int code) {
    switch (code) {
        case EAGAIN:
            return AcceptError::WouldBlock;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return AcceptError::OutOfDescriptors;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EOPNOTSUPP:
        case EFAULT:
            return AcceptError::Broken;
        default:
            return AcceptError::Aborted;  // errors of the one connection, accept(2)
    }
}

}  // namespace

Listener::Listener(Fd fd, const SocketAddress& address, std::optional<SocketFile> file)
    : fd_(std::move(fd)), address_(address), file_(std::move(file)) {}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::move(other.fd_)),
      address_(other.address_),
      file_(std::exchange(other.file_, std::nullopt)) {}

Listener& Listener::operator=(Listener&& other) noexcept {
    if (this == &other) return *this;
    remove_file();
    fd_ = std::move(other.fd_);
    address_ = other.address_;
    file_ = std::exchange(other.file_, std::nullopt);
    return *this;
}

Listener::~Listener() {
    remove_file();
}

void Listener::remove_file() {
    if (!file_) return;
    struct stat status {};
    const bool ours = ::lstat(file_->path.c_str(), &status) == 0 &&
                      status.st_dev == file_->device && status.st_ino == file_->inode;
    if (ours) ::unlink(file_->path.c_str());
    file_.reset();
}

Result<Listener, IoError> listen_tcp(const SocketAddress& address, int backlog) {
    GW_ASSERT(address.family() == AF_INET || address.family() == AF_INET6);
    auto fd = open_socket(address.family());
    if (!fd) return Err{fd.error()};
    switch_on(fd->get(), SOL_SOCKET, SO_REUSEADDR);
    switch_on(fd->get(), IPPROTO_TCP, TCP_NODELAY);  // inherited by what is accepted
    if (address.family() == AF_INET6) switch_on(fd->get(), IPPROTO_IPV6, IPV6_V6ONLY);
    const auto listening = bind_and_listen(fd->get(), address, backlog);
    if (!listening) return Err{listening.error()};
    const auto bound = local_address(fd->get());
    if (!bound) return Err{bound.error()};
    return Listener(std::move(*fd), *bound, std::nullopt);
}

Result<Listener, IoError> listen_unix(const std::string& path, int backlog) {
    const auto address = file_address(path);
    if (!address) return Err{address.error()};
    auto fd = open_socket(AF_UNIX);
    if (!fd) return Err{fd.error()};
    if (path.starts_with('@')) {
        const auto listening = bind_and_listen(fd->get(), *address, backlog);
        if (!listening) return Err{listening.error()};
        return Listener(std::move(*fd), *address, std::nullopt);
    }
    const auto removed = remove_stale_file(path);
    if (!removed) return Err{removed.error()};
    if (::bind(fd->get(), address->raw(), address->raw_bytes()) < 0) return Err{last_error("bind")};
    struct stat status {};
    if (::lstat(path.c_str(), &status) < 0) return Err{last_error("lstat")};
    Listener listener(std::move(*fd), *address,
                      Listener::SocketFile{path, status.st_dev, status.st_ino});
    // Nobody can connect before listen(): the mode is right from the first caller on.
    if (::chmod(path.c_str(), kSocketFileMode) < 0) return Err{last_error("chmod")};
    if (::listen(listener.fd(), backlog) < 0) return Err{last_error("listen")};
    return listener;
}

Result<Accepted, AcceptError> accept_one(int listener) {
    sockaddr_storage raw{};
    socklen_t raw_bytes = sizeof raw;
    auto* generic = reinterpret_cast<sockaddr*>(&raw);
    Fd fd;
    do fd.reset(::accept4(listener, generic, &raw_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC));
    while (!fd && errno == EINTR);
    if (!fd) return Err{to_accept_error(errno)};
    return Accepted{std::move(fd), SocketAddress(generic, raw_bytes)};
}

Result<Fd, IoError> connect_tcp(const SocketAddress& to, const SocketAddress* source) {
    GW_ASSERT(to.family() == AF_INET || to.family() == AF_INET6);
    auto fd = open_socket(to.family());
    if (!fd) return Err{fd.error()};
    if (source != nullptr) {
        // The port is chosen by connect(), so that one port can serve towards several targets.
        switch_on(fd->get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        if (::bind(fd->get(), source->raw(), source->raw_bytes()) < 0)
            return Err{last_error("bind")};
    }
    const auto started = start_connect(fd->get(), to);
    if (!started) return Err{started.error()};
    return fd;
}

Result<Fd, IoError> connect_unix(const std::string& path) {
    const auto address = file_address(path);
    if (!address) return Err{address.error()};
    auto fd = open_socket(AF_UNIX);
    if (!fd) return Err{fd.error()};
    const auto started = start_connect(fd->get(), *address);
    if (!started) return Err{started.error()};
    return fd;
}

}  // namespace godwit::os
