#include "os/service_manager.h"

#include "os/address.h"
#include "os/fd.h"
#include "os/test_directory.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>

namespace godwit::os {
namespace {

class ServiceManager : public testing::Test {
protected:
    void TearDown() override { ::unsetenv("NOTIFY_SOCKET"); }
    void listen_at(const std::string& path) {
        const SocketAddress address = unix_address(path).value();
        socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(socket_.get(), address.raw(), address.raw_bytes()), 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    }
    std::string received() {
        char room[1000];
        const ssize_t got = ::recv(socket_.get(), room, sizeof room, 0);
        return got < 0 ? "" : std::string(room, size_t(got));
    }

    TestDirectory directory_;
    Fd socket_;
};

TEST_F(ServiceManager, AbsentMeansNothingToDo) {
    ::unsetenv("NOTIFY_SOCKET");
    EXPECT_TRUE(notify_ready(""));
    ::setenv("NOTIFY_SOCKET", "", 1);
    EXPECT_TRUE(notify_ready(""));
}

TEST_F(ServiceManager, HearsOfEveryStep) {
    listen_at(directory_.path("notify"));
    EXPECT_TRUE(notify_ready(""));
    EXPECT_EQ(received(), "READY=1\n");
    EXPECT_TRUE(notify_reloading(Instant(std::chrono::nanoseconds(12'345'678))));
    EXPECT_EQ(received(), "RELOADING=1\nMONOTONIC_USEC=12345\n");
    EXPECT_TRUE(notify_stopping());
    EXPECT_EQ(received(), "STOPPING=1\n");
}

TEST_F(ServiceManager, AStatusIsOneLine) {
    listen_at(directory_.path("notify"));
    EXPECT_TRUE(notify_ready("3 listeners\nMAINPID=1"));
    EXPECT_EQ(received(), "READY=1\nSTATUS=3 listeners\n");
}

TEST_F(ServiceManager, HearsUnderAnAbstractName) {
    listen_at("@godwit-notify-" + directory_.path(""));
    EXPECT_TRUE(notify_stopping());
    EXPECT_EQ(received(), "STOPPING=1\n");
}

TEST_F(ServiceManager, AWrongPathIsAnError) {
    ::setenv("NOTIFY_SOCKET", directory_.path("nobody").c_str(), 1);
    EXPECT_EQ(notify_ready("").error().code, ENOENT);
    ::setenv("NOTIFY_SOCKET", std::string(300, 'a').c_str(), 1);
    EXPECT_EQ(notify_ready("").error().code, EINVAL);
}

}  // namespace
}  // namespace godwit::os
