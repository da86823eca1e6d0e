#include "bench/strangers.h"

#include "os/socket.h"
#include "os/test_stream.h"

#include <gtest/gtest.h>

#include <set>

namespace godwit::bench {
namespace {

using namespace std::chrono_literals;

class StrangersTest : public ::testing::Test {
protected:
    StrangersTest() : listener_(os::listen_tcp(os::parse_address("127.0.0.1:0").value()).value()) {}

    StrangersPlan plan(uint32_t addresses = 1) const {
        return {.target = listener_.address(),
                .addresses = addresses,
                .per_second = 1000,
                .hold = 1s,
                .open_max = 100,
                .identity = {.prefix = "bench"}};
    }
    /// All who wait to be taken.
    std::vector<os::Accepted> take() {
        std::vector<os::Accepted> all;
        while (auto accepted = os::accept_one(listener_.fd())) all.push_back(std::move(*accepted));
        return all;
    }
    static std::string said(const os::Accepted& accepted) {
        std::array<uint8_t, 1000> room;
        const auto got = os::receive_some(accepted.fd.get(), room);
        return got ? std::string(as_text(Bytes(room).first(*got))) : "";
    }

    os::Listener listener_;
    const Instant begin_ = Instant() + 1h;
};

TEST_F(StrangersTest, ComeByTheScheduleAndFromTheirAddresses) {
    Strangers strangers(plan(3), begin_);
    EXPECT_FALSE(strangers.turn(begin_ + 5ms));
    std::set<std::string> hosts;
    const auto came = take();
    EXPECT_EQ(came.size(), 6u);
    for (const os::Accepted& each : came) hosts.insert(each.peer.host());
    EXPECT_EQ(hosts, (std::set<std::string>{"127.2.0.1", "127.2.0.2", "127.2.0.3"}));
    EXPECT_FALSE(strangers.turn(begin_ + 9ms));
    EXPECT_EQ(take().size(), 4u);
    EXPECT_EQ(strangers.tally().attempts, 10u);
}

TEST_F(StrangersTest, SayNothingThatIsWhole) {
    Strangers strangers(plan(), begin_);
    strangers.turn(begin_ + 3ms);
    const auto came = take();
    ASSERT_EQ(came.size(), 4u);
    EXPECT_EQ(said(came[0]), "");
    EXPECT_EQ(said(came[1])[0], 'x');
    EXPECT_EQ(said(came[2])[0], '\x16');
    const std::string connect = said(came[3]);
    EXPECT_EQ(connect[0], '\x10');
    EXPECT_LT(connect.size(), size_t(connect[1])) << "half of it";
}

TEST_F(StrangersTest, CountWhomTheBrokerHasEnded) {
    Strangers strangers(plan(), begin_);
    strangers.turn(begin_ + 7ms);
    auto came = take();
    ASSERT_EQ(came.size(), 8u);
    for (size_t i = 0; i < 3; ++i) os::shutdown_write(came[i].fd.get());
    strangers.end_all();
    EXPECT_EQ(strangers.tally().attempts, 8u);
    EXPECT_EQ(strangers.tally().turned_away, 3u);
    EXPECT_EQ(strangers.tally().unanswered, 0u);
}

TEST_F(StrangersTest, GoWhenTheirTimeIsOverOrTheyAreTooMany) {
    StrangersPlan few = plan();
    few.open_max = 2;
    Strangers strangers(few, begin_);
    strangers.turn(begin_ + 2ms);
    const auto came = take();
    ASSERT_EQ(came.size(), 3u);
    const auto is_there = [&](size_t i) { return os::peer_address(came[i].fd.get()).has_value(); };
    EXPECT_FALSE(is_there(0)) << "reset";
    EXPECT_TRUE(is_there(1));
    strangers.end_all();
    EXPECT_FALSE(is_there(1));
    EXPECT_FALSE(is_there(2));
}

TEST_F(StrangersTest, CountWhomTheKernelHasNoPlaceFor) {
    listener_ = os::listen_tcp(os::parse_address("127.0.0.1:0").value(), 1).value();
    Strangers strangers(plan(), begin_);
    strangers.turn(begin_ + 19ms);
    strangers.end_all();
    EXPECT_EQ(strangers.tally().attempts, 20u);
    EXPECT_GE(strangers.tally().unanswered, 10u);
    EXPECT_EQ(strangers.tally().turned_away, 0u);
}

TEST_F(StrangersTest, ARefusalIsAnAnswer) {
    StrangersPlan nobody = plan();
    {
        const auto gone = os::listen_tcp(os::parse_address("127.0.0.1:0").value()).value();
        nobody.target = gone.address();
    }
    Strangers strangers(nobody, begin_);
    strangers.turn(begin_ + 4ms);
    strangers.end_all();
    EXPECT_EQ(strangers.tally().attempts, 5u);
    EXPECT_EQ(strangers.tally().turned_away, 5u);
}

}  // namespace
}  // namespace godwit::bench
