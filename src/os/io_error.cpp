#include "os/io_error.h"

#include <cerrno>
#include <system_error>

namespace godwit::os {

std::string IoError::text() const {
    std::string out(operation);
    out += ": ";
    out += std::generic_category().message(code);
    return out;
}

IoError last_error(std::string_view operation) {
    return {errno, operation};
}

}  // namespace godwit::os
