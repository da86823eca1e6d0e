// The lines of a file, one after the other.
#pragma once

#include <string_view>

namespace godwit::auth {

/// Takes the first line off `text`, without its end. @cost one search, no allocation
inline std::string_view take_line(std::string_view& text) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    return line;
}

}  // namespace godwit::auth
