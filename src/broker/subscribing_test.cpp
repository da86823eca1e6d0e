#include "broker/subscribing.h"

#include "broker/accepting.h"
#include "broker/testing/small_broker.h"

#include <gtest/gtest.h>

#include <array>

namespace godwit::broker {
namespace {

using mqtt::Version;
using testing::SmallBroker;

/// Three shards, none of which takes a turn but in settle(): until then no route is in force, and
/// no SUBACK leaves.
class SubscribesWait : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(broker_.open());
        client_ = broker_.connect({.client_id = "c"});
    }
    void subscribe(std::string_view filter) {
        broker_.subscribe(client_, filter, mqtt::Qos::AtMostOnce);
    }
    void unsubscribe(std::string_view filter) {
        const std::array filters{filter};
        broker_.send(client_, [&](Buffer& out) {
            mqtt::encode_unsubscribe(out, Version::V5,
                                     {.packet_id = {2}, .user_properties = {}, .filters = filters});
        });
    }
    const Counters& counters() const { return broker_.counters(broker_.clients[client_].shard); }

    SmallBroker broker_{3};
    size_t client_ = 0;
};

TEST_F(SubscribesWait, AndTheirClientIsHeldBack) {
    for (int i = 0; i < 1000; ++i) subscribe("t/" + std::to_string(i));
    EXPECT_EQ(counters().subscriptions, 64u);
    broker_.settle();
    EXPECT_EQ(counters().subscriptions, 1000u);
    EXPECT_TRUE(broker_.clients[client_].is_open);
}

TEST_F(SubscribesWait, AndUnsubscribesBehindThem) {
    const uint64_t before = counters().packets_received;
    subscribe("t");
    for (int i = 0; i < 1000; ++i) unsubscribe("t");
    EXPECT_EQ(counters().packets_received - before, 64u);
    broker_.settle();
    EXPECT_EQ(counters().packets_received - before, 1001u);
}

TEST(Subscribing, IsRefusedWhereTwiceAsManyReplaysWaitAsItMayHaveSubscriptions) {
    BrokerOptions options;
    options.limits.subscriptions_max = 2;
    Effects fx;
    Core core({.options = &options});
    core.fx = &fx;
    Session& session = make_session(core, {0}, "c");
    Connection& c = core.connections.emplace(0);
    c.id = session.connection = {0, 1};
    c.session = session.self;
    c.state = Connection::State::Online;
    session.online = true;
    session.need_extras().replay = std::make_unique<Replay>();
    session.replay()->filters = {"t", "t", "t"};
    const auto subscribe = [&] {
        const mqtt::SubscribeEntry entry{"t", {}};
        Buffer bytes;
        mqtt::encode_subscribe(bytes, Version::V5,
                               {.packet_id = {1}, .user_properties = {}, .entries = {&entry, 1}});
        const auto status = mqtt::next_frame(bytes, mqtt::kPacketBytesMax);
        on_subscribe(core, c, *mqtt::decode_subscribe(status->frame, Version::V5, {}));
        return fx.arena.back();  // of the SUBACK: its only reason code
    };
    EXPECT_EQ(subscribe(), 0x00);
    EXPECT_EQ(session.replay()->filters.size(), 4u);
    EXPECT_EQ(subscribe(), 0x97);
    EXPECT_EQ(session.replay()->filters.size(), 4u);
}

}  // namespace
}  // namespace godwit::broker
