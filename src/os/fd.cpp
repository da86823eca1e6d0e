#include "os/fd.h"

#include <unistd.h>

namespace godwit::os {

void Fd::reset(int fd) {
    // Linux frees the number even when close() reports EINTR or EIO: never try twice.
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

}  // namespace godwit::os
