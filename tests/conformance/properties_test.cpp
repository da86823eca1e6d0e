// MQTT 5.0 section 3.3.2.3: the properties of PUBLISH.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT(
    "MQTT5-3.3.2-4 MQTT5-3.3.2-15 MQTT5-3.3.2-16 MQTT5-3.3.2-17 MQTT5-3.3.2-18 "
    "MQTT5-3.3.2-20",
    PropertiesAreForwardedUnaltered) {
    World world(seed());
    auto subscriber = world.connect("s").subscribe("t", {.qos = 2});
    const Pairs pairs{{"z", "1"}, {"a", "2"}, {"z", "1"}, {"", ""}, {"\xe2\x82\xac", "4"}};
    const std::string correlation("\0\xff\x80 x", 5);
    world::PublishOptions options;
    options.properties = {.payload_format = 1,
                          .content_type = "application/json",
                          .response_topic = "reply/to/me",
                          .correlation = correlation,
                          .user_properties = pairs};
    auto publisher = world.connect("p");
    for (const uint8_t qos : {0, 1, 2}) {
        options.qos = qos;
        publisher.publish("t", "x", options);
        const auto got = subscriber.publishes();
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].payload_format, 1u);
        EXPECT_EQ(got[0].content_type, "application/json");
        EXPECT_EQ(got[0].response_topic, "reply/to/me");
        EXPECT_EQ(got[0].correlation, correlation);
        EXPECT_EQ(got[0].user_properties, pairs);
    }
}

GW_STATEMENT("MQTT5-3.3.2-4 MQTT5-3.3.2-17", RetainedAndQueuedMessagesKeepTheirProperties) {
    World world(seed());
    auto offline = world.connect("s", lasting()).subscribe("t", {.qos = 1}).disconnect();
    world::PublishOptions options{.qos = 1, .retain = true};
    options.properties = {.payload_format = 0, .user_properties = {{"k", "v"}}};
    world.connect("p").publish("t", "x", options);
    offline.resume();
    auto late = world.connect("late").subscribe("t");
    for (Client client : {offline, late}) {
        const auto got = client.publishes();
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].payload_format, 0u);
        EXPECT_EQ(got[0].user_properties, (Pairs{{"k", "v"}}));
    }
}

GW_STATEMENT("MQTT5-3.3.2-17", Subscriber311GetsTheBareMessage) {
    World world(seed());
    auto old = world.connect_v311("s").subscribe("t", {.qos = 1});
    world.connect("p").publish(
        "t", "x", {.qos = 1, .properties = {.expiry_s = 9, .user_properties = {{"k", "v"}}}});
    ASSERT_EQ(old.received(), Messages{"x"});
    EXPECT_EQ(old.last(Type::Publish)->body().size(), 2u + 1 + 2 + 1);
}

GW_STATEMENT_CORE("MQTT5-3.3.2-5", ExpiredMessageIsNotDelivered) {
    World world(seed());
    auto offline = world.connect("s", lasting()).subscribe("t", {.qos = 1}).disconnect();
    auto publisher = world.connect("p");
    publisher.publish("t", "short", {.qos = 1, .properties = {.expiry_s = 10}});
    publisher.publish("t", "long", {.qos = 1, .properties = {.expiry_s = 1000}});
    publisher.publish("t", "none", {.qos = 1});
    world.advance(seconds(10));
    offline.resume();
    EXPECT_EQ(offline.received(), (Messages{"long", "none"}));
}

GW_STATEMENT_CORE("MQTT5-3.3.2-5", ExpiredRetainedMessageIsNotDelivered) {
    World world(seed());
    world.connect("p").publish("t", "x", {.retain = true, .properties = {.expiry_s = 10}});
    world.advance(seconds(9));
    EXPECT_EQ(world.connect("a").subscribe("t").received(), Messages{"x"});
    world.advance(seconds(1));
    EXPECT_EQ(world.connect("b").subscribe("t").received(), Messages{});
    EXPECT_EQ(world.counters().retained, 0u);
}

GW_STATEMENT_CORE("MQTT5-3.3.2-6", ForwardedExpiryIsWhatIsLeft) {
    World world(seed());
    auto live = world.connect("live").subscribe("t", {.qos = 1});
    auto offline = world.connect("s", lasting()).subscribe("t", {.qos = 1}).disconnect();
    world.connect("p").publish("t", "x",
                               {.qos = 1, .retain = true, .properties = {.expiry_s = 100}});
    EXPECT_EQ(live.publishes().at(0).expiry_s, 100u);
    world.advance(seconds(30));
    offline.resume();
    EXPECT_EQ(offline.publishes().at(0).expiry_s, 70u);
    world.advance(seconds(50));
    auto late = world.connect("late").subscribe("t");
    EXPECT_EQ(late.publishes().at(0).expiry_s, 20u);
}

GW_STATEMENT("MQTT5-3.3.2-6", ExpiryIsForwardedAtOnceAsItCame) {
    World world(seed());
    auto client = world.connect("c").subscribe("t");
    client.publish("t", "x", {.properties = {.expiry_s = 4'294'967'295}}).publish("t", "y");
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 2u);
    EXPECT_GE(got[0].expiry_s.value_or(0), 4'294'967'200u);
    EXPECT_EQ(got[1].expiry_s, std::nullopt);
}

GW_STATEMENT("MQTT5-3.3.2-7", AliasesEndWithTheConnection) {
    World world(seed());
    auto client = world.connect("c", lasting());
    client.publish("t", "x", {.topic_alias = 1}).publish("", "y", {.topic_alias = 1});
    EXPECT_FALSE(client.closed());
    client.resume();
    client.publish("", "z", {.topic_alias = 1});
    expect_disconnect(client, R::ProtocolError);
}

GW_STATEMENT("MQTT5-3.3.2-7 MQTT5-3.3.2-11", BrokersAliasesEndWithTheConnection) {
    World world(seed());
    auto client = world.connect("c", lasting({.topic_alias_maximum = 5}));
    client.subscribe("t").publish("t", "1").publish("t", "2");
    client.resume();
    client.publish("t", "3");
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0].wire_topic, "t");
    EXPECT_EQ(got[1].wire_topic, "");
    EXPECT_EQ(got[2].wire_topic, "t");  // told anew
}

GW_STATEMENT("MQTT5-3.3.2-12", EveryAliasWithinTheMaximumIsTaken) {
    World world(seed());
    auto client = world.connect("c").subscribe("#");
    const uint16_t maximum = client.connack().topic_alias_maximum.value_or(0);
    ASSERT_GT(maximum, 0);
    for (uint16_t i = maximum; i > 0; --i)
        client.publish("t/" + std::to_string(i), "x", {.topic_alias = i});
    for (uint16_t i = 1; i <= maximum; ++i) client.publish("", "y", {.topic_alias = i});
    client.publish("other", "x", {.topic_alias = 1}).publish("", "y", {.topic_alias = 1});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 2u * maximum + 2);
    for (uint16_t i = 1; i <= maximum; ++i)
        EXPECT_EQ(got[maximum + i - 1u].topic, "t/" + std::to_string(i));
    EXPECT_EQ(got.back().topic, "other");  // an alias can be given a new meaning
}

GW_STATEMENT("MQTT5-3.3.2-12", AliasIsForwardedAsItsTopic) {
    World world(seed());
    auto subscriber = world.connect("s").subscribe("long/topic");
    auto late = world.connect("p");
    late.publish("long/topic", "1", {.topic_alias = 3});
    late.publish("", "2", {.retain = true, .topic_alias = 3});
    for (const Publish& each : subscriber.publishes()) {
        EXPECT_EQ(each.wire_topic, "long/topic");
        EXPECT_EQ(each.topic_alias, 0);
    }
    EXPECT_EQ(world.connect("l").subscribe("long/topic").received(), Messages{"2"});
}

GW_STATEMENT("MQTT5-3.3.2-11 MQTT5-3.1.2-26", BrokersAliasesKeepWithinTheClientsMaximum) {
    World world(seed());
    auto client = world.connect("c", {.topic_alias_maximum = 2}).subscribe("#");
    for (int round = 0; round < 3; ++round)
        for (const char* topic : {"a", "b", "c", "d"}) client.publish(topic, topic);
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 12u);
    for (const Publish& each : got) {
        EXPECT_LE(each.topic_alias, 2);
        EXPECT_EQ(each.topic, each.payload);
    }
}

GW_STATEMENT("MQTT5-3.1.2-27 MQTT5-3.3.2-11", NoAliasesForAClientThatAllowsNone) {
    World world(seed());
    auto client = world.connect("c", {.topic_alias_maximum = 0}).subscribe("#");
    client.publish("a", "1").publish("a", "2", {.qos = 1});
    for (const Publish& each : client.publishes()) {
        EXPECT_EQ(each.topic_alias, 0);
        EXPECT_EQ(each.wire_topic, "a");
    }
}

GW_STATEMENT("MQTT5-3.3.2-13", ResponseTopicIsUtf8) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("30 # 't' ( 08 0002 c328 )"));
    expect_disconnect(client, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-3.3.2-14", ResponseTopicHasNoWildcards) {
    World world(seed());
    for (const char* topic : {"#", "a/+", "a/#"}) {
        auto client = world.connect("c");
        client.publish("t", "x", {.properties = {.response_topic = topic}});
        EXPECT_TRUE(client.closes());
        EXPECT_TRUE(client.disconnect_reason() == R::ProtocolError ||
                    client.disconnect_reason() == R::TopicNameInvalid);
    }
}

GW_STATEMENT("MQTT5-3.3.2-19", ContentTypeIsUtf8) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("30 # 't' ( 03 0001 80 )"));
    expect_disconnect(client, R::MalformedPacket);
}

}  // namespace
}  // namespace godwit::conformance
