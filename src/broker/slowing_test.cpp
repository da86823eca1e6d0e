#include "broker/slowing.h"

#include "broker/shard.h"
#include "mqtt/encoder.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// One shard with a clock; how often it had to be woken is counted.
class Clocked {
public:
    explicit Clocked(const BrokerOptions& options)
        : options_(options), shard_(ShardConfig{.options = &options_}) {}

    ConnectionId connect(std::string_view client_id) {
        const ConnectionId id{slots_++, 1};
        give(Accepted{id, {}});
        mqtt::Connect packet;
        packet.client_id = client_id;
        Buffer bytes;
        mqtt::encode_connect(bytes, packet);
        give(Received{id, bytes});
        end_turn();
        return id;
    }
    void publish(ConnectionId id, int count) {
        Buffer bytes;
        for (int i = 0; i < count; ++i)
            mqtt::encode_publish(bytes, mqtt::Version::V5, {.topic = "t"}, as_bytes("x"));
        give(Received{id, bytes});
        end_turn();
    }
    void close(ConnectionId id) {
        give(Closed{id, "gone"});
        end_turn();
    }
    void advance(Duration duration) {
        const Instant end = now_ + duration;
        for (auto due = shard_.next_deadline(); due && *due <= end; due = shard_.next_deadline()) {
            now_ = std::max(now_, *due);
            ++wakeups;
            give(Tick{});
            end_turn();
        }
        now_ = end;
    }
    bool is_due() const { return shard_.next_deadline().value_or(kNever) <= now_; }
    const Counters& counters() const { return shard_.counters(); }
    uint64_t taken() const { return counters().publishes_received; }

    size_t wakeups = 0;
    size_t resumed = 0;  // told to the driver

private:
    void give(const Input& input) { shard_.handle(input, now_, fx_); }
    void end_turn() {
        shard_.end_turn(now_, {}, fx_);
        resumed += fx_.resumes.size();
        fx_.clear();
    }
    const BrokerOptions options_;
    Shard shard_;
    Effects fx_;
    Instant now_{std::chrono::hours(1)};
    uint32_t slots_ = 0;
};

BrokerOptions client_rates(const RateLimits& rates) {
    BrokerOptions options;
    options.limits.client_rates = rates;
    return options;
}

TEST(Slowing, WhoWaitsCostsNothingUntilItsTurn) {
    Clocked shard(client_rates({.publish_rate = 1, .publish_burst = 1}));
    const auto client = shard.connect("c");
    shard.publish(client, 1000);
    EXPECT_EQ(shard.taken(), 1u);
    EXPECT_FALSE(shard.is_due());
    shard.advance(milliseconds(999));
    EXPECT_EQ(shard.wakeups, 0u);
    shard.advance(milliseconds(9'001));
    EXPECT_EQ(shard.taken(), 11u);
    EXPECT_LE(shard.wakeups, 11u) << "a keep alive is not set";
    EXPECT_EQ(shard.resumed, 0u) << "it is not read in between";
}

TEST(Slowing, AFastFlowWakesTheShardAHundredTimesASecond) {
    Clocked shard(client_rates({.publish_rate = 5000}));
    const auto client = shard.connect("c");
    shard.publish(client, 20'000);
    EXPECT_EQ(shard.taken(), 5000u);
    shard.advance(seconds(2));
    EXPECT_NEAR(double(shard.taken()), 15'000, 100);
    EXPECT_LE(shard.wakeups, 210u);
}

TEST(Slowing, ATurnGoesOnWithSomeOfThoseWhoseTurnHasCome) {
    Clocked shard(client_rates({.publish_rate = 1, .publish_burst = 1}));
    for (int i = 0; i < 1000; ++i) shard.publish(shard.connect("c" + std::to_string(i)), 2);
    EXPECT_EQ(shard.counters().connections_over_rate, 1000u);
    shard.advance(seconds(1));
    EXPECT_EQ(shard.taken(), 2000u);
    EXPECT_GE(shard.wakeups, 1000u / 128);
    EXPECT_LE(shard.wakeups, 2 + 1000u / 128);
    EXPECT_EQ(shard.counters().connections_over_rate, 0u);
}

TEST(Slowing, OfThoseWhoHaveLeftNoMoreAreRememberedThanMayBe) {
    BrokerOptions options = client_rates({.publish_rate = 1, .publish_burst = 1});
    Core core({.options = &options});
    Effects fx;
    core.fx = &fx;
    core.now = Instant(std::chrono::hours(1));
    Connection c;
    c.session = core.sessions.emplace();
    Session& session = *core.find(c.session);
    const mqtt::Frame publish{0x30, {}, 10};
    for (uint64_t i = 0; i < 200'000; ++i) {
        ++c.id.generation;
        session.client_hash = i;
        EXPECT_TRUE(may_take(core, c, publish));
        leave_lines(core, c, session);
    }
    EXPECT_LE(core.rates.left.size(), 64u * 1024);
    EXPECT_GE(core.rates.left.size(), 32u * 1024);
}

TEST(Slowing, WithoutARateNothingIsKeptForAClient) {
    BrokerOptions options;
    Clocked shard(options);
    shard.publish(shard.connect("c"), 10'000);
    EXPECT_EQ(shard.taken(), 10'000u);
    const Core core({.options = &options});
    EXPECT_FALSE(core.rates.bounded);
    EXPECT_EQ(core.rates.states.memory_bytes(), 0u);
}

}  // namespace
}  // namespace godwit::broker
