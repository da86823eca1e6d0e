// MQTT 5.0 chapters 1 and 2: strings, integers, headers, packet identifiers, property lengths.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-1.5.4-1", IllFormedStringClosesTheConnection) {
    World world(seed());
    for (const char* topic : {"0003 eda080", "0003 edbfbf", "0002 c0af", "0001 ff"}) {
        auto client = world.connect("c");
        client.raw(packet("30 # " + std::string(topic) + " ()"));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-1.5.4-2", NullCharacterClosesTheConnection) {
    World world(seed());
    auto client = world.connect("c");
    client.raw(packet("30 # 0003 610062 ()"));
    expect_disconnect(client, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-1.5.4-3", ByteOrderMarkIsACharacterLikeAnyOther) {
    World world(seed());
    auto client = world.connect("c").subscribe({"\xef\xbb\xbft", "a\xef\xbb\xbf"});
    client.publish("t", "1").publish("\xef\xbb\xbft", "2").publish("a", "3");
    client.publish("a\xef\xbb\xbf", "4");
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].topic, "\xef\xbb\xbft");
    EXPECT_EQ(got[1].topic, "a\xef\xbb\xbf");
}

GW_STATEMENT("MQTT5-1.5.5-1", VariableByteIntegerMustBeShortest) {
    World world(seed());
    auto length = world.connect("a");
    length.raw(packet("30 8500 0001 74 8000"));
    expect_disconnect(length, R::MalformedPacket);
    auto properties = world.connect("b");
    properties.raw(packet("30 # 't' 8000"));
    expect_disconnect(properties, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-1.5.5-1", BrokerWritesLengthsInTheirShortestForm) {
    World world(seed());
    auto client = world.connect("c").subscribe("t");
    for (const size_t size : {0, 1, 123, 124, 127, 128, 16'379, 16'380, 16'384}) {
        client.publish("t", std::string(size, 'x'));
        const auto* publish = client.last(Type::Publish);
        const size_t body = publish->body().size();
        EXPECT_EQ(body, 2 + 1 + 1 + size);
        EXPECT_EQ(publish->size() - body, 1 + mqtt::varint_size(uint32_t(body)));
    }
}

GW_STATEMENT("MQTT5-1.5.7-1", BothHalvesOfAUserPropertyAreStrings) {
    World world(seed());
    for (const char* pair : {"0001 ff 'v'", "'k' 0001 ff", "'k' 0001 00", "0003 eda080 'v'"}) {
        auto client = world.connect("c");
        client.raw(packet("30 # 't' ( 26 " + std::string(pair) + " )"));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-2.1.3-1", ReservedHeaderFlagsAreMalformed) {
    World world(seed());
    for (const char* bytes : {"c1 00", "80 # 0001 () 't' 00", "a3 # 0001 () 't'", "60 # 0001",
                              "41 # 0001", "5f # 0001", "7f # 0001", "e1 00"}) {
        auto client = world.connect("c");
        client.raw(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-2.1.3-1", BrokerSendsReservedFlagsAsListed) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 2});
    client.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2}).unsubscribe("t").ping();
    for (const Type type : {Type::Connack, Type::Suback, Type::Unsuback, Type::Puback, Type::Pubrec,
                            Type::Pubcomp, Type::Pingresp}) {
        ASSERT_NE(client.last(type), nullptr) << int(type);
        EXPECT_EQ(client.last(type)->flags(), 0) << int(type);
    }
    ASSERT_NE(client.last(Type::Pubrel), nullptr);
    EXPECT_EQ(client.last(Type::Pubrel)->flags(), 2);
}

GW_STATEMENT("MQTT5-2.2.1-2 MQTT5-2.2.2-1", Qos0PublishHoldsNoPacketIdentifier) {
    World world(seed());
    auto client = world.connect("c").subscribe("t");
    client.publish("t", "pay");
    const Buffer expected = packet("'t' 00 706179");  // the 00 is the property length
    const auto* publish = client.last(Type::Publish);
    ASSERT_NE(publish, nullptr);
    EXPECT_TRUE(std::ranges::equal(publish->body(), expected));
}

GW_STATEMENT("MQTT5-2.2.1-2", IdentifierOfAQos0PublishWouldBePayload) {
    World world(seed());
    auto client = world.connect("c").subscribe("t");
    client.raw(packet("30 # 't' () 0001"));
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].payload, std::string("\0\1", 2));
}

GW_STATEMENT("MQTT5-2.2.1-3", IdentifierZeroIsAProtocolError) {
    World world(seed());
    for (const char* bytes :
         {"32 # 't' 0000 ()", "34 # 't' 0000 ()", "82 # 0000 () 't' 00", "a2 # 0000 () 't'"}) {
        auto client = world.connect("c");
        client.raw(packet(bytes));
        expect_disconnect(client, R::ProtocolError);
    }
}

GW_STATEMENT("MQTT5-2.2.1-4 MQTT5-4.3.2-1 MQTT5-4.3.3-1", OutgoingIdentifiersCountUpAndAreFree) {
    World world(seed());
    auto slow = world.connect("slow", by_hand()).subscribe("t", {.qos = 2});
    auto publisher = world.connect("pub");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    publisher.publish("t", "3", {.qos = 1});
    EXPECT_EQ(packet_ids(slow.publishes()), (std::vector<uint16_t>{1, 2, 3}));
    slow.puback(1);
    publisher.publish("t", "4", {.qos = 1});
    EXPECT_EQ(packet_ids(slow.publishes()), std::vector<uint16_t>{4});
}

GW_STATEMENT_CORE("MQTT5-2.2.1-4 MQTT5-4.3.2-1", IdentifiersWrapAroundWithoutMeetingOneInFlight) {
    World world(seed());
    auto slow = world.connect("slow", by_hand()).subscribe("t", {.qos = 1});
    auto publisher = world.connect("pub");
    publisher.publish("t", "first", {.qos = 1});  // identifier 1 stays in flight
    std::set<uint16_t> seen;
    for (int i = 0; i < 66; ++i) {
        Buffer batch;
        for (int k = 0; k < 1000; ++k)
            put_bytes(batch, world::publish_packet(Version::V5, "t", "x",
                                                   {.qos = 1, .packet_id = uint16_t(1 + k)}));
        publisher.raw(batch);
        Buffer acks;
        for (const Publish& each : slow.publishes()) {
            if (each.payload == "first") continue;
            EXPECT_NE(each.packet_id, 0);
            EXPECT_NE(each.packet_id, 1);
            mqtt::encode_puback(acks, Version::V5, {{each.packet_id}, {}, {}, {}});
        }
        slow.raw(acks);
    }
    EXPECT_EQ(slow.count(Type::Publish), 66'001u);
}

GW_STATEMENT("MQTT5-2.2.1-5", AcknowledgementsEchoTheIdentifier) {
    World world(seed());
    auto client = world.connect("c", by_hand()).subscribe("t", {.qos = 2});
    client.publish("other", "1", {.qos = 1, .packet_id = 777});
    EXPECT_EQ(client.last(Type::Puback)->ack().packet_id.value, 777);
    client.publish("t", "2", {.qos = 2, .packet_id = 65535});
    EXPECT_EQ(client.last(Type::Pubrec)->ack().packet_id.value, 65535);
    client.pubrel(65535);
    EXPECT_EQ(client.last(Type::Pubcomp)->ack().packet_id.value, 65535);
    client.pubrec(1);  // the copy that came back
    EXPECT_EQ(client.last(Type::Pubrel)->ack().packet_id.value, 1);
}

GW_STATEMENT("MQTT5-2.2.1-6 MQTT5-3.8.4-2 MQTT5-3.10.4-5", SubackAndUnsubackEchoTheIdentifier) {
    World world(seed());
    auto client = world.connect("c");
    client.raw(packet("82 # 1234 () 't' 00"));
    EXPECT_EQ(client.last(Type::Suback)->suback().packet_id.value, 0x1234);
    client.raw(packet("a2 # ffff () 't'"));
    EXPECT_EQ(client.last(Type::Unsuback)->unsuback().packet_id.value, 0xffff);
}

GW_STATEMENT("MQTT5-2.2.2-1", AckWithPropertiesNamesTheirLength) {
    World world(seed());
    auto client = world.connect("c").subscribe("t").unsubscribe("t");
    // identifier, property length 0, one reason
    EXPECT_EQ(client.last(Type::Suback)->body().size(), 4u);
    EXPECT_EQ(client.last(Type::Suback)->body()[2], 0);
    EXPECT_EQ(client.last(Type::Unsuback)->body().size(), 4u);
    EXPECT_EQ(client.last(Type::Unsuback)->body()[2], 0);
}

}  // namespace
}  // namespace godwit::conformance
