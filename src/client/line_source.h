// LineSource: lines of a descriptor, as they come, without reading more than is asked for.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>

namespace godwit::client {

class LineSource {
public:
    /// @param fd              borrowed
    /// @param line_bytes_max  a longer line is an error
    LineSource(int fd, size_t line_bytes_max) : fd_(fd), line_bytes_max_(line_bytes_max) {}

    /// Reads once; blocks if nothing is there.
    /// @errors  a sentence: the read failed, or a line is too long. The end is not one.
    Result<Done, std::string> read_more();
    /// The next whole line without its end; what stands after the last newline is a line too.
    std::optional<std::string> next_line();
    /// No whole line is there, and more can come: read_more() is of use.
    bool wants_more() const { return !ended_ && !has_line(); }
    /// All lines have been taken.
    bool done() const { return ended_ && !has_line(); }

private:
    bool has_line() const {
        return newline_ != std::string::npos || (ended_ && taken_ < text_.size());
    }

    const int fd_;
    const size_t line_bytes_max_;
    std::string text_;
    size_t taken_ = 0;
    size_t newline_ = std::string::npos;  // of the next whole line
    bool ended_ = false;
};

}  // namespace godwit::client
