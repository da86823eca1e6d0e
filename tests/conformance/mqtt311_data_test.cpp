// MQTT 3.1.1 chapters 1 and 2 and section 4.7: strings, headers, packet identifiers, topics.
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

/// Sends these bytes on a connection of their own, which must not outlive them.
void expect_closes_on(world::AnyWorld& world, std::string_view notation) {
    SCOPED_TRACE(notation);
    auto client = world.connect_v311("c");
    client.raw(packet(notation));
    expect_closed(client);
    EXPECT_EQ(client.types(), Types{Type::Connack});
}

GW_STATEMENT("MQTT311-1.5.3-1 MQTT311-3.3.2-1 MQTT311-3.8.3-1 MQTT311-3.10.3-1",
             IllFormedStringClosesTheConnection) {
    World world(seed());
    for (const char* text : {"0003 eda080", "0003 edbfbf", "0002 c0af", "0001 ff"}) {
        expect_closes_on(world, "30 # " + std::string(text));
        expect_closes_on(world, "82 # 0001 " + std::string(text) + " 00");
        expect_closes_on(world, "a2 # 0001 " + std::string(text));
    }
}

GW_STATEMENT("MQTT311-1.5.3-2 MQTT311-4.7.3-2", NullCharacterClosesTheConnection) {
    World world(seed());
    expect_closes_on(world, "30 # 0003 610062");
    expect_closes_on(world, "82 # 0001 0003 610062 00");
    expect_closes_on(world, "a2 # 0001 0003 610062");
}

GW_STATEMENT("MQTT311-1.5.3-3", ByteOrderMarkIsACharacterLikeAnyOther) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe({"\xef\xbb\xbft", "a\xef\xbb\xbf"});
    client.publish("t", "1").publish("\xef\xbb\xbft", "2").publish("a", "3");
    client.publish("a\xef\xbb\xbf", "4");
    EXPECT_EQ(client.received(), (Messages{"2", "4"}));
}

GW_STATEMENT(
    "MQTT311-2.2.2-1 MQTT311-2.2.2-2 MQTT311-3.6.1-1 MQTT311-3.8.1-1 MQTT311-3.10.1-1 "
    "MQTT311-3.14.1-1",
    WrongHeaderFlagsCloseTheConnection) {
    World world(seed());
    for (const char* bytes :
         {"80 # 0001 't' 00", "83 # 0001 't' 00", "a0 # 0001 't'", "a3 # 0001 't'", "60 # 0001",
          "66 # 0001", "41 # 0001", "58 # 0001", "7f # 0001", "c2 00", "e1 00", "e8 00"})
        expect_closes_on(world, bytes);
}

GW_STATEMENT("MQTT311-3.14.1-1", WrongFlagsOfDisconnectDoNotRevokeTheWill) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    auto client = world.connect_v311("c", {.will = WillOptions{.topic = "will", .payload = "x"}});
    client.raw(packet("e4 00"));
    expect_closed(client);
    EXPECT_EQ(watcher.received(), Messages{"x"});
}

GW_STATEMENT("MQTT311-2.2.2-1 MQTT311-3.6.1-1", BrokerSendsReservedFlagsAsListed) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t", {.qos = 2});
    client.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2}).unsubscribe("t").ping();
    for (const Type type : {Type::Connack, Type::Suback, Type::Unsuback, Type::Puback, Type::Pubrec,
                            Type::Pubcomp, Type::Pingresp}) {
        ASSERT_NE(client.last(type), nullptr) << int(type);
        EXPECT_EQ(client.last(type)->flags(), 0) << int(type);
    }
    EXPECT_EQ(client.last(Type::Pubrel)->flags(), 2);
}

GW_STATEMENT("MQTT311-2.3.1-1", PacketIdentifier0ClosesTheConnection) {
    World world(seed());
    for (const char* bytes :
         {"32 # 't' 0000", "34 # 't' 0000", "82 # 0000 't' 00", "a2 # 0000 't'"})
        expect_closes_on(world, bytes);
}

GW_STATEMENT("MQTT311-2.3.1-4 MQTT311-4.3.2-1 MQTT311-4.3.3-1", OutgoingIdentifiersAreFree) {
    World world(seed());
    auto slow = world.connect("slow", by_hand(v311())).subscribe("t", {.qos = 2});
    auto publisher = world.connect_v311("pub");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    publisher.publish("t", "3", {.qos = 1});
    const auto got = slow.publishes();
    EXPECT_EQ(packet_ids(got), (std::vector<uint16_t>{1, 2, 3}));
    for (const Publish& each : got) EXPECT_FALSE(each.dup);
    slow.puback(1);
    slow.pubrec(2);
    publisher.publish("t", "4", {.qos = 1});
    EXPECT_EQ(packet_ids(slow.publishes()), std::vector<uint16_t>{4});
}

GW_STATEMENT("MQTT311-2.3.1-5 MQTT311-4.3.1-1 MQTT311-3.3.1-2", Qos0PublishIsTopicAndPayloadOnly) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t", {.qos = 2});
    client.publish("t", "pay");
    EXPECT_EQ(body_of(client, Type::Publish), packet("'t' 706179"));
    EXPECT_EQ(client.last(Type::Publish)->flags(), 0);
    client.raw(packet("30 # 't' 0001"));  // what would be an identifier is payload
    EXPECT_EQ(client.publishes().back().payload, std::string("\0\1", 2));
}

GW_STATEMENT("MQTT311-3.3.1-2", DupOnQos0ClosesTheConnection) {
    World world(seed());
    expect_closes_on(world, "38 # 't' 70");
}

GW_STATEMENT("MQTT311-2.3.1-6", AcknowledgementsEchoTheIdentifier) {
    World world(seed());
    auto client = world.connect("c", by_hand(v311())).subscribe("t", {.qos = 2});
    client.publish("other", "1", {.qos = 1, .packet_id = 777});
    EXPECT_EQ(body_of(client, Type::Puback), packet("0309"));
    client.publish("t", "2", {.qos = 2, .packet_id = 65535});
    EXPECT_EQ(body_of(client, Type::Pubrec), packet("ffff"));
    client.pubrel(65535);
    EXPECT_EQ(body_of(client, Type::Pubcomp), packet("ffff"));
    client.pubrec(1);  // the copy that came back
    EXPECT_EQ(body_of(client, Type::Pubrel), packet("0001"));
}

GW_STATEMENT("MQTT311-2.3.1-7 MQTT311-3.8.4-2 MQTT311-3.10.4-4", SubackAndUnsubackEchoIt) {
    World world(seed());
    auto client = world.connect_v311("c");
    client.raw(packet("82 # 1234 't' 00"));
    EXPECT_EQ(body_of(client, Type::Suback), packet("1234 00"));
    client.raw(packet("a2 # ffff 't'"));
    EXPECT_EQ(body_of(client, Type::Unsuback), packet("ffff"));
}

// --- section 4.7 ---

GW_STATEMENT("MQTT311-4.7.1-1 MQTT311-3.3.2-2", WildcardInANameClosesTheConnection) {
    World world(seed());
    for (const char* topic : {"'#'", "'+'", "'a/+/b'", "'a/#'", "'a+'"})
        expect_closes_on(world, "30 # " + std::string(topic));
}

GW_STATEMENT("MQTT311-4.7.1-2 MQTT311-4.7.1-3 MQTT311-4.7.3-1", MisplacedWildcardsCloseIt) {
    World world(seed());
    for (const char* filter :
         {"'a#'", "'a/#/b'", "'#/a'", "'##'", "'a+'", "'+a'", "'a/b+/c'", "'++'", "''"}) {
        expect_closes_on(world, "82 # 0001 " + std::string(filter) + " 00");
        expect_closes_on(world, "a2 # 0001 " + std::string(filter));
    }
}

GW_STATEMENT("MQTT311-4.7.1-2 MQTT311-4.7.1-3 MQTT311-3.3.2-3", WildcardsMatchWholeLevels) {
    struct Row {
        const char* filter;
        Messages names;
    };
    const Row rows[] = {
        {"#", {"a", "a/b", "a/b/c", "/", "/a"}},
        {"a/#", {"a", "a/b", "a/b/c"}},
        {"+", {"a"}},
        {"+/+", {"a/b", "/", "/a"}},
        {"/+", {"/", "/a"}},
        {"a/+", {"a/b"}},
        {"a/+/c", {"a/b/c"}},
        {"+/b/#", {"a/b", "a/b/c"}},
    };
    World world(seed());
    for (const Row& row : rows) {
        auto client = world.connect_v311("c").subscribe(row.filter);
        for (const char* name : {"a", "a/b", "a/b/c", "/", "/a"}) client.publish(name, name);
        EXPECT_EQ(client.received(), row.names) << row.filter;
    }
}

GW_STATEMENT("MQTT311-4.7.2-1", LeadingWildcardSkipsDollarNames) {
    World world(seed());
    auto any = world.connect_v311("a").subscribe({"#", "+/x"});
    auto own = world.connect_v311("b").subscribe("$own/#");
    any.publish("$own/x", "1").publish("own/x", "2");
    EXPECT_EQ(any.received(), Messages{"2"});
    EXPECT_EQ(own.received(), Messages{"1"});
}

GW_STATEMENT("MQTT311-4.7.3-1 MQTT311-4.8.0-1", EmptyNameClosesTheConnection) {
    World world(seed());
    expect_closes_on(world, "30 # ''");
    auto other = world.connect_v311("other").subscribe("t");
    expect_closes_on(world, "30 # ''");
    EXPECT_FALSE(other.closed());  // the one it came on, no other
}

GW_STATEMENT("MQTT311-4.7.3-3", TopicOf65535BytesIsATopic) {
    World world(seed());
    const std::string longest(65535, 'x');
    auto client = world.connect_v311("c").subscribe(longest);
    client.publish(longest, "1");
    ASSERT_EQ(client.publishes().size(), 1u);
}

GW_STATEMENT("MQTT311-4.7.3-4", NothingIsNormalized) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe({"Plant", "caf\xc3\xa9", "a//b", "s "});
    for (const char* name : {"plant", "cafe\xcc\x81", "a/b", "s", "/Plant", "Plant/"})
        client.publish(name, "other");
    client.publish("a//b", "1")
        .publish("caf\xc3\xa9", "2")
        .publish("s ", "3")
        .publish("Plant", "4");
    EXPECT_EQ(client.received(), (Messages{"1", "2", "3", "4"}));
}

GW_STATEMENT("MQTT311-4.8.0-1", ViolationsCloseTheConnection) {
    World world(seed());
    for (const char* bytes :
         {"20 # 0000", "90 # 0001 00", "b0 # 0001", "d0 00", "00 00", "f0 00", "30 ffffffff7f",
          "c0 # 00", "e0 # 00", "40 # 00", "40 # 000100", "40 # 0000", "32 # 't'"})
        expect_closes_on(world, bytes);
}

}  // namespace
}  // namespace godwit::conformance
