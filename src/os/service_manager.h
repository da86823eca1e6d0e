// Tells systemd, or whoever started us and set NOTIFY_SOCKET, how far we are. Without that variable
// every call succeeds and does nothing. Source: sd_notify(3).
#pragma once

#include "base/instant.h"
#include "base/result.h"
#include "os/io_error.h"

#include <string_view>

namespace godwit::os {

/// Sends lines of NAME=value in one datagram.
/// @errors ECONNREFUSED, ENOENT, EINVAL (NOTIFY_SOCKET is no usable path); worth a log line, no
/// more
Result<Done, IoError> notify_service_manager(std::string_view lines);

/// @param status  one line for `systemctl status`; may be empty
Result<Done, IoError> notify_ready(std::string_view status);
Result<Done, IoError> notify_stopping();
/// Before a reload; after it notify_ready.
Result<Done, IoError> notify_reloading(Instant now);

}  // namespace godwit::os
