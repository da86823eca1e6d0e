// MQTT 5.0 sections 3.14 and 4.13: DISCONNECT and errors.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-3.14.0-1", NoDisconnectBeforeConnack) {
    World world(seed());
    auto first = world.dial();
    first.push(packet("82 # 0001 () 't' 00"));
    expect_cut_off(first);
    auto refused = world.connect("c", {.will = WillOptions{.topic = "#"}});
    expect_refused(refused, R::TopicNameInvalid);
}

GW_STATEMENT_CORE("MQTT5-3.14.0-1", SilentConnectionIsClosedWithoutDisconnect) {
    World world(seed());
    auto client = world.dial();
    world.advance(seconds(9));
    EXPECT_FALSE(client.closed());
    world.advance(seconds(2));
    expect_cut_off(client);
}

GW_STATEMENT("MQTT5-3.14.1-1", ReservedBitsOfDisconnectAreMalformed) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    for (const char* bytes : {"e1 00", "e8 00", "ef # 00 ()"}) {
        auto client = world.connect("c", {.will = WillOptions{.topic = "will", .payload = "w"}});
        client.push(packet(bytes));
        expect_disconnect(client, R::MalformedPacket);
        EXPECT_EQ(watcher.received(), Messages{"w"});
    }
}

GW_STATEMENT("MQTT5-3.14.2-1", ClientsCodeMustBeListed) {
    World world(seed());
    for (const char* bytes : {"e0 # 01", "e0 # 8b", "e0 # 8e", "e0 # ff"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::ProtocolError);
    }
}

GW_STATEMENT_CORE("MQTT5-3.14.2-1 MQTT5-3.14.2-2", BrokersCodesAreListedAndCarryNoExpiry) {
    World world(seed());
    const auto check = [](Client client, R reason) {
        expect_disconnect(client, reason);
        EXPECT_TRUE(mqtt::is_listed(reason, Type::Disconnect, mqtt::Sender::Server));
        EXPECT_EQ(client.last(Type::Disconnect)->disconnect().session_expiry_s, std::nullopt);
    };
    auto kicked = world.connect("kicked", lasting());
    world.core().kick("kicked", R::AdministrativeAction);
    check(kicked, R::AdministrativeAction);
    auto silent = world.connect("silent", lasting({.keepalive_s = 1}));
    world.advance(seconds(3));
    check(silent, R::KeepAliveTimeout);
    auto told = world.connect("told", lasting());
    world.core().shut_down();
    check(told, R::ServerShuttingDown);
}

GW_STATEMENT("MQTT5-3.14.2-2", TakeOverCarriesNoExpiry) {
    World world(seed());
    auto old = world.connect("c", lasting());
    world.connect("c", lasting());
    expect_disconnect(old, R::SessionTakenOver);
    EXPECT_EQ(old.last(Type::Disconnect)->disconnect().session_expiry_s, std::nullopt);
}

GW_STATEMENT("MQTT5-3.14.2-3 MQTT5-3.14.2-4 MQTT5-3.1.2-24", DisconnectFitsTheClientsPacketSize) {
    World world(seed());  // whose clients check the size of whatever comes
    auto small = world.connect("c", {.packet_bytes_max = 30});
    small.push(packet("30 # 'a+' ()"));
    expect_disconnect(small, R::TopicNameInvalid);
    auto terse = world.connect("d", {.request_problem_information = false});
    terse.push(packet("30 # 'a+' ()"));
    expect_disconnect(terse, R::TopicNameInvalid);
}

GW_STATEMENT("MQTT5-3.14.4-1 MQTT5-3.14.4-2", NothingFollowsTheBrokersDisconnect) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 1});
    Buffer bytes = world::publish_packet(Version::V5, "t", "before", {.qos = 1, .packet_id = 1});
    put_bytes(bytes, packet("30 # '#' ()"));
    put_bytes(bytes, world::publish_packet(Version::V5, "t", "after", {.qos = 1, .packet_id = 2}));
    auto watcher = world.connect("w").subscribe("t");
    client.push(bytes);
    expect_disconnect(client, R::TopicNameInvalid);
    EXPECT_EQ(client.count(Type::Disconnect), 1u);
    EXPECT_EQ(watcher.received(), Messages{"before"});
}

GW_STATEMENT("MQTT5-3.14.4-1 MQTT5-3.14.4-2", NothingAfterTheClientsDisconnectIsHandled) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("t");
    auto client = world.connect("c").subscribe("t");
    Buffer bytes = packet("e0 00");
    put_bytes(bytes, packet("30 # 't' () 78"));
    client.push(bytes);
    EXPECT_TRUE(client.closes());
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Suback}));
    watcher.publish("t", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-4.13.1-1", SessionExpiryAppearingInDisconnectIsAProtocolError) {
    World world(seed());
    auto client = world.connect("c", {.expiry_s = 0}).disconnect(R::Success, 100);
    expect_disconnect(client, R::ProtocolError);
}

GW_STATEMENT("MQTT5-4.13.1-1", ErrorsOfOneClientConcernNobodyElse) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("t", {.qos = 1});
    auto bad = world.connect("b").subscribe("t", {.qos = 1});
    bad.push(packet("30 # 't'"));
    expect_disconnect(bad, R::MalformedPacket);
    world.connect("p").publish("t", "x", {.qos = 1});
    EXPECT_EQ(watcher.received(), Messages{"x"});
    EXPECT_FALSE(watcher.closed());
}

GW_STATEMENT("MQTT5-4.13.2-1", DisconnectWithAnErrorGoesWithClosing) {
    World world(seed());
    auto client = world.connect("c");
    client.push(packet("f0 # 18 ( 15 'M' )"));
    expect_disconnect(client, R::ProtocolError);
    auto own = world.connect("d").disconnect(R::UnspecifiedError);
    EXPECT_TRUE(own.closed());
}

GW_STATEMENT("MQTT5-4.13.1-1", PacketsOnlyABrokerSendsAreRefused) {
    World world(seed());
    for (const char* bytes : {"20 # 00 00 ()", "90 # 0001 () 00", "b0 # 0001 () 00", "d0 00"}) {
        auto client = world.connect("c");
        client.push(packet(bytes));
        expect_disconnect(client, R::ProtocolError);
    }
}

}  // namespace
}  // namespace godwit::conformance
