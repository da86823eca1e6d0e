// For tests: the client's end of a stream socket, which waits for what must come.
#pragma once

#include "os/poller.h"
#include "os/socket.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

namespace godwit::os {

/// A wait that lasts longer than kPatience fails the test.
class TestStream {
public:
    static constexpr auto kPatience = std::chrono::seconds(30);

    /// @param address  as parse_address reads it
    explicit TestStream(std::string_view address) : TestStream(parse_address(address).value()) {}
    explicit TestStream(const SocketAddress& address)
        : fd_(address.is_unix() ? connect_unix(address.host()).value()
                                : connect_tcp(address).value()),
          poller_(Poller::open().value()) {
        EXPECT_TRUE(poller_.add(fd_.get(), 0, Interest::ReadWrite));
        wait(Interest::Write);
    }

    int fd() const { return fd_.get(); }

    void send(std::string_view text) {
        while (!text.empty()) {
            const Bytes piece = as_bytes(text);
            const auto sent = write_some(fd_.get(), {&piece, 1});
            if (sent)
                text.remove_prefix(*sent);
            else if (sent.error().kind != StreamError::Kind::WouldBlock || !wait(Interest::Write))
                return;
        }
    }
    /// Says that no more will come.
    void end() { shutdown_write(fd_.get()); }

    /// The next `count` bytes; fewer at the end of the stream.
    std::string read(size_t count) {
        while (read_.size() < count && fill()) {
        }
        return take(std::min(count, read_.size()));
    }
    /// All up to and with `mark`; all there is if the stream ends before it.
    std::string read_until(std::string_view mark) {
        size_t at;
        while ((at = read_.find(mark)) == read_.npos && fill()) {
        }
        return take(at == read_.npos ? read_.size() : at + mark.size());
    }
    std::string read_to_end() {
        while (fill()) {
        }
        return take(read_.size());
    }

private:
    bool wait(Interest interest) {
        poller_.modify(fd_.get(), 0, interest);
        std::array<PollEvent, 1> room;
        const bool ready = !poller_.wait(kPatience, room).empty();
        EXPECT_TRUE(ready) << "nothing came";
        return ready;
    }
    bool fill() {
        std::array<uint8_t, 16 * 1024> room;
        for (;;) {
            const auto got = receive_some(fd_.get(), room);
            if (got) {
                read_ += as_text(Bytes(room).first(*got));
                return true;
            }
            if (got.error().kind != StreamError::Kind::WouldBlock || !wait(Interest::Read))
                return false;
        }
    }
    std::string take(size_t count) {
        std::string out = read_.substr(0, count);
        read_.erase(0, count);
        return out;
    }

    Fd fd_;
    Poller poller_;
    std::string read_;  // and not yet asked for
};

}  // namespace godwit::os
