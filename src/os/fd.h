// Fd: a file descriptor that somebody owns. Closed when the owner goes.
#pragma once

#include <utility>

namespace godwit::os {

/// Moves, never copies; empty after a move. Closing never fails for the caller.
class Fd {
public:
    Fd() = default;
    /// Takes ownership of `fd`; a negative number makes an empty Fd.
    explicit Fd(int fd) : fd_(fd < 0 ? -1 : fd) {}
    Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Fd& operator=(Fd&& other) noexcept {
        if (this != &other) reset(std::exchange(other.fd_, -1));
        return *this;
    }
    ~Fd() { reset(); }

    explicit operator bool() const { return fd_ >= 0; }
    /// The number, still owned here; -1 when empty.
    int get() const { return fd_; }
    /// The number, owned by the caller from now on.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    /// Closes what is held and holds `fd` instead.
    void reset(int fd = -1);

private:
    int fd_ = -1;
};

}  // namespace godwit::os
