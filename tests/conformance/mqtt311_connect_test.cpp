// MQTT 3.1.1 sections 3.1 and 3.2: CONNECT and CONNACK.
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT311-3.1.0-1", FirstPacketMustBeConnect) {
    World world(seed());
    for (const char* bytes : {"c0 00", "30 # 't'", "82 # 0001 't' 00", "e0 00", "20 # 0000"}) {
        auto client = world.dial(v311());
        client.push(packet(bytes));
        expect_cut_off(client);
    }
}

GW_STATEMENT("MQTT311-3.1.0-2", SecondConnectEndsTheConnection) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    auto client = world.connect_v311("c", {.will = WillOptions{.topic = "will", .payload = "x"}});
    client.push(world::connect_packet("c", v311()));
    expect_closed(client);
    EXPECT_EQ(client.types(), Types{Type::Connack});
    EXPECT_EQ(watcher.received(), Messages{"x"});  // a violation, so no revoked will
}

GW_STATEMENT("MQTT311-3.1.2-1", AnotherProtocolNameIsNotHandled) {
    World world(seed());
    for (const char* name : {"'MQTX'", "'mqtt'", "''", "'MQTTT'"}) {
        auto client = connect_bytes(world, "10 # " + std::string(name) + " 04 02 003c 'c'");
        expect_return_code(client, 1);
    }
}

GW_STATEMENT("MQTT311-3.1.2-2 MQTT311-3.2.2-4 MQTT311-3.2.2-5", UnknownLevelGetsReturnCode1) {
    World world(seed());
    for (const char* level : {"00", "01", "02", "03"})
        expect_return_code(
            connect_bytes(world, "10 # 'MQTT' " + std::string(level) + " 02 003c 'c'"), 1);
}

GW_STATEMENT("MQTT311-3.1.2-3 MQTT311-3.1.4-1", ReservedConnectFlagIsCutOff) {
    World world(seed());
    expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 03 003c 'c'"));
}

GW_STATEMENT("MQTT311-3.1.2-4 MQTT311-3.1.4-3 MQTT311-3.2.2-2 MQTT311-3.2.2-3 MQTT311-4.1.0-1",
             CleanSession0ResumesWhatIsStored) {
    World world(seed());
    auto client = world.connect("c", stored_v311());
    expect_accepted(client, false);
    client.subscribe("t", {.qos = 1}).disconnect();
    client.resume();
    expect_accepted(client, true);
    world.connect_v311("p").publish("t", "1");
    EXPECT_EQ(client.received(), Messages{"1"});
    client.cut();  // kept after a lost connection too
    client.resume();
    expect_accepted(client, true);
}

GW_STATEMENT_CORE("MQTT311-4.1.0-1", StoredSessionLastsAsLongAsTheBrokerSays) {
    CoreOptions options;
    options.options.limits.session_expiry_max_s = 3600;
    World world(seed(), options);
    auto client = world.connect("c", stored_v311()).subscribe("t", {.qos = 1});
    client.cut();
    world.advance(seconds(3599));
    client.resume();
    expect_accepted(client, true);
    client.cut();
    world.advance(seconds(3601));
    client.resume();
    expect_accepted(client, false);
}

GW_STATEMENT("MQTT311-3.1.2-5 MQTT311-4.5.0-1", StoredSessionKeepsQos1And2) {
    World world(seed());
    auto client = world.connect("c", stored_v311()).subscribe("t", {.qos = 2});
    client.disconnect();
    auto publisher = world.connect_v311("p");
    publisher.publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    client.resume();
    const auto got = client.publishes();
    ASSERT_EQ(got.size(), 2u);
    EXPECT_EQ(got[0].payload, "1");
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);
    EXPECT_EQ(got[1].payload, "2");
    EXPECT_EQ(got[1].qos, Qos::ExactlyOnce);
}

GW_STATEMENT("MQTT311-3.1.2-6 MQTT311-3.1.4-3 MQTT311-3.2.2-1", CleanSession1DiscardsWhatIsStored) {
    World world(seed());
    auto client = world.connect("c", stored_v311()).subscribe("t", {.qos = 1});
    client.disconnect();
    auto publisher = world.connect_v311("p").publish("t", "1", {.qos = 1});
    client.reconnect(v311());
    expect_accepted(client, false);
    publisher.publish("t", "2", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{});
    client.subscribe("u", {.qos = 1}).cut();  // and this session is not reused either
    client.reconnect(stored_v311());
    expect_accepted(client, false);
    publisher.publish("u", "3", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{});
}

GW_STATEMENT("MQTT311-3.1.2-7", RetainedMessageOutlivesTheSession) {
    World world(seed());
    world.connect_v311("p").publish("t", "kept", {.qos = 1, .retain = true}).disconnect();
    EXPECT_EQ(world.connect_v311("c").subscribe("t").received(), Messages{"kept"});
}

GW_STATEMENT(
    "MQTT311-3.1.2-18 MQTT311-3.1.2-19 MQTT311-3.1.2-20 MQTT311-3.1.2-21 "
    "MQTT311-3.1.2-22 MQTT311-3.1.4-1",
    FlagsOfUserNameAndPasswordSayWhatIsThere) {
    World world(seed());
    for (const char* rest : {
             "02 003c 'c' 'u'",      // a user name without its flag
             "82 003c 'c'",          // the flag without a user name
             "82 003c 'c' 'u' 'p'",  // a password without its flag
             "c2 003c 'c' 'u'",      // the flag without a password
             "42 003c 'c' 'p'",      // a password without a user name
         })
        expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 " + std::string(rest)));
    expect_accepted(connect_bytes(world, "10 # 'MQTT' 04 c2 003c 'c' 'u' 'p'"));
    expect_accepted(connect_bytes(world, "10 # 'MQTT' 04 82 003c 'd' 'u'"));
}

GW_STATEMENT_CORE("MQTT311-3.1.2-24", SilenceEndsTheConnectionLikeABrokenNetwork) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("will");
    auto client = world.connect_v311(
        "c", {.keepalive_s = 10, .will = WillOptions{.topic = "will", .payload = "gone"}});
    world.advance(seconds(14));
    client.ping();
    world.advance(seconds(14));
    EXPECT_FALSE(client.closed());
    world.advance(seconds(2));
    expect_closed(client);
    EXPECT_EQ(watcher.received(), Messages{"gone"});
}

GW_STATEMENT_CORE("MQTT311-3.1.2-24", KeepAlive0WaitsForever) {
    World world(seed());
    auto client = world.connect_v311("c", {.keepalive_s = 0});
    world.advance(std::chrono::hours(1000));
    EXPECT_FALSE(client.closed());
}

GW_STATEMENT("MQTT311-3.1.3-1 MQTT311-3.1.3-3", PayloadFieldsComeInTheirOrder) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("t");
    auto client = connect_bytes(world, "10 # 'MQTT' 04 c6 003c 'c' 't' 'm' 'u' 'p'");
    expect_accepted(client);
    auto young = world.connect_v311("c");  // 'c' was the client identifier
    expect_closed(client);
    EXPECT_EQ(watcher.received(), Messages{"m"});
    EXPECT_FALSE(young.closed());
    expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 02 003c"));
}

GW_STATEMENT("MQTT311-3.1.3-2", ClientIdNamesTheState) {
    World world(seed());
    auto a = world.connect("a", stored_v311()).subscribe("t/a", {.qos = 1});
    auto b = world.connect("A", stored_v311()).subscribe("t/b", {.qos = 1});
    a.disconnect();
    b.disconnect();
    world.connect_v311("p").publish("t/a", "1", {.qos = 1}).publish("t/b", "2", {.qos = 1});
    a.resume();
    b.resume();
    EXPECT_EQ(a.received(), Messages{"1"});
    EXPECT_EQ(b.received(), Messages{"2"});
}

GW_STATEMENT("MQTT311-3.1.3-4 MQTT311-3.1.3-10 MQTT311-3.1.3-11 MQTT311-3.1.4-1",
             StringsOfConnectAreUtf8) {
    World world(seed());
    for (const char* rest : {"02 003c 0001 ff", "02 003c 0003 eda080", "02 003c 0001 00",
                             "06 003c 'c' 0001 ff 'm'", "82 003c 'c' 0001 ff"})
        expect_cut_off(connect_bytes(world, "10 # 'MQTT' 04 " + std::string(rest)));
}

GW_STATEMENT("MQTT311-3.1.3-5", ClientIdsOf1To23LettersAndDigitsAreTaken) {
    World world(seed());
    for (const char* id : {"0", "z", "A", "abcdefghijklmnopqrstuvw", "ABCDEFGHIJKLMNOPQRSTUVW",
                           "01234567890123456789012", "xyzXYZ0123456789"})
        expect_accepted(world.connect_v311(id));
}

GW_STATEMENT("MQTT311-3.1.3-6", EmptyClientIdGetsOneOfItsOwn) {
    World world(seed());
    auto a = world.connect_v311(""), b = world.connect_v311("");
    expect_accepted(a);
    expect_accepted(b);
    a.subscribe("t");
    b.publish("t", "1");
    EXPECT_EQ(a.received(), Messages{"1"});
}

GW_STATEMENT("MQTT311-3.1.3-7 MQTT311-3.1.3-8 MQTT311-3.1.3-9 MQTT311-3.2.2-4 MQTT311-3.2.2-5",
             EmptyClientIdNeedsCleanSession) {
    World world(seed());
    expect_return_code(world.connect("", stored_v311()), 2);
}

GW_STATEMENT("MQTT311-3.1.4-1", ConnectThatBreaksTheFormatIsCutOff) {
    World world(seed());
    for (const char* bytes :
         {"10 # 'MQTT' 04 02 003c 'c' 00", "10 # 'MQTT' 04 02 00", "10 # 'MQTT' 04",
          "11 # 'MQTT' 04 02 003c 'c'", "10 # 'MQTT' 04 02 003c 0005 63"})
        expect_cut_off(connect_bytes(world, bytes));
}

GW_STATEMENT("MQTT311-3.1.4-1 MQTT311-3.2.2-6", WhereNoReturnCodeFitsItOnlyCloses) {
    World world(seed());
    for (const char* topic : {"'a/#'", "'+'", "''"})  // a will topic that is none
        expect_cut_off(
            connect_bytes(world, "10 # 'MQTT' 04 06 003c 'c' " + std::string(topic) + " 'm'"));
}

GW_STATEMENT("MQTT311-3.1.4-2", NewerConnectionEndsTheOlder) {
    World world(seed());
    auto old = world.connect("c", stored_v311()).subscribe("t", {.qos = 1});
    auto young = world.connect("c", stored_v311());
    expect_closed(old);
    EXPECT_EQ(old.types(), (Types{Type::Connack, Type::Suback}));
    expect_accepted(young, true);
    world.connect_v311("p").publish("t", "1", {.qos = 1});
    EXPECT_EQ(young.received(), Messages{"1"});
    EXPECT_EQ(old.received(), Messages{});
}

GW_STATEMENT("MQTT311-3.1.4-4 MQTT311-3.2.0-1", AcceptedConnectIsAnsweredFirst) {
    World world(seed());
    auto client = world.connect("c", stored_v311()).subscribe("t", {.qos = 1});
    client.disconnect();
    world.connect_v311("p").publish("t", "waiting", {.qos = 1});
    client.resume();
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Publish}));
    expect_accepted(client, true);
}

GW_STATEMENT("MQTT311-3.1.4-5", NothingAfterARefusedConnectIsHandled) {
    World world(seed());
    auto watcher = world.connect_v311("w").subscribe("#");
    Buffer bytes = packet("10 # 'MQTT' 04 00 003c ''");
    put_bytes(bytes, packet("30 # 't' 31"));
    auto client = world.dial(v311());
    client.connect_bytes(bytes);
    expect_return_code(client, 2);
    watcher.publish("mark", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT311-3.1.4-4 MQTT311-3.1.4-5", PacketsSentWithConnectAreHandledAfterIt) {
    World world(seed());
    Buffer bytes = world::connect_packet("c", v311());
    put_bytes(bytes, packet("82 # 0001 't' 00"));
    put_bytes(bytes, packet("30 # 't' 31"));
    auto client = world.dial(v311());
    client.connect_bytes(bytes);
    EXPECT_EQ(client.received(), Messages{"1"});
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Suback, Type::Publish}));
}

GW_STATEMENT_CORE("MQTT311-3.2.2-4 MQTT311-3.2.2-5", RefusedIdentityGetsItsReturnCode) {
    World world(seed(),
                {.options = {.listeners = {{.allow_anonymous = false, .check_password = true}}},
                 .authenticator = [](const broker::AuthRequest& ask) {
                     return AuthAnswer{ask.username == "barred" ? R::NotAuthorized
                                                                : R::BadUserNameOrPassword};
                 }});
    expect_return_code(world.connect_v311("a", {.username = "u", .password = "p"}), 4);
    expect_return_code(world.connect_v311("b", {.username = "barred", .password = "p"}), 5);
    expect_return_code(world.connect_v311("c"), 5);
}

}  // namespace
}  // namespace godwit::conformance
