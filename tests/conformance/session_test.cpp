// MQTT 5.0 sections 4.1, 4.2 and 4.5: session state, the byte stream, messages that are kept.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-4.1.0-1", StateLastsAsLongAsTheConnection) {
    World world(seed());
    auto client = world.connect("c", {.expiry_s = 0}).subscribe("t", {.qos = 2});
    world.connect("p").publish("t", "x", {.qos = 2});
    EXPECT_EQ(client.received(), Messages{"x"});
}

GW_STATEMENT("MQTT5-4.1.0-2", SessionWithoutExpiryEndsWithItsConnection) {
    World world(seed());
    auto client = world.connect("c", {.expiry_s = 0}).subscribe("t", {.qos = 1}).cut();
    world.connect("p").publish("t", "x", {.qos = 1});
    client.resume();
    EXPECT_FALSE(client.session_present());
    client.publish("t", "y");
    EXPECT_EQ(client.received(), Messages{});
}

GW_STATEMENT_CORE("MQTT5-4.1.0-2 MQTT5-3.1.2-23", SessionEndsWhenItsExpiryHasPassed) {
    World world(seed());
    auto a = world.connect("a", {.expiry_s = 10}).subscribe("t", {.qos = 1}).cut();
    auto b = world.connect("b", {.expiry_s = 11}).subscribe("t", {.qos = 1}).cut();
    world.advance(seconds(10));
    a.resume();
    b.resume();
    EXPECT_FALSE(a.session_present());
    EXPECT_TRUE(b.session_present());
    EXPECT_EQ(world.counters().sessions_expired, 1u);
}

GW_STATEMENT_CORE("MQTT5-3.1.2-23", ExpiryCountsFromTheLastConnection) {
    World world(seed());
    auto client = world.connect("c", {.expiry_s = 10}).cut();
    world.advance(seconds(9));
    client.resume();
    EXPECT_TRUE(client.session_present());
    world.advance(seconds(100));
    client.cut();
    world.advance(seconds(9));
    client.resume();
    EXPECT_TRUE(client.session_present());
}

GW_STATEMENT_CORE("MQTT5-4.1.0-2", DisconnectCanShortenTheExpiry) {
    World world(seed());
    auto client = world.connect("c", lasting()).disconnect(R::Success, 5);
    world.advance(seconds(5));
    client.resume();
    EXPECT_FALSE(client.session_present());
    client.disconnect(R::Success, 0);
    client.resume();
    EXPECT_FALSE(client.session_present());
}

GW_STATEMENT_CORE("MQTT5-4.1.0-2", ExpiredSessionLeavesNothingBehind) {
    World world(seed());
    auto client = world.connect("c", {.expiry_s = 10});
    client.subscribe({"a", "b/#", "$share/g/t"}, {.qos = 1}).cut();
    world.connect("p").publish("a", "x", {.qos = 1}).disconnect();
    EXPECT_EQ(world.counters().queued, 1u);
    world.advance(seconds(10));
    const auto counters = world.counters();
    EXPECT_EQ(counters.sessions, 0u);
    EXPECT_EQ(counters.subscriptions, 0u);
    EXPECT_EQ(counters.shared_subscriptions, 0u);
    EXPECT_EQ(counters.queued, 0u);
    EXPECT_EQ(counters.queued_bytes, 0u);
    EXPECT_EQ(counters.inflight, 0u);
    EXPECT_EQ(counters.connections, 0u);
}

GW_STATEMENT_CORE("MQTT5-4.4.0-1", ResumeSendsAgainNoMoreThanTheOutputLimitAllows) {
    world::CoreOptions options;
    options.options.limits.output_bytes_max = 2000;
    World world(seed(), options);
    const world::ConnectOptions lasting{.clean_start = false, .expiry_s = 60, .auto_ack = false};
    auto client = world.connect("c", lasting);
    client.subscribe("t", {.qos = 1});
    auto publisher = world.connect("p");
    for (int i = 0; i < 6; ++i) publisher.publish("t", std::string(1500, 'x'), {.qos = 1});
    EXPECT_EQ(client.received().size(), 6u);
    client.cut();
    auto again = world.dial(lasting);
    again.set_reading(false);
    const uint64_t sent_before = world.counters().publishes_sent;
    again.raw(world::connect_packet("c", lasting));
    EXPECT_EQ(world.counters().publishes_sent - sent_before, 2u);
    again.set_reading(true);
    EXPECT_EQ(again.received().size(), 6u);
}

GW_STATEMENT("MQTT5-4.2-1", PacketsMayBeCutAnywhere) {
    World world(seed());
    auto client = world.dial();
    Buffer all = world::connect_packet("c", {});
    put_bytes(all, packet("82 # 0001 () 't' 00"));
    for (uint16_t i = 1; i <= 20; ++i)
        put_bytes(all, world::publish_packet(Version::V5, "t", std::string(i * 10u, 'x'),
                                             {.qos = 1, .packet_id = i}));
    for (size_t at = 0; at < all.size(); at += 3) {
        client.push(Bytes(all).subspan(at, std::min<size_t>(3, all.size() - at)));
        if (at % 33 == 0) world.run_until([] { return true; });
    }
    client.connect_bytes({});
    const auto got = client.received();
    ASSERT_EQ(got.size(), 20u);
    for (size_t i = 0; i < 20; ++i) EXPECT_EQ(got[i].size(), (i + 1) * 10);
    EXPECT_EQ(client.count(Type::Puback), 20u);
}

GW_STATEMENT("MQTT5-4.2-1", LargePayloadsArriveWhole) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 1});
    std::string large(3'000'000, 0);
    for (size_t i = 0; i < large.size(); ++i) large[i] = char(i * 7 / 3);
    client.publish("t", large, {.qos = 1}).publish("t", "after", {.qos = 1});
    EXPECT_EQ(client.received(), (Messages{large, "after"}));
}

GW_STATEMENT("MQTT5-4.5.0-1", AcceptedMessageReachesEverySessionThatMatches) {
    World world(seed());
    std::vector<Client> online, offline;
    for (int i = 0; i < 6; ++i) {
        const std::string n = std::to_string(i);
        online.push_back(world.connect("on" + n).subscribe("t/#", {.qos = uint8_t(i % 3)}));
        offline.push_back(world.connect("off" + n, lasting()).subscribe("+/x", {.qos = 1}));
        offline.back().disconnect();
    }
    auto other = world.connect("other").subscribe("u/#");
    world.connect("p").publish("t/x", "1", {.qos = 1}).publish("t/x", "2", {.qos = 2});
    for (Client& each : online) EXPECT_EQ(each.received(), (Messages{"1", "2"}));
    for (Client& each : offline) EXPECT_EQ(each.resume().received(), (Messages{"1", "2"}));
    EXPECT_EQ(other.received(), Messages{});
}

GW_STATEMENT("MQTT5-4.1.0-1 MQTT5-4.3.3-10", UnfinishedQos2OfThePublisherIsPartOfTheState) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting()));
    client.publish("t", "x", {.qos = 2, .packet_id = 5}).cut().resume();
    client.pubrel(5);
    EXPECT_EQ(client.ack_reason(Type::Pubcomp), R::Success);
    client.reconnect(by_hand(lasting()));  // a clean start forgets
    client.pubrel(5);
    EXPECT_EQ(client.ack_reason(Type::Pubcomp), R::PacketIdentifierNotFound);
}

}  // namespace
}  // namespace godwit::conformance
