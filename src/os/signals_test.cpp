#include "os/signals.h"

#include "os/poller.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

namespace godwit::os {
namespace {

// A signal of the whole process would reach any thread that does not block it, and other tests may
// leave such threads; a signal of this thread is pending here.
void raise_here(int number) {
    ASSERT_EQ(::pthread_kill(::pthread_self(), number), 0);
}

class SignalReaderTest : public testing::Test {
protected:
    void SetUp() override { ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, nullptr, &before_), 0); }
    void TearDown() override { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    sigset_t before_{};
};

TEST_F(SignalReaderTest, ReadsEachSignalInsteadOfDyingOfIt) {
    SignalReader signals = SignalReader::open().value();
    EXPECT_EQ(signals.next(), std::nullopt);
    const std::pair<int, Signal> all[] = {{SIGTERM, Signal::Terminate},
                                          {SIGINT, Signal::Interrupt},
                                          {SIGHUP, Signal::Hangup},
                                          {SIGUSR1, Signal::User1}};
    for (const auto& [number, signal] : all) {
        raise_here(number);
        EXPECT_EQ(signals.next(), signal);
        EXPECT_EQ(signals.next(), std::nullopt);
    }
}

TEST_F(SignalReaderTest, APollerSeesIt) {
    SignalReader signals = SignalReader::open().value();
    Poller poller = Poller::open().value();
    ASSERT_TRUE(poller.add(signals.fd(), 3, Interest::Read));
    PollEvent room[1];
    EXPECT_TRUE(poller.wait(Duration::zero(), room).empty());
    raise_here(SIGHUP);
    EXPECT_EQ(poller.wait(Duration::zero(), room).size(), 1u);
    EXPECT_EQ(signals.next(), Signal::Hangup);
}

TEST(Sigpipe, IgnoredItLeavesAnErrorCode) {
    ignore_sigpipe();
    int ends[2] = {-1, -1};
    ASSERT_EQ(::pipe(ends), 0);
    Fd reader(ends[0]);
    const Fd writer(ends[1]);
    reader.reset();
    EXPECT_EQ(::write(writer.get(), "x", 1), -1);
    EXPECT_EQ(errno, EPIPE);
}

}  // namespace
}  // namespace godwit::os
