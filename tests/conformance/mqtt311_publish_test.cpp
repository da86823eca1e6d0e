// MQTT 3.1.1 sections 3.3 to 3.7 and 4.3: PUBLISH and its acknowledgements.
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT311-3.3.1-1 MQTT311-3.3.1-3 MQTT311-4.4.0-1", OnlyWhatIsSentAgainHasDup) {
    World world(seed());
    auto client = world.connect("c", stored_v311(by_hand())).subscribe("t", {.qos = 2});
    auto publisher = world.connect_v311("p");
    publisher.publish("t", "1", {.qos = 1, .dup = true}).publish("t", "2", {.qos = 2, .dup = true});
    for (const Publish& each : client.publishes()) EXPECT_FALSE(each.dup) << each.payload;
    client.resume();
    const auto again = client.publishes();
    ASSERT_EQ(again.size(), 2u);
    for (const Publish& each : again) EXPECT_TRUE(each.dup) << each.payload;
    EXPECT_EQ(packet_ids(again), (std::vector<uint16_t>{1, 2}));
}

GW_STATEMENT("MQTT311-3.3.1-2 MQTT311-3.3.1-3", DupOfThePublisherIsNotPassedOn) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t");  // QoS 0
    world.connect_v311("p").publish("t", "1", {.qos = 1, .dup = true});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_FALSE(got[0].dup);
}

GW_STATEMENT("MQTT311-3.3.1-4", Qos3ClosesTheConnection) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("#");
    auto client = world.connect_v311("c");
    client.raw(packet("36 # 't' 0001 70"));
    expect_closed(client);
    EXPECT_EQ(watcher.received(), Messages{});
}

GW_STATEMENT("MQTT311-3.3.1-5 MQTT311-3.3.1-6 MQTT311-3.3.1-8", RetainedMessageAwaitsSubscribers) {
    World world(seed());
    auto publisher = world.connect_v311("p");
    publisher.publish("a/1", "old", {.qos = 1, .retain = true});
    publisher.publish("a/1", "one", {.qos = 1, .retain = true});
    publisher.publish("a/2", "two", {.qos = 2, .retain = true});
    publisher.publish("b", "other", {.qos = 1, .retain = true});
    auto client = world.connect_v311("c").subscribe("a/+", {.qos = 2});
    auto got = client.publishes();
    std::ranges::sort(got, {}, &Publish::topic);
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].payload, "one");
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);
    EXPECT_TRUE(got[0].retain);
    EXPECT_EQ(got[1].payload, "two");
    EXPECT_EQ(got[1].qos, Qos::ExactlyOnce);
    EXPECT_TRUE(got[1].retain);
}

GW_STATEMENT("MQTT311-3.3.1-7", RetainedQos0ReplacesWhatWasThere) {
    World world(seed());
    auto publisher = world.connect_v311("p");
    publisher.publish("t", "old", {.qos = 2, .retain = true});
    publisher.publish("t", "new", {.retain = true});
    auto client = world.connect_v311("c").subscribe("t", {.qos = 2});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].payload, "new");
    EXPECT_EQ(got[0].qos, Qos::AtMostOnce);
}

GW_STATEMENT("MQTT311-3.3.1-9", EstablishedSubscriptionGetsRetain0) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t", {.qos = 1});
    world.connect_v311("p").publish("t", "1", {.qos = 1, .retain = true});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_FALSE(got[0].retain);
}

GW_STATEMENT("MQTT311-3.3.1-10 MQTT311-3.3.1-11", EmptyRetainedMessageRemovesAndIsDelivered) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("t");
    auto publisher = world.connect_v311("p").publish("t", "1", {.qos = 1, .retain = true});
    publisher.publish("t", "", {.qos = 1, .retain = true});
    const auto got = watcher.publishes();
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[1].payload, "");
    EXPECT_FALSE(got[1].retain);
    EXPECT_EQ(world.connect_v311("c").subscribe("t").received(), Messages{});
}

GW_STATEMENT("MQTT311-3.3.1-12", Retain0LeavesTheStoreAlone) {
    World world(seed());
    auto publisher = world.connect_v311("p");
    publisher.publish("kept", "1", {.qos = 1, .retain = true}).publish("kept", "2", {.qos = 1});
    publisher.publish("kept", "", {.qos = 1}).publish("none", "3", {.qos = 1});
    auto client = world.connect_v311("c").subscribe("#");
    EXPECT_EQ(client.received(), Messages{"1"});
}

GW_STATEMENT("MQTT311-3.3.2-1", TopicComesFirst) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t", {.qos = 1});
    client.publish("t", "p", {.qos = 1});
    EXPECT_EQ(body_of(client, Type::Publish), packet("'t' 0001 70"));
    client.raw(packet("30 # ffff 74"));  // longer than the packet
    expect_closed(client);
}

GW_STATEMENT("MQTT311-3.3.4-1 MQTT311-4.3.2-2 MQTT311-4.3.3-2", PublishIsAnsweredByItsQos) {
    World world(seed());
    auto client = world.connect("c", by_hand(v311()));
    client.publish("t", "0").ping();
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Pingresp}));
    client.publish("t", "1", {.qos = 1, .packet_id = 5});
    EXPECT_EQ(body_of(client, Type::Puback), packet("0005"));
    client.publish("t", "2", {.qos = 2, .packet_id = 6});
    EXPECT_EQ(body_of(client, Type::Pubrec), packet("0006"));
    EXPECT_EQ(client.types().size(), 4u);
}

GW_STATEMENT("MQTT311-3.3.5-1", HighestQosOfOverlappingSubscriptionsHolds) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("a/#", {.qos = 0}).subscribe("+/b", {.qos = 2});
    client.subscribe("a/b", {.qos = 1});
    world.connect_v311("p").publish("a/b", "1", {.qos = 2});
    const auto got = client.publishes();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(std::ranges::max(got, {}, &Publish::qos).qos, Qos::ExactlyOnce);
}

GW_STATEMENT_CORE("MQTT311-3.3.5-2", ForbiddenPublishIsAcknowledgedAndGoesNowhere) {
    World world(seed());
    world.core().set_acl("user w\ntopic readwrite #\n");
    auto watcher = world.connect_v311("w", {.username = "w"}).subscribe("#");
    auto client = world.connect_v311("c", {.username = "u"});
    client.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    EXPECT_EQ(client.count(Type::Puback), 1u);
    EXPECT_EQ(client.count(Type::Pubcomp), 1u);
    EXPECT_FALSE(client.closed());
    watcher.publish("t", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT311-4.3.2-1", Qos1StaysUnacknowledgedUntilPuback) {
    World world(seed());
    auto client = world.connect("c", stored_v311(by_hand())).subscribe("t", {.qos = 1});
    world.connect_v311("p").publish("t", "1", {.qos = 1});
    ASSERT_EQ(client.publishes().size(), 1u);
    client.resume();
    ASSERT_EQ(client.publishes().size(), 1u);
    client.puback(1);
    client.resume();
    EXPECT_EQ(client.publishes().size(), 0u);
}

GW_STATEMENT("MQTT311-4.3.2-2", IdentifierIsANewMessageAfterPuback) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("t", {.qos = 1});
    auto client = world.connect_v311("c");
    client.publish("t", "1", {.qos = 1, .packet_id = 9});
    client.publish("t", "2", {.qos = 1, .dup = true, .packet_id = 9});
    EXPECT_EQ(watcher.received(), (Messages{"1", "2"}));
}

GW_STATEMENT("MQTT311-4.3.3-1 MQTT311-4.4.0-1", Qos2SenderGoesItsFourSteps) {
    World world(seed());
    auto client = world.connect("c", stored_v311(by_hand())).subscribe("t", {.qos = 2});
    world.connect_v311("p").publish("t", "1", {.qos = 2});
    auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_FALSE(got[0].dup);
    client.resume();  // unacknowledged until PUBREC
    got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].packet_id, 1);
    client.pubrec(1);
    EXPECT_EQ(body_of(client, Type::Pubrel), packet("0001"));
    client.resume();  // PUBREL until PUBCOMP, PUBLISH never again
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Pubrel}));
    EXPECT_EQ(body_of(client, Type::Pubrel), packet("0001"));
    client.pubcomp(1);
    client.resume();
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT("MQTT311-4.3.3-2", Qos2ReceiverTakesAMessageOnceUntilPubrel) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("t", {.qos = 2});
    auto client = world.connect("c", stored_v311(by_hand()));
    client.publish("t", "1", {.qos = 2, .packet_id = 7});
    client.publish("t", "1", {.qos = 2, .dup = true, .packet_id = 7});
    EXPECT_EQ(client.count(Type::Pubrec), 2u);
    client.resume();
    client.publish("t", "1", {.qos = 2, .dup = true, .packet_id = 7});
    EXPECT_EQ(watcher.received(), Messages{"1"});
    client.pubrel(7).pubrel(7);
    EXPECT_EQ(client.count(Type::Pubcomp), 2u);
    client.publish("t", "2", {.qos = 2, .packet_id = 7});  // free again
    EXPECT_EQ(watcher.received(), Messages{"2"});
}

}  // namespace
}  // namespace godwit::conformance
