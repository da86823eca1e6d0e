// MQTT 5.0 section 4.8.2: shared subscriptions.
#include "conformance/conformance.h"

#include <numeric>

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-4.8.2-1 MQTT5-4.8.2-2", ShareNamesAreChecked) {
    World world(seed());
    for (const char* filter : {"$share//t", "$share/g", "$share/g/", "$share/a+b/t", "$share/a#/t",
                               "$share/+/t", "$share/", "$share/g/a#"}) {
        auto client = world.connect("c");
        client.subscribe(filter);
        EXPECT_TRUE(client.closes()) << filter;
        EXPECT_TRUE(client.disconnect_reason() == R::MalformedPacket ||
                    client.disconnect_reason() == R::TopicFilterInvalid);
    }
    auto client = world.connect("c").subscribe({"$share/g/t", "$share/g/#", "$share/x y/+/+"});
    EXPECT_EQ(client.suback(), Codes(3, R::Success));
}

GW_STATEMENT("MQTT5-4.8.2-1", EachMessageGoesToOneMemberOfEachGroup) {
    World world(seed());
    std::vector<Client> group, other;
    for (int i = 0; i < 3; ++i) {
        const std::string n = std::to_string(i);
        group.push_back(world.connect("g" + n).subscribe("$share/g/t/#", {.qos = 1}));
        other.push_back(world.connect("o" + n).subscribe("$share/o/t/#", {.qos = 1}));
    }
    auto plain = world.connect("plain").subscribe("t/#");
    auto publisher = world.connect("p");
    Messages sent;
    for (int i = 0; i < 30; ++i) {
        sent.push_back(std::to_string(100 + i));
        publisher.publish("t/x", sent.back(), {.qos = uint8_t(i % 2)});
    }
    for (auto* members : {&group, &other}) {
        Messages all;
        for (Client& each : *members) {
            const auto got = each.received();
            EXPECT_GE(got.size(), 5u);
            all.insert(all.end(), got.begin(), got.end());
        }
        std::sort(all.begin(), all.end());
        EXPECT_EQ(all, sent);
    }
    EXPECT_EQ(plain.received(), sent);
}

GW_STATEMENT("MQTT5-4.8.2-1", NewSharedSubscriptionGetsNoRetainedMessages) {
    World world(seed());
    auto client = world.connect("c").publish("t", "kept", {.retain = true});
    client.subscribe("$share/g/t").publish("t", "live");
    EXPECT_EQ(client.received(), Messages{"live"});
}

GW_STATEMENT("MQTT5-4.8.2-3", GrantedQosOfTheChosenMemberHolds) {
    World world(seed());
    for (const uint8_t granted : {0, 1, 2}) {
        auto member = world.connect("m").subscribe("$share/g/t", {.qos = granted});
        auto publisher = world.connect("p");
        for (const uint8_t published : {0, 1, 2}) {
            publisher.publish("t", "x", {.qos = published});
            const auto got = member.publishes();
            ASSERT_EQ(got.size(), 1u);
            EXPECT_EQ(got[0].qos, Qos(std::min(granted, published)));
        }
        member.disconnect();
    }
}

GW_STATEMENT("MQTT5-4.8.2-4", Qos2DeliveryThatHasBegunIsCompletedOnReconnect) {
    World world(seed());
    auto first = world.connect("first", by_hand(lasting())).subscribe("$share/g/t", {.qos = 2});
    world.connect("p").publish("t", "x", {.qos = 2});
    EXPECT_EQ(first.received(), Messages{"x"});
    auto second = world.connect("second").subscribe("$share/g/t", {.qos = 2});
    first.cut();
    EXPECT_EQ(second.received(), Messages{});
    first.resume();
    const auto again = first.publishes();
    ASSERT_EQ(again.size(), 1u);
    EXPECT_TRUE(again[0].dup);
    first.pubrec(again[0].packet_id).pubcomp(again[0].packet_id);
    EXPECT_EQ(second.received(), Messages{});
}

GW_STATEMENT("MQTT5-4.8.2-5", Qos2DeliveryOfASessionThatEndsGoesToNobodyElse) {
    World world(seed());
    auto first = world.connect("first", by_hand(lasting())).subscribe("$share/g/t", {.qos = 2});
    auto publisher = world.connect("p").publish("t", "x", {.qos = 2});
    EXPECT_EQ(first.received(), Messages{"x"});
    auto second = world.connect("second").subscribe("$share/g/t", {.qos = 2});
    first.disconnect(R::Success, 0);  // the session ends with it
    publisher.publish("t", "next", {.qos = 2});
    EXPECT_EQ(second.received(), Messages{"next"});
}

GW_STATEMENT("MQTT5-4.8.2-6", RefusedMessageGoesToNobodyElse) {
    World world(seed());
    auto first = world.connect("first", by_hand()).subscribe("$share/g/t", {.qos = 2});
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    const auto got = first.publishes();
    ASSERT_EQ(got.size(), 2u);
    auto second = world.connect("second").subscribe("$share/g/t", {.qos = 2});
    first.puback(got[0].packet_id, R::UnspecifiedError);
    first.pubrec(got[1].packet_id, R::QuotaExceeded);
    first.disconnect();
    publisher.publish("t", "next", {.qos = 1});
    EXPECT_EQ(second.received(), Messages{"next"});
}

GW_STATEMENT("MQTT5-4.8.2-1", MemberThatLeavesHandsItsUnacknowledgedQos1On) {
    World world(seed());
    auto first = world.connect("first", by_hand(lasting())).subscribe("$share/g/t", {.qos = 1});
    auto publisher = world.connect("p");
    for (const char* payload : {"1", "2", "3"}) publisher.publish("t", payload, {.qos = 1});
    EXPECT_EQ(first.received(), (Messages{"1", "2", "3"}));
    first.puback(1);
    auto second = world.connect("second").subscribe("$share/g/t", {.qos = 1});
    first.cut();
    EXPECT_EQ(second.received(), (Messages{"2", "3"}));
    first.resume();
    EXPECT_EQ(first.received(), Messages{});
}

GW_STATEMENT("MQTT5-4.8.2-1", OfflineMemberIsNotFed) {
    World world(seed());
    auto first = world.connect("first", lasting()).subscribe("$share/g/t", {.qos = 1});
    auto second = world.connect("second", lasting()).subscribe("$share/g/t", {.qos = 1});
    first.disconnect();
    auto publisher = world.connect("p");
    Messages sent;
    for (int i = 0; i < 10; ++i) {
        sent.push_back(std::to_string(i));
        publisher.publish("t", sent.back(), {.qos = 1});
    }
    EXPECT_EQ(second.received(), sent);
    EXPECT_EQ(first.resume().received(), Messages{});
}

GW_STATEMENT("MQTT5-4.8.2-1", GroupOfOfflineMembersKeepsItsMessages) {
    World world(seed());
    auto first = world.connect("first", lasting()).subscribe("$share/g/t", {.qos = 1}).disconnect();
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    EXPECT_EQ(first.resume().received(), (Messages{"1", "2"}));
}

GW_STATEMENT("MQTT5-4.8.2-1", UnsubscribedMemberGetsNoMore) {
    World world(seed());
    auto first = world.connect("first").subscribe("$share/g/t", {.qos = 1});
    auto second = world.connect("second").subscribe("$share/g/t", {.qos = 1});
    first.unsubscribe("$share/g/t");
    EXPECT_EQ(first.unsuback(), Codes{R::Success});
    auto publisher = world.connect("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 1});
    EXPECT_EQ(first.received(), Messages{});
    EXPECT_EQ(second.received(), (Messages{"1", "2"}));
}

}  // namespace
}  // namespace godwit::conformance
