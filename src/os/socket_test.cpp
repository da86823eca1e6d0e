#include "os/socket.h"

#include "os/poller.h"
#include "os/test_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace godwit::os {
namespace {

SocketAddress loopback(std::string_view text = "127.0.0.1:0") {
    return parse_address(text).value();
}

bool has_ipv6() {
    return listen_tcp(loopback("[::1]:0")).has_value();
}

void wait_for(int fd, Interest interest) {
    Poller poller = Poller::open().value();
    ASSERT_TRUE(poller.add(fd, 0, interest));
    PollEvent room[1];
    while (poller.wait(std::nullopt, room).empty()) {
    }
}

struct Ends {
    Fd client;
    Fd server;
};
Ends connect_to(const Listener& listener) {
    Ends ends;
    ends.client = listener.address().is_unix() ? connect_unix(listener.address().host()).value()
                                               : connect_tcp(listener.address()).value();
    wait_for(listener.fd(), Interest::Read);
    ends.server = accept_one(listener.fd()).value().fd;
    return ends;
}

std::string read_all_there_is(int fd) {
    std::string out;
    std::array<uint8_t, 1000> room;
    while (const auto got = receive_some(fd, room)) out += as_text(Bytes(room).first(*got));
    return out;
}

StreamError::Kind why_no_byte(int fd) {
    std::array<uint8_t, 1> room;
    const auto got = receive_some(fd, room);
    EXPECT_FALSE(got);
    return got.error().kind;
}

// --- listening and connecting ---

class EachTransport : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (GetParam() == std::string_view("v6") && !has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    }
    Listener listen() {
        const std::string_view kind = GetParam();
        if (kind == "unix") return listen_unix(directory_.path("s")).value();
        if (kind == "abstract") return listen_unix("@godwit-test-" + directory_.path("")).value();
        return listen_tcp(loopback(kind == "v4" ? "127.0.0.1:0" : "[::1]:0")).value();
    }
    TestDirectory directory_;
};
INSTANTIATE_TEST_SUITE_P(Socket, EachTransport, testing::Values("v4", "v6", "unix", "abstract"));

TEST_P(EachTransport, CarriesBytesBothWays) {
    const Listener listener = listen();
    const Ends ends = connect_to(listener);
    EXPECT_TRUE(socket_error(ends.client.get()));
    const std::array<Bytes, 1> ping = {as_bytes("ping")};
    const std::array<Bytes, 1> pong = {as_bytes("pong")};
    EXPECT_EQ(write_some(ends.client.get(), ping).value(), 4u);
    wait_for(ends.server.get(), Interest::Read);
    EXPECT_EQ(read_all_there_is(ends.server.get()), "ping");
    EXPECT_EQ(write_some(ends.server.get(), pong).value(), 4u);
    wait_for(ends.client.get(), Interest::Read);
    EXPECT_EQ(read_all_there_is(ends.client.get()), "pong");
}

TEST_P(EachTransport, SocketsNeverBlockAndCloseOnExec) {
    const Listener listener = listen();
    const Ends ends = connect_to(listener);
    for (const int fd : {listener.fd(), ends.client.get(), ends.server.get()}) {
        EXPECT_TRUE(::fcntl(fd, F_GETFL) & O_NONBLOCK);
        EXPECT_TRUE(::fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    EXPECT_EQ(accept_one(listener.fd()).error(), AcceptError::WouldBlock);
}

TEST_P(EachTransport, AddressesOfBothEndsAgree) {
    const Listener listener = listen();
    const Ends ends = connect_to(listener);
    EXPECT_EQ(peer_address(ends.client.get()).value().text(), listener.address().text());
    EXPECT_EQ(peer_address(ends.server.get()).value().text(),
              local_address(ends.client.get()).value().text());
    EXPECT_TRUE(is_loopback(peer_address(ends.server.get()).value()));
}

TEST_P(EachTransport, TellsNothingYetFromNothingMore) {
    const Listener listener = listen();
    Ends ends = connect_to(listener);
    EXPECT_EQ(why_no_byte(ends.server.get()), StreamError::Kind::WouldBlock);
    shutdown_write(ends.client.get());
    wait_for(ends.server.get(), Interest::Read);
    EXPECT_EQ(why_no_byte(ends.server.get()), StreamError::Kind::EndOfStream);
    const std::array<Bytes, 1> still = {as_bytes("still open")};
    EXPECT_TRUE(write_some(ends.server.get(), still));
}

TEST_P(EachTransport, WritingToADeadPeerFailsWithoutASignal) {
    const Listener listener = listen();
    Ends ends = connect_to(listener);
    ends.client.reset();
    const std::array<Bytes, 1> pieces = {as_bytes("x")};
    auto sent = write_some(ends.server.get(), pieces);
    while (sent) sent = write_some(ends.server.get(), pieces);  // TCP hears of it with the first
    EXPECT_EQ(sent.error().kind, StreamError::Kind::Failed);
    EXPECT_TRUE(sent.error().code == EPIPE || sent.error().code == ECONNRESET);
    EXPECT_FALSE(sent.error().text().empty());
}

TEST(Tcp, AcceptedConnectionsHaveNodelayFromBirth) {
    const Listener listener = listen_tcp(loopback()).value();
    const Ends ends = connect_to(listener);
    const auto has_nodelay = [](int fd) {
        int on = 0;
        socklen_t bytes = sizeof on;
        EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &bytes), 0);
        return on != 0;
    };
    EXPECT_TRUE(has_nodelay(ends.server.get()));
    EXPECT_FALSE(has_nodelay(ends.client.get()));
    set_nodelay(ends.client.get());
    EXPECT_TRUE(has_nodelay(ends.client.get()));
}

TEST(Tcp, BothFamiliesShareAPort) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    bool shared = false;
    for (int attempt = 0; attempt < 100 && !shared; ++attempt) {  // somebody may use it for IPv4
        const Listener v6 = listen_tcp(loopback("[::]:0")).value();
        shared = listen_tcp(resolve({"0.0.0.0", v6.address().port()}).value().front()).has_value();
    }
    EXPECT_TRUE(shared);
}

TEST(Tcp, ATakenPortIsRefused) {
    const Listener first = listen_tcp(loopback()).value();
    const auto second = listen_tcp(first.address());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EADDRINUSE);
    EXPECT_EQ(second.error().text(), "bind: Address already in use");
}

TEST(Tcp, AnAddressOfAnotherMachineIsRefused) {
    const auto listener = listen_tcp(loopback("192.0.2.1:0"));
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().code, EADDRNOTAVAIL);
}

TEST(Tcp, APortWithoutListenerRefusesTheConnection) {
    const Fd bound(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));  // keeps others off the port
    const SocketAddress any = loopback();
    ASSERT_EQ(::bind(bound.get(), any.raw(), any.raw_bytes()), 0);
    const auto fd = connect_tcp(local_address(bound.get()).value());
    ASSERT_TRUE(fd);
    wait_for(fd->get(), Interest::Write);
    const auto outcome = socket_error(fd->get());
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ECONNREFUSED);
}

TEST(Tcp, CallsFromTheGivenAddress) {
    const Listener listener = listen_tcp(loopback()).value();
    const SocketAddress source = loopback("127.0.0.9:0");
    const Fd client = connect_tcp(listener.address(), &source).value();
    wait_for(listener.fd(), Interest::Read);
    const Accepted accepted = accept_one(listener.fd()).value();
    EXPECT_EQ(accepted.peer.host(), "127.0.0.9");
    EXPECT_EQ(accepted.peer.text(), peer_address(accepted.fd.get()).value().text());

    const SocketAddress foreign = loopback("192.0.2.1:0");
    EXPECT_EQ(connect_tcp(listener.address(), &foreign).error().code, EADDRNOTAVAIL);
}

TEST(Tcp, CallsFromTheGivenIpv6Address) {
    if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
    const Listener listener = listen_tcp(loopback("[::1]:0")).value();
    const SocketAddress source = loopback("[::1]:0");
    EXPECT_TRUE(connect_tcp(listener.address(), &source));
}

TEST(Tcp, AResetIsAFailureWithItsReason) {
    const Listener listener = listen_tcp(loopback()).value();
    Ends ends = connect_to(listener);
    const linger abort{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(::setsockopt(ends.client.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
    ends.client.reset();
    wait_for(ends.server.get(), Interest::Read);
    std::array<uint8_t, 1> room;
    const auto got = receive_some(ends.server.get(), room);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, StreamError::Kind::Failed);
    EXPECT_EQ(got.error().code, ECONNRESET);
    EXPECT_FALSE(peer_address(ends.server.get()));
}

TEST(Accept, SaysWhenDescriptorsRunOut) {
    const Listener listener = listen_tcp(loopback()).value();
    const Fd client = connect_tcp(listener.address()).value();
    wait_for(listener.fd(), Interest::Read);
    rlimit limit{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlimit none = limit;
    none.rlim_cur = 0;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    const auto refused = accept_one(listener.fd());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), AcceptError::OutOfDescriptors);
    EXPECT_TRUE(accept_one(listener.fd()));  // it has waited
}

TEST(Accept, SaysWhenTheListenerIsNone) {
    EXPECT_EQ(accept_one(-1).error(), AcceptError::Broken);
    const Fd plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(accept_one(plain.get()).error(), AcceptError::Broken);
}

// --- bytes ---

TEST(WriteSome, JoinsPiecesAndSkipsEmptyOnes) {
    const Listener listener = listen_tcp(loopback()).value();
    const Ends ends = connect_to(listener);
    const std::array<Bytes, 5> pieces = {as_bytes("a"), Bytes(), as_bytes("bc"), Bytes(),
                                         as_bytes("def")};
    EXPECT_EQ(write_some(ends.client.get(), pieces).value(), 6u);
    wait_for(ends.server.get(), Interest::Read);
    EXPECT_EQ(read_all_there_is(ends.server.get()), "abcdef");
}

TEST(WriteSome, NothingToSendIsNoFailure) {
    const Listener listener = listen_tcp(loopback()).value();
    const Ends ends = connect_to(listener);
    const std::array<Bytes, 2> empty = {Bytes(), Bytes()};
    EXPECT_EQ(write_some(ends.client.get(), empty).value(), 0u);
    EXPECT_EQ(write_some(ends.client.get(), {}).value(), 0u);
}

TEST(WriteSome, LooksAtABoundedNumberOfPieces) {
    const Listener listener = listen_tcp(loopback()).value();
    const Ends ends = connect_to(listener);
    const std::vector<Bytes> pieces(kWritePiecesMax + 10, as_bytes("x"));
    EXPECT_EQ(write_some(ends.client.get(), pieces).value(), kWritePiecesMax);
}

TEST(WriteSome, TellsHowMuchFittedAndThenThatNothingDoes) {
    const Listener listener = listen_tcp(loopback()).value();
    const Ends ends = connect_to(listener);
    const std::vector<uint8_t> megabytes(32 << 20, 'x');
    const std::array<Bytes, 2> pieces = {as_bytes("head"), megabytes};
    const auto first = write_some(ends.client.get(), pieces);
    ASSERT_TRUE(first);
    EXPECT_LT(*first, megabytes.size());
    auto more = first;
    while (more) more = write_some(ends.client.get(), pieces);
    EXPECT_EQ(more.error().kind, StreamError::Kind::WouldBlock);
}

// --- unix ---

class Unix : public testing::Test {
protected:
    bool exists(const std::string& path) const {
        struct stat status {};
        return ::lstat(path.c_str(), &status) == 0;
    }
    /// What a killed process leaves behind.
    void leave_stale_file() {
        const SocketAddress address = unix_address(path_).value();
        const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(fd.get(), address.raw(), address.raw_bytes()), 0);
    }

    TestDirectory directory_;
    std::string path_ = directory_.path("mqtt.sock");
};

TEST_F(Unix, TheFileIsForOwnerAndGroup) {
    const Listener listener = listen_unix(path_).value();
    struct stat status {};
    ASSERT_EQ(::lstat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0660u);
}

TEST_F(Unix, TheFileGoesWithTheListener) {
    {
        Listener listener = listen_unix(path_).value();
        const Listener moved = std::move(listener);
        EXPECT_TRUE(exists(path_));
    }
    EXPECT_FALSE(exists(path_));
}

TEST_F(Unix, AFileThatSomebodyElseMadeStays) {
    {
        const Listener listener = listen_unix(path_).value();
        ASSERT_EQ(::rename(path_.c_str(), directory_.path("old").c_str()), 0);
        leave_stale_file();
    }
    EXPECT_TRUE(exists(path_));
}

TEST_F(Unix, AStaleFileIsReplaced) {
    leave_stale_file();
    const auto listener = listen_unix(path_);
    ASSERT_TRUE(listener);
    EXPECT_TRUE(connect_unix(path_));
}

TEST_F(Unix, ALiveListenerIsLeftAlone) {
    const Listener first = listen_unix(path_).value();
    const auto second = listen_unix(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, EADDRINUSE);
    EXPECT_TRUE(connect_unix(path_));
}

TEST_F(Unix, ALiveListenerWithAFullBacklogIsLeftAlone) {
    const Listener first = listen_unix(path_, 0).value();
    const Fd waiting = connect_unix(path_).value();
    EXPECT_EQ(connect_unix(path_).error().code, EAGAIN);
    EXPECT_EQ(listen_unix(path_).error().code, EADDRINUSE);
}

TEST_F(Unix, AFileThatIsNoSocketIsLeftAlone) {
    const Fd file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    ASSERT_TRUE(file);
    const auto listener = listen_unix(path_);
    ASSERT_FALSE(listener);
    EXPECT_EQ(listener.error().code, EEXIST);
    EXPECT_TRUE(exists(path_));
}

TEST_F(Unix, PathsThatCannotBeAreRefused) {
    EXPECT_EQ(listen_unix("").error().code, EINVAL);
    EXPECT_EQ(listen_unix("/" + std::string(200, 'a')).error().code, ENAMETOOLONG);
    EXPECT_EQ(listen_unix(directory_.path("none/s")).error().code, ENOENT);
    EXPECT_EQ(connect_unix(path_).error().code, ENOENT);
}

TEST_F(Unix, KnowsWhoIsCalling) {
    const Listener listener = listen_unix(path_).value();
    const Ends ends = connect_to(listener);
    const auto caller = peer_credentials(ends.server.get());
    ASSERT_TRUE(caller);
    EXPECT_EQ(caller->pid, ::getpid());
    EXPECT_EQ(caller->uid, ::geteuid());
    EXPECT_EQ(caller->gid, ::getegid());
}

TEST(Tcp, IsResetByClosingWhereThatWasAskedFor) {
    const Listener listener = listen_tcp(loopback()).value();
    Ends ends = connect_to(listener);
    reset_on_close(ends.client.get());
    ends.client.reset();
    wait_for(ends.server.get(), Interest::Read);
    EXPECT_EQ(why_no_byte(ends.server.get()), StreamError::Kind::Failed);
}

TEST(Tcp, HasNoPeerCredentials) {
    const Listener listener = listen_tcp(loopback()).value();
    const Ends ends = connect_to(listener);
    EXPECT_EQ(peer_credentials(ends.server.get()).error().code, ENOTCONN);
}

}  // namespace
}  // namespace godwit::os
