// What the broker does not wait for: the rest of a packet, and two clients that take one client id
// from each other for ever. docs/security.md says what is promised.
#include "conformance/conformance.h"

#include "world/statement.h"

namespace godwit::conformance {
namespace {

using std::chrono::seconds;
using world::World;

World patient_world(seconds packet_timeout) {
    return World(seed(), {.options = {.limits = {.packet_timeout = packet_timeout}}});
}

Bytes part(const Buffer& packet, size_t from, size_t count) {
    return Bytes(packet).subspan(from, count);
}

// --- half a packet ---

TEST(Patience, EndsForAClientThatWithholdsTheRestOfAPacket) {
    World world = patient_world(seconds(10));
    Client client = world.connect("c", {.keepalive_s = 0});
    const Buffer packet =
        world::publish_packet(mqtt::Version::V5, "t", "payload", {.qos = 1, .packet_id = 1});
    client.push(part(packet, 0, 5));
    world.advance(seconds(9));
    EXPECT_FALSE(client.closed());
    world.advance(seconds(4));
    expect_disconnect(client, R::KeepAliveTimeout);
}
TEST(Patience, EndsForAClientThatGivesAByteNowAndThen) {
    World world = patient_world(seconds(10));
    Client client = world.connect("c", {.keepalive_s = 5});
    const Buffer packet = world::publish_packet(mqtt::Version::V5, "t", std::string(100, 'x'),
                                                {.qos = 1, .packet_id = 1});
    for (size_t at = 0; at < 20; ++at) {
        client.push(part(packet, at, 1));
        world.advance(seconds(1));
    }
    EXPECT_TRUE(client.closed());
}
TEST(Patience, LastsLongerForALargePacket) {
    World world = patient_world(seconds(10));
    Client client = world.connect("c", {.keepalive_s = 0});
    const Buffer packet = world::publish_packet(
        mqtt::Version::V5, "t", std::string(100 * 1024, 'x'), {.qos = 1, .packet_id = 1});
    for (size_t at = 0; at < packet.size(); at += 2048) {  // 2 KiB a second
        client.push(part(packet, at, std::min<size_t>(2048, packet.size() - at)));
        world.advance(seconds(1));
    }
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(client.count(Type::Puback), 1u);
}
TEST(Patience, IsAskedOfEachPacketAnew) {
    World world = patient_world(seconds(10));
    Client client = world.connect("c", {.keepalive_s = 0});
    const Buffer packet = world::publish_packet(mqtt::Version::V5, "t", "payload", {});
    Buffer two = packet;
    put_bytes(two, packet);
    client.push(part(two, 0, packet.size() / 2));
    for (int i = 0; i < 10; ++i) {  // never at a packet's end
        world.advance(seconds(8));
        client.push(part(two, packet.size() / 2, packet.size()));
    }
    EXPECT_FALSE(client.closed());
    world.advance(seconds(13));
    EXPECT_TRUE(client.closed());
}
TEST(Patience, IsNotAskedOfAClientBetweenItsPackets) {
    World world = patient_world(seconds(1));
    Client client = world.connect("c", {.keepalive_s = 0});
    const Buffer packet = world::publish_packet(mqtt::Version::V5, "t", "payload", {});
    client.push(part(packet, 0, 5));
    client.push(part(packet, 5, packet.size() - 5));
    world.advance(std::chrono::hours(100));
    EXPECT_FALSE(client.closed());
}
TEST(Patience, HasNoEndWhereNoneIsWanted) {
    World world = patient_world(seconds(0));
    Client client = world.connect("c", {.keepalive_s = 0});
    client.push(part(world::publish_packet(mqtt::Version::V5, "t", "payload", {}), 0, 5));
    world.advance(std::chrono::hours(100));
    EXPECT_FALSE(client.closed());
}

// --- flapping ---

World flapping_world(uint32_t takeovers, seconds window) {
    return World(seed(),
                 {.options = {.limits = {.takeovers_max = takeovers, .takeover_window = window}}});
}

TEST(Patience, EndsForTwoClientsThatTakeOneIdFromEachOther) {
    World world = flapping_world(3, seconds(30));
    std::vector<Client> twins{world.connect("c")};
    for (int i = 0; i < 3; ++i) {
        twins.push_back(world.connect("c"));
        EXPECT_TRUE(twins[twins.size() - 2].closed());
    }
    Client late = world.connect("c");
    expect_refused(late, R::ServerBusy);
    EXPECT_FALSE(twins.back().closed()) << "who is there stays";
    EXPECT_EQ(world.counters().flapping_refused, 1u);
    world.advance(seconds(10));
    EXPECT_EQ(world.connect("c").connack_reason(), R::Success);
    EXPECT_TRUE(twins.back().closed());
}
TEST(Patience, IsNotTriedByAClientThatComesBackOften) {
    World world = flapping_world(1, seconds(1000));
    for (int i = 0; i < 20; ++i) {
        Client client = world.connect("c");
        EXPECT_EQ(client.connack_reason(), R::Success);
        client.disconnect();
    }
}
TEST(Patience, IsOfEachClientIdForItself) {
    World world = flapping_world(1, seconds(1000));
    for (const char* id : {"a", "b", "c"}) {
        world.connect(id);
        EXPECT_EQ(world.connect(id).connack_reason(), R::Success);
        expect_refused(world.connect(id), R::ServerBusy);
    }
}

}  // namespace
}  // namespace godwit::conformance
