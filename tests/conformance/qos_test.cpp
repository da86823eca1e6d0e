// MQTT 5.0 sections 3.4 to 3.7, 4.3, 4.4 and 4.6: acknowledgements, delivery, order.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-3.4.2-1 MQTT5-3.5.2-1 MQTT5-3.7.2-1", AcknowledgementCodesComeFromTheirLists) {
    World world(seed());
    auto client = world.connect("c");
    client.publish("nobody", "1", {.qos = 1});
    EXPECT_EQ(client.ack_reason(Type::Puback), R::NoMatchingSubscribers);
    client.publish("nobody", "2", {.qos = 2});
    EXPECT_EQ(client.ack_reason(Type::Pubrec), R::NoMatchingSubscribers);
    EXPECT_EQ(client.ack_reason(Type::Pubcomp), R::Success);
    client.publish("$SYS/x", "3", {.qos = 1});
    EXPECT_EQ(client.ack_reason(Type::Puback), R::NotAuthorized);
    client.publish("$SYS/x", "4", {.qos = 2});
    EXPECT_EQ(client.ack_reason(Type::Pubrec), R::NotAuthorized);
    client.subscribe("t").publish("t", "5", {.qos = 1});
    EXPECT_EQ(client.ack_reason(Type::Puback), R::Success);
    client.pubrel(999);
    EXPECT_EQ(client.ack_reason(Type::Pubcomp), R::PacketIdentifierNotFound);
}

GW_STATEMENT("MQTT5-3.4.2-1 MQTT5-3.5.2-1 MQTT5-3.6.2-1 MQTT5-3.7.2-1",
             CodesThatAreNotListedAreRefused) {
    World world(seed());
    for (const char* bytes : {"40 # 0001 92", "50 # 0001 92", "62 # 0001 80", "70 # 0001 10"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::ProtocolError);
    }
}

GW_STATEMENT("MQTT5-3.6.2-1", PubrelTellsAnUnknownIdentifier) {
    World world(seed());
    auto client = world.connect("c", by_hand()).subscribe("t", {.qos = 2});
    client.pubrec(77);
    EXPECT_EQ(client.ack_reason(Type::Pubrel), R::PacketIdentifierNotFound);
    world.connect("p").publish("t", "x", {.qos = 2});
    client.pubrec(1);
    EXPECT_EQ(client.ack_reason(Type::Pubrel), R::Success);
}

GW_STATEMENT(
    "MQTT5-3.4.2-2 MQTT5-3.4.2-3 MQTT5-3.5.2-2 MQTT5-3.5.2-3 MQTT5-3.6.2-2 MQTT5-3.6.2-3 "
    "MQTT5-3.7.2-2 MQTT5-3.7.2-3",
    AcknowledgementsFitTheClientsPacketSize) {
    World world(seed());  // whose clients check the size of whatever comes
    auto client = world.connect("c", {.packet_bytes_max = 40}).subscribe("t", {.qos = 2});
    client.publish("$SYS/x", "1", {.qos = 1}).publish("$SYS/x", "2", {.qos = 2});
    client.publish("t", "3", {.qos = 2}).pubrel(99).pubrec(99);
    for (const Type type : {Type::Puback, Type::Pubrec, Type::Pubrel, Type::Pubcomp}) {
        ASSERT_NE(client.last(type), nullptr);
        EXPECT_LE(client.last(type)->size(), 6u);  // no room for a text
    }
}

GW_STATEMENT("MQTT5-3.6.1-1", OtherFlagsOfPubrelAreMalformed) {
    World world(seed());
    for (const char* bytes : {"60 # 0001", "61 # 0001", "63 # 0001", "6a # 0001"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-4.3.2-4", Qos1IsAnsweredByPuback) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 1});
    client.publish("t", "x", {.qos = 1, .packet_id = 9});
    EXPECT_EQ(client.last(Type::Puback)->ack().packet_id.value, 9);
    EXPECT_EQ(client.received(), Messages{"x"});
}

GW_STATEMENT("MQTT5-4.3.2-5", AfterPubackTheIdentifierIsANewMessage) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 1});
    client.publish("t", "1", {.qos = 1, .packet_id = 9});
    client.publish("t", "2", {.qos = 1, .dup = true, .packet_id = 9});
    client.publish("t", "3", {.qos = 1, .packet_id = 9});
    EXPECT_EQ(client.received(), (Messages{"1", "2", "3"}));
}

GW_STATEMENT("MQTT5-4.3.2-3 MQTT5-3.3.1-1 MQTT5-4.4.0-1", Qos1IsSentAgainUntilPuback) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting())).subscribe("t", {.qos = 1});
    world.connect("p").publish("t", "x", {.qos = 1});
    EXPECT_FALSE(client.publishes().at(0).dup);
    for (int i = 0; i < 3; ++i) {
        client.cut().resume();
        const auto again = client.publishes();
        ASSERT_EQ(again.size(), 1u);
        EXPECT_TRUE(again[0].dup);
        EXPECT_EQ(again[0].packet_id, 1);
        EXPECT_EQ(again[0].payload, "x");
    }
    client.puback(1).cut().resume();
    EXPECT_EQ(client.received(), Messages{});
}

GW_STATEMENT("MQTT5-4.3.3-8 MQTT5-4.3.3-11", Qos2IsAnsweredByPubrecAndPubcomp) {
    World world(seed());
    auto client = world.connect("c", by_hand());
    client.publish("t", "x", {.qos = 2, .packet_id = 9});
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Pubrec}));
    client.pubrel(9);
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Pubrec, Type::Pubcomp}));
    EXPECT_EQ(client.last(Type::Pubcomp)->ack().packet_id.value, 9);
}

GW_STATEMENT("MQTT5-4.3.3-10", SameIdentifierBeforePubrelIsTheSameMessage) {
    World world(seed());
    auto subscriber = world.connect("s").subscribe("t", {.qos = 2});
    auto client = world.connect("c", by_hand(lasting()));
    client.publish("t", "x", {.qos = 2, .packet_id = 9});
    client.publish("t", "x", {.qos = 2, .dup = true, .packet_id = 9});
    EXPECT_EQ(client.count(Type::Pubrec), 2u);
    client.cut().resume();
    client.publish("t", "x", {.qos = 2, .dup = true, .packet_id = 9});
    EXPECT_EQ(client.ack_reason(Type::Pubrec), R::Success);
    EXPECT_EQ(client.count(Type::Pubrec), 1u);
    client.pubrel(9).pubrel(9);
    EXPECT_EQ(client.count(Type::Pubcomp), 2u);
    EXPECT_EQ(subscriber.received(), Messages{"x"});
}

GW_STATEMENT_CORE("MQTT5-4.3.3-10", CopySentWhileTheFirstIsUnderWayIsTheSameMessage) {
    World world(seed());
    for (uint16_t shard = 0; shard < world.shard_count(); ++shard)
        world.connect(world.id_on(shard, "s")).subscribe("t", {.qos = 2});
    auto client = world.connect(world.id_on(0, "c"), by_hand());
    Buffer twice = world::publish_packet(Version::V5, "t", "x", {.qos = 2, .packet_id = 9});
    put_bytes(twice, Buffer(twice));
    client.raw(twice);
    EXPECT_EQ(client.count(Type::Pubrec), 2u);
    EXPECT_EQ(world.counters().publishes_sent, world.shard_count());
}

GW_STATEMENT("MQTT5-4.3.3-12 MQTT5-4.3.3-9", AfterPubcompOrRefusalTheIdentifierIsANewMessage) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 2});
    client.publish("t", "1", {.qos = 2, .packet_id = 9});
    client.publish("t", "2", {.qos = 2, .dup = true, .packet_id = 9});
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.publish("$SYS/x", "no", {.qos = 2, .packet_id = 9});
    EXPECT_EQ(client.ack_reason(Type::Pubrec), R::NotAuthorized);
    client.publish("t", "3", {.qos = 2, .packet_id = 9});
    EXPECT_EQ(client.received(), Messages{"3"});
}

GW_STATEMENT("MQTT5-4.3.3-3 MQTT5-4.4.0-1", Qos2IsSentAgainUntilPubrec) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting())).subscribe("t", {.qos = 2});
    world.connect("p").publish("t", "x", {.qos = 2});
    EXPECT_EQ(client.received(), Messages{"x"});
    client.cut().resume();
    const auto again = client.publishes();
    ASSERT_EQ(again.size(), 1u);
    EXPECT_TRUE(again[0].dup);
    EXPECT_EQ(again[0].packet_id, 1);
}

GW_STATEMENT("MQTT5-4.3.3-4 MQTT5-4.3.3-5 MQTT5-4.3.3-6 MQTT5-4.4.0-1",
             AfterPubrelOnlyPubrelIsSentAgain) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting())).subscribe("t", {.qos = 2});
    world.connect("p").publish("t", "x", {.qos = 2});
    EXPECT_EQ(client.received(), Messages{"x"});
    client.pubrec(1);
    EXPECT_EQ(client.last(Type::Pubrel)->ack().packet_id.value, 1);
    client.pubrec(1);  // it asks again, and is told again
    EXPECT_EQ(client.count(Type::Pubrel), 2u);
    client.cut().resume();
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Pubrel}));
    client.pubcomp(1).cut().resume();
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT_CORE("MQTT5-4.3.3-7 MQTT5-4.3.3-13", MessageDoesNotExpireOnceItWasSent) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting())).subscribe("t", {.qos = 2});
    world.connect("p").publish("t", "x", {.qos = 2, .properties = {.expiry_s = 10}});
    EXPECT_EQ(client.received(), Messages{"x"});
    world.advance(seconds(100));
    client.cut().resume();
    EXPECT_EQ(client.received(), Messages{"x"});
    client.pubrec(1).cut();
    world.advance(seconds(100));
    client.resume();
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Pubrel}));
    client.pubcomp(1).cut().resume();
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT_CORE("MQTT5-4.3.3-13", PublishersHandshakeContinuesThoughTheMessageExpired) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting()));
    client.publish("t", "x", {.qos = 2, .packet_id = 9, .properties = {.expiry_s = 1}});
    world.advance(seconds(10));
    client.pubrel(9);
    EXPECT_EQ(client.ack_reason(Type::Pubcomp), R::Success);
}

GW_STATEMENT("MQTT5-4.4.0-1", NothingIsSentAgainOnALiveConnection) {
    World world(seed());
    auto client = world.connect("c", by_hand()).subscribe("t", {.qos = 2});
    world.connect("p").publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    client.ping().ping();
    EXPECT_EQ(client.count(Type::Publish), 2u);
}

GW_STATEMENT_CORE("MQTT5-4.4.0-1", NothingIsSentAgainHoweverLongItTakes) {
    World world(seed());
    auto client = world.connect("c", by_hand()).subscribe("t", {.qos = 1});
    world.connect("p").publish("t", "1", {.qos = 1});
    world.advance(std::chrono::hours(24));
    EXPECT_EQ(client.count(Type::Publish), 1u);
}

GW_STATEMENT("MQTT5-4.4.0-2", RefusalEndsTheDelivery) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting())).subscribe("t", {.qos = 2});
    world.connect("p").publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    EXPECT_EQ(client.received(), (Messages{"1", "2"}));
    client.puback(1, R::QuotaExceeded).pubrec(2, R::UnspecifiedError);
    EXPECT_EQ(client.count(Type::Pubrel), 0u);
    client.cut().resume();
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT("MQTT5-4.4.0-1 MQTT5-4.6.0-5", ResumeKeepsTheOldOrder) {
    World world(seed());
    auto client = world.connect("c", by_hand(lasting({.receive_maximum = 3})));
    client.subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    for (int i = 1; i <= 6; ++i) publisher.publish("t", std::to_string(i), {.qos = 1});
    EXPECT_EQ(client.received(), (Messages{"1", "2", "3"}));
    ConnectOptions acking = next_time(lasting({.receive_maximum = 3}));
    client.cut().reconnect(acking);
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 6u);
    for (size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(got[i].payload, std::to_string(i + 1));
        EXPECT_EQ(got[i].dup, i < 3);
    }
}

GW_STATEMENT("MQTT5-4.6.0-5 MQTT5-4.6.0-6", MessagesOfOnePublisherStayInOrder) {
    World world(seed());
    auto subscriber = world.connect("s").subscribe("t/#", {.qos = 2});
    auto publisher = world.connect("p");
    for (const uint8_t qos : {0, 1, 2}) {
        Buffer batch;
        Messages sent;
        for (uint16_t i = 1; i <= 300; ++i) {
            sent.push_back(std::to_string(i));
            put_bytes(batch,
                      world::publish_packet(Version::V5, "t/" + std::to_string(i % 7), sent.back(),
                                            {.qos = qos, .packet_id = uint16_t(qos > 0 ? i : 0)}));
        }
        publisher.raw(batch);
        EXPECT_EQ(subscriber.received(), sent);
    }
}

GW_STATEMENT("MQTT5-4.6.0-5", QueuedMessagesKeepTheirOrder) {
    World world(seed());
    auto offline = world.connect("s", lasting({.receive_maximum = 2})).subscribe("t", {.qos = 2});
    offline.disconnect();
    auto publisher = world.connect("p");
    Messages sent;
    for (int i = 0; i < 50; ++i) {
        sent.push_back(std::to_string(i));
        publisher.publish("t", sent.back(), {.qos = 1});
    }
    offline.resume();
    publisher.publish("t", "live", {.qos = 1});
    sent.push_back("live");
    EXPECT_EQ(offline.received(), sent);
}

GW_STATEMENT("MQTT5-4.6.0-5", PubrelsGoOutInTheOrderOfPubrecs) {
    World world(seed());
    auto client = world.connect("c", by_hand()).subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    for (int i = 0; i < 3; ++i) publisher.publish("t", "x", {.qos = 2});
    client.pubrec(2).pubrec(1).pubrec(3);
    std::vector<uint16_t> ids;
    for (const auto& each : client.state().packets_)
        if (each.type() == Type::Pubrel) ids.push_back(each.ack().packet_id.value);
    EXPECT_EQ(ids, (std::vector<uint16_t>{2, 1, 3}));
}

}  // namespace
}  // namespace godwit::conformance
