#include "server/socket_table.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace godwit::server {
namespace {

std::string name_of(std::string_view address) {
    return PeerName(os::parse_address(address).value()).text();
}

TEST(PeerName, ReadsAsTheAddressDoes) {
    EXPECT_EQ(name_of("203.0.113.7:49152"), "203.0.113.7:49152");
    EXPECT_EQ(name_of("0.0.0.0:0"), "0.0.0.0:0");
    EXPECT_EQ(name_of("[2001:db8::1]:49152"), "[2001:db8::1]:49152");
    EXPECT_EQ(name_of("[::]:1"), "[::]:1");
}

TEST(PeerName, IsUnixForEveryUnixSocket) {
    EXPECT_EQ(name_of("unix:/run/godwit.sock"), "unix:");
    EXPECT_EQ(PeerName().text(), "unix:");
    EXPECT_EQ(Socket().peer_text(), "unix:");
}

TEST(PeerName, TakesFewBytes) {
    EXPECT_LE(sizeof(PeerName), 20u);
}

TEST(Unsent, KeepsItsOrderOverAppendAndConsume) {
    Unsent unsent;
    EXPECT_TRUE(unsent.empty());
    EXPECT_TRUE(unsent.front().empty());
    unsent.append(as_bytes("hello "));
    unsent.append(as_bytes("world"));
    EXPECT_EQ(as_text(unsent.front()), "hello world");
    unsent.consume(4);
    EXPECT_EQ(as_text(unsent.front()), "o world");
    unsent.append(as_bytes("!"));
    EXPECT_EQ(as_text(unsent.front()), "o world!");
    unsent.consume(8);
    EXPECT_TRUE(unsent.empty());
    put_text(unsent.tail(), "again");
    EXPECT_EQ(as_text(unsent.front()), "again");
}

TEST(Unsent, OwnsNoMemoryOnceAllIsSent) {
    Unsent unsent;
    unsent.append(Buffer(100'000, 1));
    unsent.consume(99'999);
    EXPECT_FALSE(unsent.empty());
    unsent.consume(1);
    EXPECT_EQ(unsent.tail().capacity(), 0u);
}

TEST(Unsent, KeepsNoMoreThanTwiceWhatWaits) {
    Unsent unsent;
    for (int i = 0; i < 1000; ++i) {
        unsent.append(Buffer(100, uint8_t(i)));
        if (i >= 10) unsent.consume(100);
    }
    EXPECT_LE(unsent.tail().size(), 2 * unsent.front().size());
}

TEST(UnsentDeathTest, StopsWhereMoreWouldBeConsumedThanThereIs) {
    Unsent unsent;
    unsent.append(as_bytes("abc"));
    EXPECT_DEATH(unsent.consume(4), "broken");
}

TEST(Unsent, AgreesWithAPlainStringWhateverHappens) {
    const uint64_t seed = 20260104;
    SCOPED_TRACE(seed);
    Random random(seed);
    Unsent unsent;
    std::string model;
    for (int step = 0; step < 3000; ++step) {
        if (random.below(2) == 0) {
            const std::string more(random.below(50), char('a' + step % 26));
            unsent.append(as_bytes(more));
            model += more;
        } else {
            const size_t count = random.below(model.size() + 1);
            unsent.consume(count);
            model.erase(0, count);
        }
        ASSERT_EQ(as_text(unsent.front()), model);
        ASSERT_EQ(unsent.empty(), model.empty());
    }
}

TEST(SocketTable, FindsWhatItWasGivenUntilItIsTaken) {
    SocketTable table;
    Socket socket;
    socket.listener = {7};
    const ConnectionId id = table.add(std::move(socket));
    EXPECT_EQ(table.find(id)->listener, ListenerId{7});
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(table.take(id).listener, ListenerId{7});
    EXPECT_EQ(table.find(id), nullptr);
    EXPECT_EQ(table.size(), 0u);
}

TEST(SocketTable, KnowsNoIdThatItDidNotMake) {
    SocketTable table;
    EXPECT_EQ(table.find({}), nullptr);
    const ConnectionId id = table.add({});
    EXPECT_GE(id.generation, 1u);  // 0 means no connection
    EXPECT_EQ(table.find({}), nullptr);
    EXPECT_EQ(table.find({id.slot + 1, id.generation}), nullptr);
    EXPECT_EQ(table.find({id.slot, id.generation + 1}), nullptr);
}

TEST(SocketTable, ReusesSlotsUnderANewGeneration) {
    SocketTable table;
    const ConnectionId a = table.add({});
    const ConnectionId b = table.add({});
    (void)table.take(a);
    const ConnectionId c = table.add({});
    EXPECT_EQ(c.slot, a.slot);
    EXPECT_NE(c.generation, a.generation);
    EXPECT_EQ(table.find(a), nullptr);
    EXPECT_NE(table.find(b), nullptr);
    EXPECT_NE(table.find(c), nullptr);
}

TEST(SocketTable, ClosesTheDescriptorOfASocketThatIsDropped) {
    SocketTable table;
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const os::Fd write_end(pipe[1]);
    Socket socket;
    socket.fd.reset(pipe[0]);
    const ConnectionId id = table.add(std::move(socket));
    EXPECT_NE(::fcntl(pipe[0], F_GETFD), -1);
    (void)table.take(id);
    EXPECT_EQ(::fcntl(pipe[0], F_GETFD), -1);
}

TEST(SocketTableDeathTest, StopsWhereASocketWouldBeTakenTwice) {
    SocketTable table;
    const ConnectionId id = table.add({});
    (void)table.take(id);
    EXPECT_DEATH((void)table.take(id), "broken");
}

}  // namespace
}  // namespace godwit::server
