// MQTT 5.0 section 3.3: PUBLISH, but for its properties (properties_test.cpp).
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-3.3.1-2 MQTT5-4.3.1-1", DupAtQos0IsMalformed) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("38 # 't' ()"));
    expect_disconnect(client, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-3.3.1-2 MQTT5-4.3.1-1", Qos0GoesOutWithoutDup) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 0});
    client.publish("t", "1", {.qos = 1, .dup = true}).publish("t", "0");
    for (const Publish& each : client.publishes()) EXPECT_FALSE(each.dup);
}

GW_STATEMENT("MQTT5-3.3.1-3 MQTT5-4.3.2-2 MQTT5-4.3.3-2", OutgoingDupIsTheBrokersOwn) {
    World world(seed());
    auto subscriber = world.connect("s").subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 1, .dup = true});
    publisher.publish("t", "2", {.qos = 2, .dup = true});
    const auto got = subscriber.publishes();
    ASSERT_EQ(got.size(), 2u);
    EXPECT_FALSE(got[0].dup);
    EXPECT_FALSE(got[1].dup);
}

GW_STATEMENT("MQTT5-3.3.1-4", Qos3IsMalformed) {
    World world(seed());
    for (const char* bytes : {"36 # 't' 0001 ()", "3e # 't' 0001 ()"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-3.3.1-5", RetainedMessageReplacesTheOneBefore) {
    World world(seed());
    auto publisher = world.connect("p");
    publisher.publish("t", "old", {.qos = 2, .retain = true});
    publisher.publish("t", "new", {.qos = 1, .retain = true});
    auto late = world.connect("late").subscribe("t", {.qos = 2});
    const auto got = late.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].payload, "new");
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);
    EXPECT_TRUE(got[0].retain);
}

GW_STATEMENT("MQTT5-3.3.1-5", EveryTopicKeepsItsOwn) {
    World world(seed());
    auto publisher = world.connect("p");
    for (int i = 0; i < 200; ++i)
        publisher.publish("a/" + std::to_string(i), std::to_string(i), {.retain = true});
    auto late = world.connect("late").subscribe("a/+", {.qos = 1});
    EXPECT_EQ(late.received().size(), 200u);
    auto one = world.connect("one").subscribe("a/77");
    EXPECT_EQ(one.received(), Messages{"77"});
}

GW_STATEMENT("MQTT5-3.3.1-6 MQTT5-3.3.1-7", EmptyRetainedPayloadRemovesAndIsNotKept) {
    World world(seed());
    auto live = world.connect("live").subscribe("t");
    auto publisher = world.connect("p");
    publisher.publish("t", "x", {.retain = true}).publish("t", "", {.qos = 1, .retain = true});
    EXPECT_EQ(live.received(), (Messages{"x", ""}));  // it is still an ordinary message
    auto late = world.connect("late").subscribe("t");
    late.publish("t", "mark");
    EXPECT_EQ(late.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-3.3.1-8", MessageWithoutRetainLeavesTheStoreAlone) {
    World world(seed());
    auto publisher = world.connect("p");
    publisher.publish("t", "kept", {.retain = true}).publish("t", "x").publish("t", "");
    publisher.publish("u", "x");
    auto late = world.connect("late").subscribe({"t", "u"});
    EXPECT_EQ(late.received(), Messages{"kept"});
}

GW_STATEMENT("MQTT5-3.3.1-9", RetainHandling0SendsOnEverySubscribe) {
    World world(seed());
    world.connect("p").publish("t", "kept", {.retain = true});
    auto client = world.connect("c");
    client.subscribe("t", {.retain_handling = 0}).subscribe("t", {.retain_handling = 0});
    EXPECT_EQ(client.received(), (Messages{"kept", "kept"}));
}

GW_STATEMENT("MQTT5-3.3.1-10", RetainHandling1SendsForANewSubscriptionOnly) {
    World world(seed());
    world.connect("p").publish("t", "kept", {.retain = true});
    auto client = world.connect("c", lasting());
    client.subscribe("t", {.retain_handling = 1}).subscribe("t", {.retain_handling = 1});
    EXPECT_EQ(client.received(), Messages{"kept"});
    client.resume().subscribe("t", {.retain_handling = 1});
    client.publish("t", "mark");
    EXPECT_EQ(client.received(), Messages{"mark"});
    client.unsubscribe("t").subscribe("t", {.retain_handling = 1});
    EXPECT_EQ(client.received(), Messages{"kept"});
}

GW_STATEMENT("MQTT5-3.3.1-11", RetainHandling2SendsNone) {
    World world(seed());
    world.connect("p").publish("t", "kept", {.retain = true});
    auto client = world.connect("c").subscribe("t", {.retain_handling = 2});
    client.publish("t", "mark");
    EXPECT_EQ(client.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-3.3.1-12 MQTT5-3.3.1-13", RetainFlagIsForwardedWhereAskedFor) {
    World world(seed());
    auto plain = world.connect("a").subscribe("t", {.qos = 1});
    auto as_published = world.connect("b").subscribe("t", {.qos = 1, .retain_as_published = true});
    world.connect("p").publish("t", "1", {.qos = 1, .retain = true}).publish("t", "0");
    const auto cleared = plain.publishes(), kept = as_published.publishes();
    ASSERT_EQ(cleared.size(), 2u);
    ASSERT_EQ(kept.size(), 2u);
    EXPECT_FALSE(cleared[0].retain);
    EXPECT_TRUE(kept[0].retain);
    EXPECT_FALSE(kept[1].retain);
}

GW_STATEMENT("MQTT5-3.3.1-12 MQTT5-3.3.1-9", StoredMessageAlwaysComesWithRetain) {
    World world(seed());
    world.connect("p").publish("t", "kept", {.retain = true});
    auto client = world.connect("c").subscribe("t", {.retain_as_published = false});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_TRUE(got[0].retain);
}

GW_STATEMENT("MQTT5-3.3.2-1", TopicNameIsUtf8) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("30 # 0002 c328 ()"));
    expect_disconnect(client, R::MalformedPacket);
    auto missing = world.connect("d");
    missing.push(packet("30 # 00"));
    expect_disconnect(missing, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-3.3.2-2 MQTT5-4.7.0-1", WildcardInATopicNameIsRefused) {
    World world(seed());
    for (const char* topic : {"+", "#", "a/+/b", "a/#", "a#", "b+"}) {
        auto client = world.connect("c");
        client.publish(topic, "x");
        expect_disconnect(client, R::TopicNameInvalid);
    }
}

GW_STATEMENT("MQTT5-3.3.2-3", DeliveredTopicIsThePublishedOne) {
    World world(seed());
    auto client = world.connect("c").subscribe({"a/+", "b/#", "/c"});
    client.publish("a/x", "1").publish("b", "2").publish("b/y/z", "3").publish("/c", "4");
    client.publish("c", "5").publish("a/x/y", "6").publish("A/x", "7");
    std::vector<std::string> topics;
    for (const Publish& each : client.publishes()) topics.push_back(each.topic);
    EXPECT_EQ(topics, (std::vector<std::string>{"a/x", "b", "b/y/z", "/c"}));
}

GW_STATEMENT("MQTT5-3.3.4-1", PublishIsAnsweredAsItsQosAsks) {
    World world(seed());
    auto client = world.connect("c");
    client.publish("t", "0");
    EXPECT_EQ(client.types(), Types{Type::Connack});
    client.publish("t", "1", {.qos = 1});
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Puback}));
    client.publish("t", "2", {.qos = 2});
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Puback, Type::Pubrec, Type::Pubcomp}));
}

GW_STATEMENT("MQTT5-3.3.4-2 MQTT5-3.3.4-3 MQTT5-3.3.4-4", OverlappingSubscriptionsGetOneCopy) {
    World world(seed());
    auto client = world.connect("c");
    client.subscribe("a/#", {.qos = 0, .id = 1}).subscribe("a/+", {.qos = 2, .id = 268'435'455});
    client.subscribe("a/b", {.qos = 1}).subscribe("+/b", {.qos = 0, .id = 7});
    world.connect("p").publish("a/b", "x", {.qos = 2});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].qos, Qos::ExactlyOnce);
    auto ids = got[0].subscription_ids;
    std::sort(ids.begin(), ids.end());
    EXPECT_EQ(ids, (std::vector<uint32_t>{1, 7, 268'435'455}));
}

GW_STATEMENT("MQTT5-3.3.4-5", SharedCopyCarriesItsOwnSubscriptionIdentifier) {
    World world(seed());
    auto client = world.connect("c");
    client.subscribe("a", {.id = 1}).subscribe("$share/g/a", {.id = 2});
    world.connect("p").publish("a", "x", {.qos = 1});
    const auto got = client.publishes();  // one for each, as the shared one is apart
    ASSERT_EQ(got.size(), 2u);
    std::set<std::vector<uint32_t>> ids{got[0].subscription_ids, got[1].subscription_ids};
    EXPECT_EQ(ids, (std::set<std::vector<uint32_t>>{{1}, {2}}));
}

GW_STATEMENT("MQTT5-3.3.4-3", RetainedMessageCarriesTheSubscriptionIdentifier) {
    World world(seed());
    world.connect("p").publish("a", "x", {.retain = true});
    auto client = world.connect("c").subscribe("#", {.id = 5});
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].subscription_ids, std::vector<uint32_t>{5});
}

GW_STATEMENT("MQTT5-3.3.4-6", SubscriptionIdentifierFromAClientIsAProtocolError) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("30 # 't' ( 0b 01 )"));
    expect_disconnect(client, R::ProtocolError);
}

GW_STATEMENT_CORE("MQTT5-3.3.4-7", ReceiveMaximumOfTheBrokerIsKept) {
    World world(seed(), {.options = {.limits = {.receive_maximum = 4}}});
    auto subscriber = world.connect(world.id_on(1, "s")).subscribe("t", {.qos = 2});
    auto client = world.connect(world.id_on(0, "c"), by_hand());
    EXPECT_EQ(client.connack().receive_maximum, 4);
    Buffer four;
    for (uint16_t id = 1; id <= 4; ++id)
        put_bytes(four, world::publish_packet(Version::V5, "t", "x", {.qos = 2, .packet_id = id}));
    client.raw(four);
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(subscriber.received().size(), 4u);
    client.pubrel(1).publish("t", "x", {.qos = 2, .packet_id = 5});  // one done, one more allowed
    EXPECT_FALSE(client.closed());
    client.publish("t", "x", {.qos = 1, .packet_id = 6});
    expect_disconnect(client, R::ReceiveMaximumExceeded);
}

GW_STATEMENT("MQTT5-3.3.4-7", AsManyAsAnnouncedAreTakenAtOnce) {
    World world(seed());
    auto subscriber = world.connect("s").subscribe("t", {.qos = 0});
    auto client = world.connect("c", by_hand());
    const uint16_t maximum = client.connack().receive_maximum.value_or(65535);
    Buffer all;
    for (uint32_t id = 1; id <= maximum; ++id)
        put_bytes(all, world::publish_packet(Version::V5, "t", "x",
                                             {.qos = 2, .packet_id = uint16_t(id)}));
    client.raw(all);
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(subscriber.received().size(), maximum);
    client.push(world::publish_packet(Version::V5, "t", "x",
                                      {.qos = 2, .packet_id = uint16_t(maximum + 1)}));
    expect_disconnect(client, R::ReceiveMaximumExceeded);
}

GW_STATEMENT("MQTT5-3.3.4-9 MQTT5-4.9.0-1 MQTT5-4.9.0-2", BrokerKeepsToTheClientsReceiveMaximum) {
    World world(seed());
    auto client = world.connect("c", by_hand({.receive_maximum = 2})).subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    for (const char* payload : {"1", "2", "3", "4"}) publisher.publish("t", payload, {.qos = 1});
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.puback(1);
    EXPECT_EQ(client.received(), Messages{"3"});
    client.puback(3);
    EXPECT_EQ(client.received(), Messages{"4"});
}

GW_STATEMENT("MQTT5-3.3.4-9 MQTT5-4.9.0-2", Qos2HoldsItsPlaceUntilPubcomp) {
    World world(seed());
    auto client = world.connect("c", by_hand({.receive_maximum = 1})).subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 2}).publish("t", "2", {.qos = 2});
    publisher.publish("t", "3", {.qos = 2});
    EXPECT_EQ(client.received(), Messages{"1"});
    client.pubrec(1);
    EXPECT_EQ(client.received(), Messages{});
    client.pubcomp(1);
    EXPECT_EQ(client.received(), Messages{"2"});
    client.pubrec(2, R::QuotaExceeded);  // a refusal ends it at once
    EXPECT_EQ(client.received(), Messages{"3"});
}

GW_STATEMENT("MQTT5-3.3.4-10 MQTT5-4.9.0-3", FullWindowHoldsNothingElseBack) {
    World world(seed());
    auto client = world.connect("c", by_hand({.receive_maximum = 1}));
    client.subscribe("t", {.qos = 1}).subscribe("z", {.qos = 0});
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 1}).publish("z", "0");
    EXPECT_EQ(client.received(), (Messages{"1", "0"}));
    client.ping().subscribe("u").unsubscribe("u").publish("x", "y", {.qos = 1});
    EXPECT_EQ(client.count(Type::Pingresp), 1u);
    EXPECT_EQ(client.count(Type::Suback), 3u);
    EXPECT_EQ(client.count(Type::Unsuback), 1u);
    EXPECT_EQ(client.count(Type::Puback), 1u);
}

// --- limits ---

TEST(Publish, IsRefusedWithATopicOfTooManyLevels) {
    world::World world(seed(), {.options = {.limits = {.topic_levels_max = 3}}});
    auto client = world.connect("c").subscribe("#");
    client.publish("a/b/c", "fits", {.qos = 1});
    client.publish("a/b/c/d", "is too deep", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{"fits"});
    EXPECT_EQ(client.ack_reason(Type::Puback), R::TopicNameInvalid);
}

}  // namespace
}  // namespace godwit::conformance
