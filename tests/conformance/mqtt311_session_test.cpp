// MQTT 3.1.1 sections 3.1.2.5, 4.1 and 4.4 to 4.6: wills, sessions, redelivery, order.
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

ConnectOptions with_will(uint8_t qos = 0, bool retain = false) {
    return v311(
        {.will = WillOptions{.topic = "will", .payload = "gone", .qos = qos, .retain = retain}});
}

GW_STATEMENT("MQTT311-3.1.2-8 MQTT311-3.1.2-10", WillIsPublishedOnceWhenTheConnectionBreaks) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    auto client = world.connect("c", with_will());
    client.cut();
    EXPECT_EQ(watcher.received(), Messages{"gone"});
    client.reconnect(v311());
    client.cut();
    watcher.publish("will", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT311-3.1.2-8", WillIsPublishedOnAViolation) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    world.connect("c", with_will()).raw(packet("30 # 'a+'"));
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT311-3.1.2-8 MQTT311-3.1.4-2", WillIsPublishedOnATakeover) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    world.connect("c", with_will());
    world.connect("c", with_will());
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT("MQTT311-3.1.2-8", RefusedConnectLeavesNoWill) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    expect_return_code(connect_bytes(world, "10 # 'MQTT' 04 04 003c '' 'will' 'gone'"), 2);
    watcher.publish("will", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT311-3.1.2-9", WillFlagNeedsTopicAndMessage) {
    World world(seed());
    expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 06 003c 'c'"));
    expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 06 003c 'c' 'will'"));
    auto watcher = world.connect_v311("w").subscribe("will", {.qos = 2});
    auto client = connect_bytes(world, "10 # 'MQTT' 04 36 003c 'c' 'will' 'gone'");
    expect_accepted(client);
    client.cut();
    const auto got = watcher.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].qos, Qos::ExactlyOnce);
    EXPECT_EQ(world.connect_v311("n").subscribe("will").received(), Messages{"gone"});
}

GW_STATEMENT("MQTT311-3.1.2-11 MQTT311-3.1.2-13 MQTT311-3.1.2-14 MQTT311-3.1.2-15",
             WillBitsWithoutAWillAreCutOff) {
    World world(seed());
    for (const char* rest : {"0a 003c 'c'", "12 003c 'c'", "22 003c 'c'", "1e 003c 'c' 't' 'm'",
                             "02 003c 'c' 't' 'm'"})
        expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 " + std::string(rest)));
}

GW_STATEMENT("MQTT311-3.1.2-12", NoWillNothingPublished) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("#");
    world.connect_v311("c").cut();
    watcher.publish("mark", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT311-3.1.2-16 MQTT311-3.1.2-17", WillIsRetainedWhereItSaysSo) {
    World world(seed());
    world.connect("c", with_will(1, false)).cut();
    EXPECT_EQ(world.connect_v311("a").subscribe("will").received(), Messages{});
    world.connect("c", with_will(1, true)).cut();
    auto late = world.connect_v311("b").subscribe("will", {.qos = 2});
    const auto got = late.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_TRUE(got[0].retain);
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);
}

GW_STATEMENT_CORE("MQTT311-4.1.0-2", SessionLastsAsLongAsItsConnection) {
    CoreOptions options;
    options.options.limits.session_expiry_max_s = 10;
    World world(seed(), options);
    auto clean = world.connect_v311("a").subscribe("t");
    auto stored = world.connect("b", stored_v311()).subscribe("t");
    world.advance(std::chrono::hours(1000));
    clean.publish("t", "1");
    EXPECT_EQ(clean.received(), Messages{"1"});
    EXPECT_EQ(stored.received(), Messages{"1"});
}

GW_STATEMENT("MQTT311-4.4.0-1 MQTT311-4.6.0-1 MQTT311-4.6.0-6", ResendsInTheFirstOrder) {
    World world(seed());
    auto client = world.connect("c", by_hand(stored_v311())).subscribe("t", {.qos = 2});
    auto publisher = world.connect_v311("p");
    for (const char* each : {"1", "2", "3", "4", "5", "6"})
        publisher.publish("t", each, {.qos = uint8_t(*each % 2 == 1 ? 1 : 2)});
    EXPECT_EQ(client.received(), (Messages{"1", "2", "3", "4", "5", "6"}));
    client.puback(3);
    client.pubrec(4);
    client.resume();
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Publish, Type::Publish, Type::Pubrel,
                                     Type::Publish, Type::Publish}));
    const auto again = client.publishes();
    EXPECT_EQ(packet_ids(again), (std::vector<uint16_t>{1, 2, 5, 6}));
    EXPECT_EQ(body_of(client, Type::Pubrel), packet("0004"));
    publisher.publish("t", "7", {.qos = 1});  // new messages follow
    EXPECT_EQ(packet_ids(client.publishes()), std::vector<uint16_t>{7});
}

GW_STATEMENT("MQTT311-4.6.0-2 MQTT311-4.6.0-3", AcknowledgesInTheOrderOfThePublishes) {
    World world(seed());
    // takers of each topic live anywhere, so that some acknowledgements wait for other shards
    for (const char* id : {"a", "b", "c", "d"})
        world.connect_v311(id).subscribe("t/" + std::string(id), {.qos = 2});
    auto client = world.connect("p", by_hand(v311()));
    Buffer batch;
    std::vector<uint16_t> sent1, sent2;
    for (uint16_t id = 100; id > 60; --id) {
        const uint8_t qos = 1 + id % 2;
        const std::string topic = std::string("t/") + "abcde"[id % 5];
        put_bytes(batch,
                  world::publish_packet(Version::V311, topic, "x", {.qos = qos, .packet_id = id}));
        (qos == 1 ? sent1 : sent2).push_back(id);
    }
    client.raw(batch);
    std::vector<uint16_t> acked1, acked2;
    for (const world::Packet& each : client.state().packets_) {
        if (each.type() == Type::Puback) acked1.push_back(each.ack().packet_id.value);
        if (each.type() == Type::Pubrec) acked2.push_back(each.ack().packet_id.value);
    }
    EXPECT_EQ(acked1, sent1);
    EXPECT_EQ(acked2, sent2);
}

GW_STATEMENT("MQTT311-4.6.0-4", ReleasesInTheOrderOfThePubrecs) {
    World world(seed());
    auto client = world.connect("c", by_hand(v311())).subscribe("t", {.qos = 2});
    auto publisher = world.connect_v311("p");
    for (const char* each : {"1", "2", "3"}) publisher.publish("t", each, {.qos = 2});
    client.raw(packet("50 02 0003 50 02 0001 50 02 0002"));
    std::vector<uint16_t> released;
    for (const world::Packet& each : client.state().packets_)
        if (each.type() == Type::Pubrel) released.push_back(each.ack().packet_id.value);
    EXPECT_EQ(released, (std::vector<uint16_t>{3, 1, 2}));
}

GW_STATEMENT("MQTT311-4.6.0-5 MQTT311-4.6.0-6", EveryTopicIsOrdered) {
    World world(seed());
    auto client = world.connect_v311("c").subscribe("t/#", {.qos = 2});
    auto publisher = world.connect_v311("p");
    std::map<std::string, Messages> sent, got;  // by topic and QoS
    Buffer batch;
    for (uint16_t i = 1; i <= 60; ++i) {
        const uint8_t qos = uint8_t(i % 3);
        const std::string topic = "t/" + std::to_string(i % 4), payload = std::to_string(i);
        sent[topic + " " + std::to_string(qos)].push_back(payload);
        put_bytes(batch,
                  world::publish_packet(Version::V311, topic, payload,
                                        {.qos = qos, .packet_id = qos > 0 ? i : uint16_t(0)}));
    }
    publisher.raw(batch);
    for (const Publish& each : client.publishes())
        got[each.topic + " " + std::to_string(int(each.qos))].push_back(each.payload);
    EXPECT_EQ(got, sent);
}

GW_STATEMENT("MQTT311-7.1.1-1", ManyClientsShareTheBroker) {
    World world(seed());
    std::vector<Client> all;
    for (int i = 0; i < 10; ++i)
        all.push_back(world.connect_v311("c" + std::to_string(i)).subscribe("t"));
    all[3].publish("t", "1");
    for (Client& each : all) EXPECT_EQ(each.received(), Messages{"1"});
}

}  // namespace
}  // namespace godwit::conformance
