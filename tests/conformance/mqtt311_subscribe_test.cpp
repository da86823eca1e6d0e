// MQTT 3.1.1 sections 3.8 to 3.14: SUBSCRIBE, UNSUBSCRIBE, PINGREQ, DISCONNECT.
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

void expect_closes_on(world::AnyWorld& world, std::string_view notation) {
    SCOPED_TRACE(notation);
    auto client = world.connect_v311("c");
    client.raw(packet(notation));
    expect_closed(client);
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT("MQTT311-3.8.3-3 MQTT311-3.10.3-2", PacketWithoutFilterClosesTheConnection) {
    World world(seed());
    expect_closes_on(world, "82 # 0001");
    expect_closes_on(world, "a2 # 0001");
}

GW_STATEMENT("MQTT311-3.8.3-4", ReservedBitsBesideAFilterCloseTheConnection) {
    World world(seed());
    for (const char* bits : {"03", "04", "08", "20", "40", "80", "fc"})
        expect_closes_on(world, "82 # 0001 't' " + std::string(bits));
    expect_closes_on(world, "82 # 0001 'a' 00 'b' 03");
}

GW_STATEMENT("MQTT311-3.8.4-1 MQTT311-3.8.4-4 MQTT311-3.8.4-5 MQTT311-3.9.3-1",
             OneSubackAnswersAllFiltersInTheirOrder) {
    World world(seed());
    auto client = world.connect_v311("c");
    client.raw(packet("82 # 0007 'a' 02 'b' 00 'c/#' 01 'a' 01"));
    EXPECT_EQ(body_of(client, Type::Suback), packet("0007 02 00 01 01"));
    EXPECT_EQ(client.count(Type::Suback), 1u);
    world.connect_v311("p").publish("a", "1", {.qos = 2}).publish("b", "2").publish("c/d", "3");
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);  // the later "a" replaced the earlier
}

GW_STATEMENT_CORE("MQTT311-3.8.4-5 MQTT311-3.9.3-1 MQTT311-3.9.3-2", RefusedFilterGetsCode80) {
    World world(seed());
    world.core().set_acl("topic readwrite open/#\n");
    auto client = world.connect_v311("c");
    client.raw(packet("82 # 0001 'open/a' 01 'shut' 01 'open/b' 00"));
    EXPECT_EQ(body_of(client, Type::Suback), packet("0001 01 80 00"));
}

GW_STATEMENT_CORE("MQTT311-3.9.3-2", FilterBeyondTheLimitsGetsCode80) {
    CoreOptions options;
    options.options.limits.subscriptions_max = 1;
    options.options.limits.topic_levels_max = 3;
    World world(seed(), options);
    auto client = world.connect_v311("c");
    client.raw(packet("82 # 0001 'a/b/c/d' 02 'a' 02 'b' 02"));
    EXPECT_EQ(body_of(client, Type::Suback), packet("0001 80 02 80"));
}

GW_STATEMENT("MQTT311-3.8.4-3", SameFilterAgainReplacesTheSubscription) {
    World world(seed());
    auto publisher = world.connect_v311("p").publish("t", "kept", {.qos = 2, .retain = true});
    auto client = world.connect_v311("c").subscribe("t", {.qos = 2});
    publisher.publish("t", "1", {.qos = 2});
    world.settle();  // PUBCOMP does not say that another shard's subscriber has it
    client.subscribe("t", {.qos = 1});
    publisher.publish("t", "2", {.qos = 2});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 4u);  // the retained one once more, each live one once
    EXPECT_EQ(got[0].payload, "kept");
    EXPECT_EQ(got[1].payload, "1");
    EXPECT_EQ(got[1].qos, Qos::ExactlyOnce);
    EXPECT_EQ(got[2].payload, "kept");
    EXPECT_TRUE(got[2].retain);
    EXPECT_EQ(got[2].qos, Qos::AtLeastOnce);
    EXPECT_EQ(got[3].payload, "2");
    EXPECT_EQ(got[3].qos, Qos::AtLeastOnce);
}

GW_STATEMENT("MQTT311-3.8.4-3", ReplacingInterruptsNoFlow) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t", {.qos = 1});
    auto publisher = world.connect_v311("p");
    Messages expected;
    for (uint16_t i = 0; i < 30; ++i) {
        expected.push_back(std::to_string(i));
        publisher.push(world::publish_packet(Version::V311, "t", expected.back(),
                                             {.qos = 1, .packet_id = uint16_t(i + 1)}));
        if (i % 7 == 3) client.push(packet("82 # 0101 't' 01"));
    }
    EXPECT_EQ(client.received(), expected);
}

GW_STATEMENT("MQTT311-3.8.4-6 MQTT311-3.8.4-5", QosIsTheSmallerOfTheTwo) {
    World world(seed());
    auto publisher = world.connect_v311("p");
    for (uint8_t granted = 0; granted <= 2; ++granted) {
        auto client = world.connect_v311("c").subscribe("t", {.qos = granted});
        EXPECT_EQ(body_of(client, Type::Suback)[2], granted);
        for (uint8_t sent = 0; sent <= 2; ++sent) {
            publisher.publish("t", "x", {.qos = sent});
            const auto got = client.publishes();
            ASSERT_EQ(got.size(), 1u);
            EXPECT_EQ(uint8_t(got[0].qos), std::min(sent, granted));
        }
        client.disconnect();
    }
}

GW_STATEMENT("MQTT311-3.10.4-1", OnlyTheSameTextUnsubscribes) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe({"a/+", "b"});
    client.unsubscribe({"a/x", "a/#", "+/+", "#", "B", "b/"});
    client.publish("a/x", "1").publish("b", "2");
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.unsubscribe("a/+");
    client.publish("a/x", "3").publish("b", "4");
    EXPECT_EQ(client.received(), Messages{"4"});
}

GW_STATEMENT("MQTT311-3.10.4-2 MQTT311-3.10.4-3", UnsubscribeFinishesWhatWasBegun) {
    World world(seed());
    auto client = world.connect("c", by_hand(stored_v311())).subscribe("t", {.qos = 2});
    auto publisher = world.connect_v311("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    client.unsubscribe("t");
    publisher.publish("t", "3", {.qos = 1});
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.resume();
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.puback(1).pubrec(2);
    EXPECT_EQ(body_of(client, Type::Pubrel), packet("0002"));
    client.pubcomp(2);
    client.resume();
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT("MQTT311-3.10.4-4 MQTT311-3.10.4-5 MQTT311-3.10.4-6", OneUnsubackAnswersAllFilters) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe({"a", "b", "c"});
    client.raw(packet("a2 # 0009 'a' 'none' 'c'"));
    EXPECT_EQ(body_of(client, Type::Unsuback), packet("0009"));
    EXPECT_EQ(client.count(Type::Unsuback), 1u);
    client.raw(packet("a2 # 000a 'never'"));
    EXPECT_EQ(body_of(client, Type::Unsuback), packet("000a"));
    client.publish("a", "1").publish("b", "2").publish("c", "3");
    EXPECT_EQ(client.received(), Messages{"2"});
}

GW_STATEMENT("MQTT311-3.10.3-1", FiltersOfUnsubscribeStandOneBehindTheOther) {
    World world(seed());
    expect_closes_on(world, "a2 # 0001 'a' 00");
    expect_closes_on(world, "a2 # 0001 'a' 0005 62");
}

GW_STATEMENT("MQTT311-3.12.4-1", PingIsAnswered) {
    World world(seed());
    auto client = world.connect_v311("c").ping().ping();
    EXPECT_EQ(client.count(Type::Pingresp), 2u);
    EXPECT_EQ(client.last(Type::Pingresp)->size(), 2u);
}

GW_STATEMENT("MQTT311-3.14.4-3 MQTT311-3.1.2-10", DisconnectRevokesTheWill) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    auto client =
        world.connect("c", stored_v311({.will = WillOptions{.topic = "will", .payload = "gone"}}));
    client.disconnect();
    EXPECT_TRUE(client.closed());
    client.reconnect(stored_v311());  // nor does it come with the session
    client.cut();
    watcher.publish("will", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT311-3.14.4-3", NothingAfterDisconnectIsHandled) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("t");
    auto client = world.connect_v311("c");
    client.raw(packet("e0 00 30 03 0001 74"));
    EXPECT_TRUE(client.closes());
    watcher.publish("t", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

}  // namespace
}  // namespace godwit::conformance
