// MQTT 5.0 section 3.1: CONNECT.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-3.1.0-1", FirstPacketMustBeConnect) {
    World world(seed());
    for (const char* bytes : {"c0 00", "30 # 't' ()", "82 # 0001 () 't' 00", "e0 00", "f0 00",
                              "20 # 00 00 ()", "00 00"}) {
        auto client = world.dial();
        client.push(packet(bytes));
        expect_cut_off(client);
    }
}

GW_STATEMENT("MQTT5-3.1.0-2", SecondConnectIsAProtocolError) {
    World world(seed());
    auto client = world.connect("c");
    client.push(world::connect_packet("c", {}));
    expect_disconnect(client, R::ProtocolError);
}

GW_STATEMENT("MQTT5-3.1.2-1", UnknownProtocolNameIsRefused) {
    World world(seed());
    for (const char* name : {"'MQTX'", "'mqtt'", "''", "'MQTTT'"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # " + std::string(name) + " 05 02 003c () 'c'"));
        expect_refused(client, R::UnsupportedProtocolVersion);
    }
}

GW_STATEMENT("MQTT5-3.1.2-2", UnknownProtocolVersionIsRefused) {
    World world(seed());
    for (const char* level : {"06", "07", "7f"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # 'MQTT' " + std::string(level) + " 02 003c () 'c'"));
        expect_refused(client, R::UnsupportedProtocolVersion);
    }
}

GW_STATEMENT("MQTT5-3.1.2-3 MQTT5-3.1.4-1", ReservedConnectFlagIsMalformed) {
    World world(seed());
    auto client = world.dial();
    client.connect_bytes(packet("10 # 'MQTT' 05 03 003c () 'c'"));
    expect_refused(client, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-3.1.2-4 MQTT5-3.1.4-4 MQTT5-3.2.2-2", CleanStartDiscardsTheSession) {
    World world(seed());
    auto client = world.connect("c", lasting()).subscribe("t", {.qos = 1}).disconnect();
    auto publisher = world.connect("p").publish("t", "old", {.qos = 1});
    client.reconnect(lasting());
    EXPECT_FALSE(client.session_present());
    publisher.publish("t", "unsubscribed", {.qos = 1});
    client.subscribe("mark").publish("mark", "mark");
    EXPECT_EQ(client.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-3.1.2-5 MQTT5-3.1.4-4 MQTT5-3.2.2-3 MQTT5-3.1.2-23 MQTT5-3.1.3-2",
             WithoutCleanStartTheSessionGoesOn) {
    World world(seed());
    auto client = world.connect("c", lasting()).subscribe("t", {.qos = 1}).disconnect();
    auto other = world.connect("other", next_time(lasting()));
    world.connect("p").publish("t", "kept", {.qos = 1});
    client.resume();
    EXPECT_TRUE(client.session_present());
    EXPECT_EQ(client.received(), Messages{"kept"});
    EXPECT_FALSE(other.session_present());  // another id, another session
    EXPECT_EQ(other.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.1.2-6 MQTT5-3.2.2-3", WithoutASessionANewOneIsMade) {
    World world(seed());
    auto client = world.connect("c", next_time(lasting()));
    EXPECT_FALSE(client.session_present());
    client.subscribe("t", {.qos = 1}).resume();
    EXPECT_TRUE(client.session_present());
}

GW_STATEMENT("MQTT5-3.1.2-9", WillFlagNeedsPropertiesTopicAndPayload) {
    World world(seed());
    for (const char* payload : {"'c'", "'c' ()", "'c' () 't'", "'c' 't' 'p'"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # 'MQTT' 05 06 003c () " + std::string(payload)));
        expect_refused(client, R::MalformedPacket);
    }
    auto whole = world.dial();
    whole.connect_bytes(packet("10 # 'MQTT' 05 06 003c () 'c' () 't' 'p'"));
    EXPECT_EQ(whole.connack_reason(), R::Success);
}

GW_STATEMENT("MQTT5-3.1.2-11 MQTT5-3.1.2-12 MQTT5-3.1.2-13", WillFlagsMustFitTogether) {
    World world(seed());
    // QoS 1 without a will, QoS 2 without a will, QoS 3, retain without a will
    for (const char* rest :
         {"0a 003c () 'c'", "12 003c () 'c'", "1e 003c () 'c' () 't' 'p'", "22 003c () 'c'"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # 'MQTT' 05 " + std::string(rest)));
        expect_refused(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-3.1.2-16 MQTT5-3.1.2-17 MQTT5-3.1.2-18 MQTT5-3.1.2-19",
             UserNameAndPasswordAreThereAsTheFlagsSay) {
    World world(seed());
    // a user name too many, one too few, a password too many, one too few
    for (const char* rest : {"02 003c () 'c' 'u'", "82 003c () 'c'", "82 003c () 'c' 'u' 'p'",
                             "c2 003c () 'c' 'u'", "42 003c () 'c'", "02 003c () 'c' 'u' 'p'"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # 'MQTT' 05 " + std::string(rest)));
        expect_refused(client, R::MalformedPacket);
    }
    for (const char* rest :
         {"82 003c () 'c' 'u'", "c2 003c () 'c' 'u' 'p'", "42 003c () 'c' 'p'"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # 'MQTT' 05 " + std::string(rest)));
        EXPECT_EQ(client.connack_reason(), R::Success) << rest;
    }
}

GW_STATEMENT_CORE("MQTT5-3.1.2-22 MQTT5-3.2.2-22", SilenceBeyondOneAndAHalfKeepAlivesCloses) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("will");
    auto client = world.connect(
        "c", {.keepalive_s = 10, .will = WillOptions{.topic = "will", .payload = "w"}});
    EXPECT_FALSE(client.connack().server_keepalive_s.has_value());
    world.advance(seconds(14));
    client.ping();
    world.advance(seconds(14));
    EXPECT_FALSE(client.closed());
    world.advance(seconds(2));
    expect_disconnect(client, R::KeepAliveTimeout);
    EXPECT_EQ(watcher.received(), Messages{"w"});  // as if the network had failed
}

GW_STATEMENT_CORE("MQTT5-3.1.2-22", AnyPacketCountsAgainstSilence) {
    World world(seed());
    auto client = world.connect("c", {.keepalive_s = 10});
    for (int i = 0; i < 5; ++i) {
        world.advance(seconds(12));
        client.publish("t", "x");
    }
    EXPECT_FALSE(client.closed());
}

GW_STATEMENT_CORE("MQTT5-3.2.2-22", KeepAliveZeroNeverEnds) {
    World world(seed());
    auto client = world.connect("c", {.keepalive_s = 0});
    world.advance(std::chrono::hours(100));
    EXPECT_FALSE(client.closed());
}

GW_STATEMENT_CORE("MQTT5-3.1.2-22 MQTT5-3.2.2-22", ServerKeepAliveReplacesTheClients) {
    World world(seed(), {.options = {.limits = {.keepalive_max_s = 20}}});
    auto none = world.connect("none", {.keepalive_s = 0});
    auto more = world.connect("more", {.keepalive_s = 100});
    auto less = world.connect("less", {.keepalive_s = 5});
    EXPECT_EQ(none.connack().server_keepalive_s, 20);
    EXPECT_EQ(more.connack().server_keepalive_s, 20);
    EXPECT_EQ(less.connack().server_keepalive_s, std::nullopt);
    world.advance(seconds(29));
    EXPECT_FALSE(none.closed());
    EXPECT_TRUE(less.closed());
    world.advance(seconds(2));
    EXPECT_TRUE(none.closed());
    EXPECT_TRUE(more.closed());
}

GW_STATEMENT("MQTT5-3.1.2-24 MQTT5-3.1.2-25", PacketTooLargeForTheClientIsLeftOut) {
    World world(seed());
    auto small = world.connect("small", {.packet_bytes_max = 60}).subscribe("t", {.qos = 2});
    auto large = world.connect("large").subscribe("t", {.qos = 2});
    auto publisher = world.connect("p");
    for (const uint8_t qos : {0, 1, 2}) {
        publisher.publish("t", std::string(100, 'x'), {.qos = qos});
        publisher.publish("t", "fits", {.qos = qos});
    }
    EXPECT_EQ(small.received(), (Messages{"fits", "fits", "fits"}));
    EXPECT_EQ(large.received().size(), 6u);
    EXPECT_FALSE(small.closed());
}

GW_STATEMENT("MQTT5-3.1.2-24 MQTT5-3.1.2-25", PublishOfExactlyTheMaximumFits) {
    World world(seed());
    auto client = world.connect("c", {.packet_bytes_max = 60}).subscribe("t");
    // header 2, topic 3, property length 1
    client.publish("t", std::string(54, 'x')).publish("t", std::string(55, 'x'));
    ASSERT_EQ(client.received().size(), 1u);
    EXPECT_EQ(client.last(Type::Publish)->size(), 60u);
}

GW_STATEMENT("MQTT5-3.1.2-28", NoResponseInformationUnasked) {
    World world(seed());
    auto client = world.connect("c", {.request_response_information = false});
    EXPECT_EQ(client.connack().response_information, "");
}

GW_STATEMENT_CORE("MQTT5-3.1.2-28", ResponseInformationOnlyWhereItIsAskedFor) {
    World world(seed(), {.options = {.response_information = "replies/"}});
    auto without = world.connect("a", {.request_response_information = false});
    auto with = world.connect("b", {.request_response_information = true});
    EXPECT_EQ(without.connack().response_information, "");
    EXPECT_EQ(with.connack().response_information, "replies/");
}

GW_STATEMENT("MQTT5-3.1.2-29", NoReasonStringsWhereProblemInformationIsOff) {
    World world(seed());
    const ConnectOptions terse{.request_problem_information = false};
    auto client = world.connect("c", terse).subscribe({"t", "$share/g/t"}, {.qos = 2});
    client.publish("none", "1", {.qos = 1}).publish("none", "1", {.qos = 2}).unsubscribe("nothing");
    client.pubrel(99);
    for (const Type type : {Type::Puback, Type::Pubrec, Type::Pubcomp}) {
        EXPECT_EQ(client.last(type)->ack().reason_string, "");
        EXPECT_TRUE(client.last(type)->ack().user_properties.empty());
    }
    EXPECT_EQ(client.last(Type::Suback)->suback().reason_string, "");
    EXPECT_EQ(client.last(Type::Unsuback)->unsuback().reason_string, "");
    client.publish("t", "kept", {.properties = {.user_properties = {{"k", "v"}}}});
    const auto got = client.publishes();
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got.back().user_properties, (Pairs{{"k", "v"}}));
}

GW_STATEMENT("MQTT5-3.1.3-1 MQTT5-3.1.3-3", PayloadFieldsComeInTheirOrder) {
    World world(seed());
    auto whole = world.dial();  // client id, will properties, topic, payload, user name, password
    whole.connect_bytes(packet("10 # 'MQTT' 05 c6 003c () 'c' () 't' 'p' 'u' 'x'"));
    EXPECT_EQ(whole.connack_reason(), R::Success);
    auto watcher = world.connect("w").subscribe("t");
    whole.cut();
    EXPECT_EQ(watcher.received(), Messages{"p"});
    auto without = world.dial();
    without.connect_bytes(packet("10 # 'MQTT' 05 02 003c ()"));
    expect_refused(without, R::MalformedPacket);
}

GW_STATEMENT("MQTT5-3.1.3-4 MQTT5-3.1.3-11 MQTT5-3.1.3-12", StringsOfConnectAreUtf8) {
    World world(seed());
    for (const char* rest :
         {"02 003c () 0001 ff", "06 003c () 'c' () 0001 ff 'p'", "82 003c () 'c' 0001 ff",
          "02 003c () 0002 c3", "02 003c () 0003 eda080"}) {
        auto client = world.dial();
        client.connect_bytes(packet("10 # 'MQTT' 05 " + std::string(rest)));
        expect_refused(client, R::MalformedPacket);
    }
}

GW_STATEMENT("MQTT5-3.1.3-5", ClientIdsOfOneTo23LettersAndDigitsAreTaken) {
    World world(seed());
    for (const char* id : {"0", "z", "A", "abcdefghijklmnopqrstuvw", "ABCDEFGHIJKLMNOPQRSTUVW",
                           "01234567890123456789012", "xyzXYZ0123456789"}) {
        auto client = world.connect(id);
        EXPECT_EQ(client.connack_reason(), R::Success);
        EXPECT_EQ(client.connack().assigned_client_id, "");
    }
}

GW_STATEMENT("MQTT5-3.1.3-5", LongAndOddClientIdsAreTakenToo) {
    World world(seed());
    const std::string longer(60'000, 'x');
    for (const std::string& id :
         {longer, std::string("a/b+c#"), std::string("\xc3\xa9 \xe2\x82\xac")})
        EXPECT_EQ(world.connect(id).connack_reason(), R::Success);
}

GW_STATEMENT("MQTT5-3.1.3-6 MQTT5-3.1.3-7 MQTT5-3.2.2-16", EmptyClientIdGetsAFreshOne) {
    World world(seed());
    auto a = world.connect("", lasting()), b = world.connect("", lasting());
    const std::string id = a.broker_id();
    EXPECT_NE(id, "");
    EXPECT_NE(id, b.broker_id());
    EXPECT_FALSE(a.closed());
    a.subscribe("t", {.qos = 1}).disconnect();
    auto again =
        world.connect(id, next_time(lasting()));  // as if it had been its own from the start
    EXPECT_TRUE(again.session_present());
}

GW_STATEMENT("MQTT5-3.1.3-8", RefusedClientIdIsToldAndClosed) {
    World world(seed());
    // 3.1 knows no empty client id; 5.0 refuses none
    auto client = world.connect("", {.version = Version::V31});
    expect_refused(client, R::ClientIdentifierNotValid);
}

GW_STATEMENT("MQTT5-3.1.4-1 MQTT5-4.13.1-1", ConnectIsValidated) {
    World world(seed());
    auto malformed = world.dial();
    malformed.connect_bytes(packet("10 # 'MQTT' 05 02 003c ( 11 0000 ) 'c'"));
    expect_refused(malformed, R::MalformedPacket);
    auto twice = world.dial();
    twice.connect_bytes(packet("10 # 'MQTT' 05 02 003c ( 21 0001 21 0001 ) 'c'"));
    expect_refused(twice, R::ProtocolError);
    auto wildcard = world.connect("c", {.will = WillOptions{.topic = "a/#"}});
    expect_refused(wildcard, R::TopicNameInvalid);
}

GW_STATEMENT_CORE("MQTT5-3.1.4-2", FailedAuthenticationCloses) {
    World world(seed(),
                {.options = {.listeners = {{.allow_anonymous = false, .check_password = true}}},
                 .authenticator = [](const broker::AuthRequest&) {
                     return AuthAnswer{R::BadUserNameOrPassword};
                 }});
    expect_refused(world.connect("c", {.username = "u", .password = "p"}),
                   R::BadUserNameOrPassword);
    expect_refused(world.connect("c"), R::NotAuthorized);
}

GW_STATEMENT("MQTT5-3.1.4-3", TakeOverTellsTheOldConnectionAndClosesIt) {
    World world(seed());
    auto old = world.connect("c", lasting()).subscribe("t", {.qos = 1});
    auto young = world.connect("c", next_time(lasting()));
    expect_disconnect(old, R::SessionTakenOver);
    EXPECT_TRUE(young.session_present());
    world.connect("p").publish("t", "1", {.qos = 1});
    EXPECT_EQ(young.received(), Messages{"1"});
    EXPECT_EQ(old.received(), Messages{});
}

GW_STATEMENT("MQTT5-3.1.4-3", TakeOverFromAnOlderVersionOnlyCloses) {
    World world(seed());
    auto old = world.connect_v311("c");
    auto young = world.connect("c");
    EXPECT_TRUE(old.closes());
    EXPECT_EQ(old.types(), Types{Type::Connack});
    EXPECT_FALSE(young.closed());
}

GW_STATEMENT("MQTT5-3.1.4-5 MQTT5-3.2.0-2", AcceptedConnectIsAnsweredOnce) {
    World world(seed());
    auto client = world.connect("c").subscribe("t").ping();
    EXPECT_EQ(client.connack_reason(), R::Success);
    EXPECT_EQ(client.count(Type::Connack), 1u);
}

GW_STATEMENT("MQTT5-3.1.4-6 MQTT5-3.2.2-7", NothingAfterARefusedConnectIsHandled) {
    World world(seed());
    auto watcher = world.connect("w").subscribe("#");
    auto client = world.dial();
    Buffer bytes = world::connect_packet("c", {.will = WillOptions{.topic = "#"}});
    put_bytes(bytes, packet("30 # 't' () 31"));
    client.connect_bytes(bytes);
    expect_refused(client, R::TopicNameInvalid);
    watcher.publish("mark", "mark");
    EXPECT_EQ(watcher.received(), Messages{"mark"});
}

GW_STATEMENT("MQTT5-3.1.4-6", PacketsSentWithConnectAreHandledAfterIt) {
    World world(seed());
    auto client = world.dial();
    Buffer bytes = world::connect_packet("c", {});
    put_bytes(bytes, packet("82 # 0001 () 't' 00"));
    put_bytes(bytes, packet("30 # 't' () 31"));
    client.connect_bytes(bytes);
    EXPECT_EQ(client.received(), Messages{"1"});
    EXPECT_EQ(client.types(), (Types{Type::Connack, Type::Suback, Type::Publish}));
}

}  // namespace
}  // namespace godwit::conformance
