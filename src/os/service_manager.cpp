#include "os/service_manager.h"

#include "os/address.h"
#include "os/fd.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>

namespace godwit::os {

namespace {

/// A line break in a value would begin another assignment.
std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

}  // namespace

Result<Done, IoError> notify_service_manager(std::string_view lines) {
    const char* path = ::getenv("NOTIFY_SOCKET");
    if (path == nullptr || *path == '\0') return Done{};
    const auto address = unix_address(path);
    if (!address) return Err{IoError{EINVAL, "NOTIFY_SOCKET"}};
    const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return Err{last_error("socket")};
    const ssize_t sent = ::sendto(fd.get(), lines.data(), lines.size(), MSG_NOSIGNAL,
                                  address->raw(), address->raw_bytes());
    if (sent < 0) return Err{last_error("sendto")};
    return Done{};
}

Result<Done, IoError> notify_ready(std::string_view status) {
    if (status.empty()) return notify_service_manager("READY=1\n");
    return notify_service_manager(fmt::format("READY=1\nSTATUS={}\n", first_line(status)));
}

Result<Done, IoError> notify_stopping() {
    return notify_service_manager("STOPPING=1\n");
}

Result<Done, IoError> notify_reloading(Instant now) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch());
    return notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", us.count()));
}

}  // namespace godwit::os
