#include "client/line_source.h"

#include "os/socket.h"

#include <fmt/format.h>

#include <array>

namespace godwit::client {

Result<Done, std::string> LineSource::read_more() {
    std::array<uint8_t, 64 * 1024> room;
    const auto got = os::read_some(fd_, room);
    if (!got && got.error().kind == os::StreamError::Kind::EndOfStream) {
        ended_ = true;
        return Done{};
    }
    if (!got && got.error().kind == os::StreamError::Kind::WouldBlock) return Done{};
    if (!got) return Err{"standard input: " + got.error().text()};
    const size_t seen = text_.size() - taken_;
    text_.erase(0, taken_);
    taken_ = 0;
    text_ += as_text(Bytes(room).first(*got));
    newline_ = text_.find('\n', newline_ == std::string::npos ? seen : 0);
    if (newline_ == std::string::npos && text_.size() > line_bytes_max_)
        return Err{fmt::format("standard input: a line of more than {} bytes", line_bytes_max_)};
    return Done{};
}

std::optional<std::string> LineSource::next_line() {
    if (!has_line()) return std::nullopt;
    const size_t end = newline_ == std::string::npos ? text_.size() : newline_;
    std::string line = text_.substr(taken_, end - taken_);
    taken_ = newline_ == std::string::npos ? end : end + 1;
    newline_ = text_.find('\n', taken_);
    return line;
}

}  // namespace godwit::client
