// MQTT 3.1 where it differs from 3.1.1, and the bridge bit of the protocol level.
// Source: MQTT V3.1 Protocol Specification (IBM, Eurotech).
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

ConnectOptions v31(ConnectOptions options = {}) {
    options.version = Version::V31;
    return options;
}

GW_STATEMENT("MQTT311-3.1.2-1", OldNameAndLevel3AreMqtt31) {
    World world(seed());
    auto client = connect_bytes(world, "10 # 'MQIsdp' 03 02 003c 'c'", Version::V31);
    expect_accepted(client);
    client.raw(packet("82 # 0001 't' 01"));
    EXPECT_EQ(body_of(client, Type::Suback), packet("0001 01"));
    client.raw(packet("32 # 't' 0005 31"));
    EXPECT_EQ(body_of(client, Type::Puback), packet("0005"));
    EXPECT_EQ(body_of(client, Type::Publish), packet("'t' 0001 31"));
}

GW_STATEMENT("MQTT311-3.1.2-1 MQTT311-3.1.2-2", NameAndLevelMustFitEachOther) {
    World world(seed());
    for (const char* bytes : {"10 # 'MQIsdp' 04 02 003c 'c'", "10 # 'MQIsdp' 02 02 003c 'c'",
                              "10 # 'MQTT' 03 02 003c 'c'", "10 # 'MQISDP' 03 02 003c 'c'"})
        expect_return_code(connect_bytes(world, bytes, Version::V31), 1);
}

GW_STATEMENT("MQTT311-3.1.3-9", EmptyClientIdOf31IsRefused) {
    World world(seed());
    expect_return_code(world.connect("", v31()), 2);  // CleanSession 1 does not help in 3.1
    expect_return_code(connect_bytes(world, "10 # 'MQIsdp' 03 00 003c ''", Version::V31), 2);
}

GW_STATEMENT("MQTT311-3.1.3-5", LongClientIdOf31IsTaken) {
    World world(seed());
    const std::string id(200, 'x');  // 3.1 stops at 23; real clients never did
    expect_accepted(world.connect(id, v31()));
}

GW_STATEMENT("MQTT311-3.2.2-2", ConnackOf31KnowsNoSessionPresent) {
    World world(seed());
    auto client = world.connect("c", v31({.clean_start = false})).subscribe("t", {.qos = 1});
    client.disconnect();
    world.connect("p", v31()).publish("t", "1", {.qos = 1});
    client.resume();
    expect_accepted(client, false);  // the byte is unused, the session is resumed all the same
    EXPECT_EQ(client.received(), Messages{"1"});
}

GW_STATEMENT("MQTT311-3.1.2-3", ReservedBitsOf31AreNotLookedAt) {
    World world(seed());
    expect_accepted(connect_bytes(world, "10 # 'MQIsdp' 03 03 003c 'c'", Version::V31));
    // will bits without a will mean nothing
    expect_accepted(connect_bytes(world, "10 # 'MQIsdp' 03 2a 003c 'd'", Version::V31));
    auto client = world.connect("e", v31());
    client.raw(packet("82 # 0001 't' fd"));  // upper bits beside the QoS
    EXPECT_EQ(body_of(client, Type::Suback), packet("0001 01"));
}

GW_STATEMENT("MQTT311-3.1.4-1 MQTT311-4.8.0-1", MalformedPacketsOf31CloseToo) {
    World world(seed());
    expect_cut_off(connect_bytes(world, "10 # 'MQIsdp' 03 1e 003c 'c' 't' 'm'", Version::V31));
    for (const char* bytes : {"36 # 't' 0001", "32 # 't' 0000", "82 # 0001", "20 # 0000"}) {
        auto client = world.connect("c", v31());
        client.raw(packet(bytes));
        expect_closed(client);
    }
}

GW_STATEMENT("MQTT311-3.1.2-8 MQTT311-4.3.3-2", WillAndQos2Of31) {
    World world(seed());
    auto watcher = world.connect("w", v31()).subscribe("#", {.qos = 2});
    auto client = world.connect(
        "c", v31({.will = WillOptions{.topic = "will", .payload = "gone", .qos = 2}}));
    client.publish("t", "1", {.qos = 2}).cut();
    EXPECT_EQ(watcher.received(), (Messages{"1", "gone"}));
}

GW_STATEMENT("MQTT311-3.1.2-2", BridgeBitIsNoOtherLevel) {
    World world(seed());
    expect_accepted(connect_bytes(world, "10 # 'MQTT' 84 02 003c 'a'"));
    expect_accepted(connect_bytes(world, "10 # 'MQIsdp' 83 02 003c 'b'", Version::V31));
    expect_return_code(connect_bytes(world, "10 # 'MQTT' 83 02 003c 'c'"), 1);
    auto bridge = world.connect("d", v311({.bridge = true})).subscribe("t", {.qos = 1});
    world.connect_v311("p").publish("t", "1", {.qos = 1});
    EXPECT_EQ(bridge.received(), Messages{"1"});
}

GW_STATEMENT("MQTT311-3.3.1-9", BridgeSeesTheRetainFlagAsPublished) {
    World world(seed());
    auto bridge = world.connect("b", v311({.bridge = true})).subscribe("t", {.qos = 1});
    auto plain = world.connect_v311("c").subscribe("t", {.qos = 1});
    world.connect_v311("p").publish("t", "1", {.qos = 1, .retain = true});
    const auto bridged = bridge.publishes(), got = plain.publishes();
    ASSERT_EQ(bridged.size(), 1u);
    ASSERT_EQ(got.size(), 1u);
    EXPECT_TRUE(bridged[0].retain);
    EXPECT_FALSE(got[0].retain);
}

GW_STATEMENT("MQTT311-4.5.0-1", BridgeGetsNoEchoOfItsOwn) {
    World world(seed());
    auto bridge = world.connect("b", v311({.bridge = true})).subscribe("#", {.qos = 1});
    auto plain = world.connect_v311("c").subscribe("#", {.qos = 1});
    bridge.publish("t", "carried", {.qos = 1});
    plain.publish("t", "mark", {.qos = 1});
    EXPECT_EQ(plain.received(), (Messages{"carried", "mark"}));
    EXPECT_EQ(bridge.received(), Messages{"mark"});
}

}  // namespace
}  // namespace godwit::conformance
