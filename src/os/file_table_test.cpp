#include "os/file_table.h"

#include "os/poller.h"
#include "os/test_limit.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace godwit::os {
namespace {

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

struct Pipe {
    Pipe() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        out.reset(ends[0]);
        in.reset(ends[1]);
    }
    /// 'w' when nobody writes any more, 'e' when nothing has come, else what came.
    static char read(int fd) {
        char byte = 0;
        const ssize_t got = ::read(fd, &byte, 1);
        return got == 0 ? 'w' : got < 0 ? 'e' : byte;
    }
    Fd out, in;
};

TEST(FileTable, KeepsWhatIsNamedAndTheStandardStreams) {
    const Pipe kept, other;
    std::thread([&] {
        const std::array keep{kept.out.get(), kept.in.get(), STDOUT_FILENO};
        ASSERT_TRUE(take_own_file_table(keep));
        EXPECT_TRUE(is_open(STDERR_FILENO));
        EXPECT_TRUE(is_open(kept.out.get()) && is_open(kept.in.get()));
        EXPECT_FALSE(is_open(other.out.get()) || is_open(other.in.get()));
    }).join();
    EXPECT_TRUE(is_open(other.out.get()) && is_open(other.in.get()));
}

TEST(FileTable, LosesItsFilesWithItsThreadAndNobodyElses) {
    Pipe pipe;
    std::thread([&] {
        ASSERT_TRUE(take_own_file_table(std::array{pipe.in.get()}));
        ASSERT_EQ(::write(pipe.in.get(), "x", 1), 1);
    }).join();
    EXPECT_EQ(Pipe::read(pipe.out.get()), 'x');
    EXPECT_EQ(Pipe::read(pipe.out.get()), 'e');  // our own end is still there
    pipe.in.reset();
    // A thread can be joined a moment before the kernel has let its table go.
    while (Pipe::read(pipe.out.get()) == 'e') std::this_thread::yield();
    EXPECT_EQ(Pipe::read(pipe.out.get()), 'w');
}

TEST(FileTable, CountsForItself) {
    const TestFileLimit limit(128);
    const auto fill = [] {
        std::vector<Fd> all;
        for (Fd fd(::dup(STDERR_FILENO)); fd; fd.reset(::dup(STDERR_FILENO)))
            all.push_back(std::move(fd));
        return all.size();
    };
    size_t counts[2] = {};
    for (size_t& count : counts)
        std::thread([&] {
            ASSERT_TRUE(take_own_file_table({}));
            count = fill();
        }).join();
    EXPECT_EQ(counts[0], 125u);
    EXPECT_EQ(counts[1], 125u);
}

// --- channel ---

TEST(FdChannel, CarriesFilesToAnotherTableInOrder) {
    auto channel = FdChannel::open().value();
    EXPECT_FALSE(channel.receive());
    std::vector<Pipe> pipes(5);
    for (size_t i = 0; i < pipes.size(); ++i) {
        EXPECT_TRUE(channel.send(pipes[i].in.get(), 100 + i));
        pipes[i].in.reset();
        EXPECT_EQ(Pipe::read(pipes[i].out.get()), 'e');  // under way it lives
    }
    std::thread([&] {
        ASSERT_TRUE(take_own_file_table(std::array{channel.receiving_fd()}));
        for (size_t i = 0; i < pipes.size(); ++i) {
            const auto received = channel.receive();
            ASSERT_TRUE(received && received->fd);
            EXPECT_EQ(received->label, 100 + i);
            const char byte = char('a' + i);
            EXPECT_EQ(::write(received->fd.get(), &byte, 1), 1);
        }
        EXPECT_FALSE(channel.receive());
    }).join();
    for (size_t i = 0; i < pipes.size(); ++i) {
        EXPECT_EQ(Pipe::read(pipes[i].out.get()), char('a' + i));
        EXPECT_EQ(Pipe::read(pipes[i].out.get()), 'w');  // it was closed on that thread
    }
}

TEST(FdChannel, SaysWhenItIsFullAndGoesOnWhenThereIsRoom) {
    auto channel = FdChannel::open().value();
    uint64_t sent = 0;
    while (sent < 100'000 && channel.send(STDERR_FILENO, sent)) ++sent;
    EXPECT_GE(sent, 100u);
    EXPECT_LT(sent, 100'000u);
    for (uint64_t i = 0; i < sent; ++i) {
        const auto received = channel.receive();
        ASSERT_TRUE(received);
        EXPECT_EQ(received->label, i);
    }
    EXPECT_TRUE(channel.send(STDERR_FILENO, 1));
}

TEST(FdChannel, GivesTheLabelAloneWhereTheReceiversTableIsFull) {
    auto channel = FdChannel::open().value();
    Pipe pipe;
    ASSERT_TRUE(channel.send(pipe.in.get(), 7));
    ASSERT_TRUE(channel.send(pipe.in.get(), 8));
    pipe.in.reset();
    {
        const TestFileLimit none(0);
        const auto received = channel.receive();
        ASSERT_TRUE(received);
        EXPECT_EQ(received->label, 7u);
        EXPECT_FALSE(received->fd);
    }
    const auto received = channel.receive();
    ASSERT_TRUE(received && received->fd);
    EXPECT_EQ(received->label, 8u);
    EXPECT_EQ(Pipe::read(pipe.out.get()), 'e');
}

TEST(FdChannel, IsReadableWhenSomethingWaits) {
    auto channel = FdChannel::open().value();
    auto poller = Poller::open().value();
    ASSERT_TRUE(poller.add(channel.receiving_fd(), 3, Interest::Read));
    std::array<PollEvent, 1> room;
    EXPECT_TRUE(poller.wait(Duration::zero(), room).empty());
    ASSERT_TRUE(channel.send(STDERR_FILENO, 1));
    EXPECT_EQ(poller.wait(Duration::zero(), room).size(), 1u);
}

}  // namespace
}  // namespace godwit::os
