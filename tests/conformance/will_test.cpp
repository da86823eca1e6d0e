// MQTT 5.0 sections 3.1.2.5 and 3.1.3.2 to 3.1.3.4: the will.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

WillOptions will(uint32_t delay_s = 0) {
    return {.topic = "will", .payload = "gone", .delay_s = delay_s};
}

GW_STATEMENT("MQTT5-3.1.2-7 MQTT5-3.1.2-8", WillIsPublishedWhenTheNetworkFails) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will", {.qos = 1});
    world.connect("c", {.will = will()}).cut();
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT5-3.1.2-8", WillIsPublishedOnAProtocolError) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    auto client = world.connect("c", {.will = will()});
    client.raw(packet("30 # 'a+' ()"));
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT5-3.1.2-8 MQTT5-3.1.2-10 MQTT5-3.14.4-3", NormalDisconnectDeletesTheWill) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("#");
    auto client = world.connect("c", lasting({.will = will()})).disconnect();
    client.reconnect(next_time(lasting()));  // and it is not stored any more
    client.cut();
    watcher.publish("mark", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-3.1.2-8", DisconnectWithWillPublishesIt) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", {.will = will()}).disconnect(R::DisconnectWithWill);
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT5-3.1.2-8", AnyOtherReasonPublishesIt) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", {.will = will()}).disconnect(R::UnspecifiedError);
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT5-3.1.2-8 MQTT5-3.1.4-3", TakeOverPublishesTheWill) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", lasting({.will = will()}));
    auto young = world.connect("c", next_time(lasting()));
    EXPECT_EQ(watcher.received(), Messages{"gone"});
    young.cut();
    watcher.publish("will", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});  // once only
}

GW_STATEMENT("MQTT5-3.1.2-8", TakeOverWithCleanStartPublishesADelayedWill) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", lasting({.will = will(1000)}));
    world.connect("c");  // the session ends, so the will is due
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT5-3.1.3-9", TakeOverInTimeSuppressesADelayedWill) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", lasting({.will = will(1000)}));
    auto young = world.connect("c", next_time(lasting()));
    young.cut();
    watcher.publish("will", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT_CORE("MQTT5-3.1.2-8", DelayedWillWaits) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", lasting({.will = will(100)})).cut();
    world.advance(seconds(99));
    EXPECT_EQ(watcher.received(), Messages{});
    world.advance(seconds(1));
    EXPECT_EQ(watcher.received(), Messages{"gone"});
    world.advance(seconds(4000));
    EXPECT_EQ(watcher.received(), Messages{});
}

GW_STATEMENT_CORE("MQTT5-3.1.2-8", SessionEndPublishesADelayedWill) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", {.expiry_s = 50, .will = will(100)}).cut();
    world.advance(seconds(49));
    EXPECT_EQ(watcher.received(), Messages{});
    world.advance(seconds(1));
    EXPECT_EQ(watcher.received(), Messages{"gone"});
    world.advance(seconds(100));
    EXPECT_EQ(watcher.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.1.2-8", DelayWithoutASessionIsNone) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", {.expiry_s = 0, .will = will(100)}).cut();
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT_CORE("MQTT5-3.1.3-9 MQTT5-3.1.2-10", ReconnectInTimeSuppressesTheWill) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    auto client = world.connect("c", lasting({.will = will(100)})).cut();
    world.advance(seconds(99));
    client.reconnect(next_time(lasting()));
    world.advance(seconds(100));
    client.disconnect();
    world.advance(seconds(5000));
    EXPECT_EQ(watcher.received(), Messages{});
}

GW_STATEMENT_CORE("MQTT5-3.1.2-10", PublishedWillIsNotPublishedAgain) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    auto client = world.connect("c", lasting({.will = will(10)})).cut();
    world.advance(seconds(11));
    EXPECT_EQ(watcher.received(), Messages{"gone"});
    client.reconnect(next_time(lasting())).cut();
    world.advance(seconds(5000));
    EXPECT_EQ(watcher.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.1.2-14 MQTT5-3.1.2-15", WillIsRetainedAsItsFlagSays) {
    World world(seed());
    WillOptions kept = will();
    kept.retain = true;
    kept.topic = "kept";
    world.connect("a", {.will = will()}).cut();
    world.connect("b", {.will = kept}).cut();
    auto late = world.connect("late").subscribe({"will", "kept"});
    const auto got = late.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].topic, "kept");
    EXPECT_TRUE(got[0].retain);
}

GW_STATEMENT("MQTT5-3.1.2-8", WillGoesOutAtItsQos) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will", {.qos = 2});
    for (const uint8_t qos : {0, 1, 2}) {
        WillOptions each = will();
        each.qos = qos;
        world.connect("c", {.will = each}).cut();
        const auto got = watcher.publishes();
        ASSERT_EQ(got.size(), 1u);
        EXPECT_EQ(got[0].qos, Qos(qos));
    }
}

GW_STATEMENT("MQTT5-3.1.3-10 MQTT5-3.1.2-7", WillKeepsItsPropertiesInOrder) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    WillOptions rich = will();
    rich.properties = {.payload_format = 1,
                       .content_type = "text/plain",
                       .response_topic = "r",
                       .correlation = "id",
                       .user_properties = {{"b", "1"}, {"a", "2"}, {"b", "3"}}};
    world.connect("c", {.will = rich}).cut();
    const auto got = watcher.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].user_properties, (Pairs{{"b", "1"}, {"a", "2"}, {"b", "3"}}));
    EXPECT_EQ(got[0].payload_format, 1u);
    EXPECT_EQ(got[0].content_type, "text/plain");
    EXPECT_EQ(got[0].response_topic, "r");
    EXPECT_EQ(got[0].correlation, "id");
}

GW_STATEMENT("MQTT5-3.1.2-7", EmptyWillPayloadIsAMessage) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    world.connect("c", {.will = WillOptions{.topic = "will"}}).cut();
    EXPECT_EQ(watcher.received(), Messages{""});
}

GW_STATEMENT_CORE("MQTT5-3.1.2-8", KickedClientsWillIsPublished) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    auto client = world.connect("c", {.will = will()});
    world.core().kick("c", R::AdministrativeAction);
    expect_disconnect(client, R::AdministrativeAction);
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

}  // namespace
}  // namespace godwit::conformance
