// IoError: why the environment refused: the number the kernel gave and the call that got it.
#pragma once

#include <string>
#include <string_view>

namespace godwit::os {

struct IoError {
    int code = 0;                // errno
    std::string_view operation;  // "bind"; a literal

    /// "bind: Address already in use". Without paths and addresses: the caller knows those.
    std::string text() const;
};

/// The IoError of the system call that has just failed. @param operation a literal
IoError last_error(std::string_view operation);

}  // namespace godwit::os
