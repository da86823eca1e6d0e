#include "client/client_protocol.h"

#include "client/test_server.h"
#include "mqtt/malformed_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::client {
namespace {

using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using namespace std::chrono_literals;

Login login(Version version = Version::V5) {
    return {.version = version, .client_id = "c"};
}

/// A client whose session outlives its connections.
Login durable_login() {
    return {.client_id = "c", .clean_start = false};
}

Login login_with(const mqtt::Property& property) {
    Login made = login();
    mqtt::put_property(made.properties, property);
    return made;
}

Message message(std::string topic, Qos qos = Qos::AtMostOnce) {
    return {.topic = std::move(topic), .payload = "p", .qos = qos};
}

/// A client and the server it talks to.
struct Pair {
    explicit Pair(Login with = login(), ProtocolLimits limits = {})
        : client(std::move(with), limits) {}
    ClientProtocol client;
    TestServer server{client};
};

// --- the connection ---

TEST(ClientProtocol, BeginsWithConnect) {
    Pair pair;
    pair.client.begin(pair.server.now);
    EXPECT_THAT(pair.server.sent(), ElementsAre("CONNECT c"));
    EXPECT_FALSE(pair.client.is_connected());
}

TEST(ClientProtocol, IsConnectedByAConnackInEveryVersion) {
    for (const Version version : {Version::V31, Version::V311, Version::V5}) {
        Pair pair(login(version));
        EXPECT_EQ(pair.server.accept().told(), "connected");
        EXPECT_TRUE(pair.client.is_connected());
    }
}

TEST(ClientProtocol, ReadsAPacketInPieces) {
    Pair pair;
    pair.client.begin(pair.server.now);
    Buffer connack;
    mqtt::encode_connack(connack, Version::V5, {.assigned_client_id = "new"});
    for (const uint8_t& byte : connack) {
        EXPECT_EQ(pair.server.told(), "");
        pair.server.write(Bytes(&byte, 1));
    }
    EXPECT_EQ(pair.server.told(), "connected");
}

TEST(ClientProtocol, TellsWhyItWasRefused) {
    Pair pair;
    pair.server.accept({.reason = ReasonCode::NotAuthorized, .reason_string = "who are you"});
    EXPECT_EQ(pair.server.told(), "ended 0: not_authorized who are you");
    Pair old(login(Version::V311));
    old.server.accept({.reason = ReasonCode::BadUserNameOrPassword});
    EXPECT_EQ(old.server.told(), "ended 0: bad_user_name_or_password ");
}

TEST(ClientProtocol, TellsWhyTheServerLeft) {
    Pair pair;
    pair.server.accept().write([](Buffer& out) {
        mqtt::encode_disconnect(out, Version::V5, {.reason = ReasonCode::SessionTakenOver});
    });
    EXPECT_EQ(pair.server.told(), "connected, ended 1: session_taken_over ");
    pair.server.publish({.topic = "t"});
    EXPECT_EQ(pair.server.told(), "");
}

TEST(ClientProtocol, AnswersNothingAfterItsOwnDisconnect) {
    Pair pair;
    pair.server.accept();
    pair.client.disconnect({});
    EXPECT_THAT(pair.server.sent(), ElementsAre("DISCONNECT success"));
    pair.server.told();
    pair.server.publish({.qos = Qos::AtLeastOnce, .topic = "t", .packet_id = {1}});
    EXPECT_EQ(pair.server.told(), "");
    EXPECT_THAT(pair.server.sent(), IsEmpty());
    EXPECT_FALSE(pair.client.publish(message("t")));
}

// --- keep alive ---

TEST(ClientProtocol, PingsAfterItsKeepAliveOfSilence) {
    Pair pair;
    pair.server.accept();
    const Instant due = *pair.client.next_deadline();
    EXPECT_EQ(due, pair.server.now + 60s);
    EXPECT_FALSE(pair.client.tick(due - 1ns));
    EXPECT_THAT(pair.server.sent(), IsEmpty());
    EXPECT_FALSE(pair.client.tick(due));
    EXPECT_THAT(pair.server.sent(), ElementsAre("PINGREQ"));
}

TEST(ClientProtocol, WhatItSendsPutsThePingOff) {
    Pair pair;
    pair.server.accept();
    pair.server.now += 50s;
    ASSERT_TRUE(pair.client.publish(message("t")));
    pair.server.sent();
    EXPECT_EQ(*pair.client.next_deadline(), pair.server.now + 60s);
}

TEST(ClientProtocol, TheServersKeepAliveCounts) {
    Pair pair;
    pair.server.accept({.server_keepalive_s = uint16_t(10)});
    EXPECT_EQ(*pair.client.next_deadline(), pair.server.now + 10s);
    Pair none;
    none.server.accept({.server_keepalive_s = uint16_t(0)});
    EXPECT_FALSE(none.client.next_deadline());
}

TEST(ClientProtocol, APingWithoutAnswerIsTheEnd) {
    Pair pair;
    pair.server.accept().told();
    EXPECT_FALSE(pair.client.tick(*pair.client.next_deadline()));
    const auto end = pair.client.tick(*pair.client.next_deadline());
    ASSERT_TRUE(end);
    EXPECT_EQ(std::get<Ended>(*end).cause, EndCause::KeepAliveTimeout);

    Pair answered;
    answered.server.accept();
    EXPECT_FALSE(answered.client.tick(*answered.client.next_deadline()));
    answered.server.write([](Buffer& out) { mqtt::encode_pingresp(out); });
    EXPECT_FALSE(answered.client.tick(answered.server.now + 61s));
}

// --- publishing ---

TEST(ClientProtocol, PublishesAtEachQos) {
    Pair pair;
    pair.server.accept().told();
    EXPECT_EQ(pair.client.publish(message("a"))->value, 0);
    EXPECT_EQ(pair.client.publish(message("b", Qos::AtLeastOnce))->value, 1);
    EXPECT_EQ(pair.client.publish(message("c", Qos::ExactlyOnce))->value, 2);
    EXPECT_THAT(pair.server.sent(),
                ElementsAre("PUBLISH 0 q0 a=p", "PUBLISH 1 q1 b=p", "PUBLISH 2 q2 c=p"));
    EXPECT_EQ(pair.client.unacknowledged(), 2u);
    EXPECT_EQ(pair.server.puback(1).told(), "published 1 success");
    EXPECT_EQ(pair.server.pubrec(2).told(), "");
    EXPECT_THAT(pair.server.sent(), ElementsAre("PUBREL 2 success"));
    EXPECT_EQ(pair.server.pubcomp(2).told(), "published 2 success");
    EXPECT_EQ(pair.client.unacknowledged(), 0u);
}

TEST(ClientProtocol, TellsThatAMessageWasRefused) {
    Pair pair;
    pair.server.accept().told();
    ASSERT_TRUE(pair.client.publish(message("b", Qos::AtLeastOnce)));
    ASSERT_TRUE(pair.client.publish(message("c", Qos::ExactlyOnce)));
    pair.server.sent();
    EXPECT_EQ(pair.server.puback(1, ReasonCode::NotAuthorized).told(),
              "published 1 not_authorized");
    EXPECT_EQ(pair.server.pubrec(2, ReasonCode::QuotaExceeded).told(),
              "published 2 quota_exceeded");
    EXPECT_THAT(pair.server.sent(), IsEmpty());  // no PUBREL for it
}

TEST(ClientProtocol, KeepsToTheServersReceiveMaximum) {
    Pair pair;
    pair.server.accept({.receive_maximum = uint16_t(2)});
    EXPECT_TRUE(pair.client.publish(message("1", Qos::AtLeastOnce)));
    EXPECT_TRUE(pair.client.publish(message("2", Qos::ExactlyOnce)));
    EXPECT_EQ(pair.client.publish(message("3", Qos::AtLeastOnce)).error(), SendError::WindowFull);
    EXPECT_TRUE(pair.client.publish(message("4")));
    pair.server.pubrec(2);
    EXPECT_TRUE(pair.client.window_is_full());  // until PUBCOMP
    pair.server.pubcomp(2);
    EXPECT_TRUE(pair.client.publish(message("3", Qos::AtLeastOnce)));
}

TEST(ClientProtocol, KeepsToItsOwnWindow) {
    Pair pair(login(), {.inflight_max = 1});
    pair.server.accept();
    EXPECT_TRUE(pair.client.publish(message("1", Qos::AtLeastOnce)));
    EXPECT_EQ(pair.client.publish(message("2", Qos::AtLeastOnce)).error(), SendError::WindowFull);
}

TEST(ClientProtocol, RefusesWhatTheServerDoesNotTake) {
    Pair pair;
    EXPECT_EQ(pair.client.publish(message("t")).error(), SendError::NotConnected);
    pair.server.accept({.maximum_qos = Qos::AtLeastOnce,
                        .retain_available = false,
                        .packet_bytes_max = 100,
                        .topic_alias_maximum = uint16_t(3)});
    Message retained = message("t"), large = message("t"), alias = message("t");
    retained.retain = true;
    large.payload = std::string(100, 'x');
    alias.topic_alias = 4;
    EXPECT_EQ(pair.client.publish(retained).error(), SendError::RetainNotSupported);
    EXPECT_EQ(pair.client.publish(large).error(), SendError::TooLarge);
    EXPECT_EQ(pair.client.publish(alias).error(), SendError::AliasNotAllowed);
    EXPECT_EQ(pair.client.publish(message("t", Qos::ExactlyOnce)).error(),
              SendError::QosNotSupported);
    EXPECT_EQ(pair.client.publish(message("a/#")).error(), SendError::BadTopic);
    const mqtt::SubscribeEntry long_filter{.filter = large.payload};
    EXPECT_EQ(pair.client.subscribe({.entries = std::span(&long_filter, 1)}).error(),
              SendError::TooLarge);
    EXPECT_THAT(pair.server.sent(), IsEmpty());
}

TEST(ClientProtocol, TellsATopicAliasOnceAConnection) {
    Pair pair;
    Message with_alias = message("t");
    with_alias.topic_alias = 3;
    for (int connection = 0; connection < 2; ++connection) {
        pair.server.accept({.topic_alias_maximum = uint16_t(3)});
        ASSERT_TRUE(pair.client.publish(with_alias));
        ASSERT_TRUE(pair.client.publish(with_alias));
        EXPECT_THAT(pair.server.sent(),
                    ElementsAre("PUBLISH 0 q0 t=p alias 3", "PUBLISH 0 q0 =p alias 3"));
    }
}

TEST(ClientProtocol, PacketIdsWrapAndMeetNoneInUse) {
    Pair pair;
    pair.server.accept();
    ASSERT_TRUE(pair.client.publish(message("kept", Qos::AtLeastOnce)));  // 1 stays in use
    for (uint32_t id = 2; id <= 65535; ++id) {
        ASSERT_EQ(pair.client.publish(message("t", Qos::AtLeastOnce))->value, id);
        pair.client.output_taken(pair.server.now);
        pair.server.puback(uint16_t(id));
    }
    EXPECT_EQ(pair.client.publish(message("t", Qos::AtLeastOnce))->value, 2);
}

// --- sessions ---

TEST(ClientProtocol, AResumedSessionGetsWhatIsUnacknowledgedAgainInOrder) {
    Pair pair(durable_login());
    pair.server.accept();
    for (const char* topic : {"a", "b", "c"})
        ASSERT_TRUE(pair.client.publish(message(topic, Qos::ExactlyOnce)));
    pair.server.pubrec(2).sent();
    pair.server.accept({.session_present = true});
    EXPECT_THAT(pair.server.sent(),
                ElementsAre("PUBREL 2 success", "PUBLISH 1 q2 dup a=p", "PUBLISH 3 q2 dup c=p"));
}

TEST(ClientProtocol, ALostSessionGetsItAsNew) {
    Pair pair(durable_login());
    pair.server.accept().told();
    ASSERT_TRUE(pair.client.publish(message("a", Qos::AtLeastOnce)));
    ASSERT_TRUE(pair.client.publish(message("b", Qos::ExactlyOnce)));
    pair.server.pubrec(2).sent();
    pair.server.accept({.session_present = false});
    EXPECT_THAT(pair.server.sent(), ElementsAre("PUBLISH 1 q1 a=p"));
    EXPECT_EQ(pair.server.told(), "connected, published 2 success");  // it had been taken
}

TEST(ClientProtocol, AResumedSessionKeepsToTheNewWindow) {
    Pair pair(durable_login());
    pair.server.accept();
    for (const char* topic : {"a", "b", "c"})
        ASSERT_TRUE(pair.client.publish(message(topic, Qos::AtLeastOnce)));
    pair.server.sent();
    pair.server.accept({.session_present = true, .receive_maximum = uint16_t(1)});
    EXPECT_THAT(pair.server.sent(), ElementsAre("PUBLISH 1 q1 dup a=p"));
    pair.server.puback(1);
    EXPECT_THAT(pair.server.sent(), ElementsAre("PUBLISH 2 q1 dup b=p"));
}

TEST(ClientProtocol, ASessionAfterACleanStartIsAFault) {
    Pair pair;
    pair.server.accept({.session_present = true});
    EXPECT_THAT(pair.server.told(), StartsWith("ended 2: protocol_error"));
}

// --- receiving ---

TEST(ClientProtocol, ReceivesAtEachQosAndAcknowledges) {
    Pair pair;
    pair.server.accept().told();
    pair.server.publish({.topic = "a"});
    pair.server.publish({.qos = Qos::AtLeastOnce, .topic = "b", .packet_id = {7}});
    pair.server.publish({.qos = Qos::ExactlyOnce, .topic = "c", .packet_id = {8}}).pubrel(8);
    EXPECT_EQ(pair.server.told(), "received a=x, received b=x, received c=x");
    EXPECT_THAT(pair.server.sent(),
                ElementsAre("PUBACK 7 success", "PUBREC 8 success", "PUBCOMP 8 success"));
}

TEST(ClientProtocol, ReceivesAQos2MessageOnce) {
    Pair pair(durable_login());
    pair.server.accept().told();
    pair.server.publish({.qos = Qos::ExactlyOnce, .topic = "c", .packet_id = {8}});
    pair.server.accept({.session_present = true});
    pair.server.publish({.dup = true, .qos = Qos::ExactlyOnce, .topic = "c", .packet_id = {8}});
    EXPECT_EQ(pair.server.told(), "received c=x, connected");
    pair.server.pubrel(8).publish({.qos = Qos::ExactlyOnce, .topic = "c", .packet_id = {8}});
    EXPECT_EQ(pair.server.told(), "received c=x");  // a new one under the same id
}

TEST(ClientProtocol, AnswersAcksOfAMessageItDoesNotKnow) {
    Pair pair(durable_login());
    pair.server.accept({.session_present = true}).told();
    pair.server.pubrel(5).pubrec(6).puback(7).pubcomp(8);
    EXPECT_EQ(pair.server.told(), "");
    EXPECT_THAT(pair.server.sent(), ElementsAre("PUBCOMP 5 packet_identifier_not_found",
                                                "PUBREL 6 packet_identifier_not_found"));
}

TEST(ClientProtocol, ResolvesTopicAliases) {
    Pair pair(login_with({.id = mqtt::PropertyId::TopicAliasMaximum, .number = 2}));
    pair.server.accept().told();
    pair.server.publish({.topic = "long/topic", .topic_alias = 2}).publish({.topic_alias = 2});
    EXPECT_EQ(pair.server.told(), "received long/topic=x, received long/topic=x");
}

TEST(ClientProtocol, SubscribesAndUnsubscribes) {
    Pair pair;
    pair.server.accept().told();
    const std::vector<mqtt::SubscribeEntry> entries = {{.filter = "a"}, {.filter = "b/#"}};
    EXPECT_EQ(pair.client.subscribe({.entries = entries})->value, 1);
    const std::vector<std::string_view> filters = {"a"};
    EXPECT_EQ(pair.client.unsubscribe({.filters = filters})->value, 2);
    EXPECT_THAT(pair.server.sent(), ElementsAre("SUBSCRIBE 1 a b/#", "UNSUBSCRIBE 2"));
    pair.server.suback(1, {0, 0x87});
    const Buffer success = {0};
    pair.server.write([&](Buffer& out) {
        mqtt::encode_unsuback(out, Version::V5, {.packet_id = {2}, .reasons = success});
    });
    EXPECT_EQ(pair.server.told(), "subscribed 1, unsubscribed 2");
}

// --- a server that breaks the rules ---

/// What the client says and does about it.
std::string reaction(Pair& pair) {
    std::string text = pair.server.told();
    for (const std::string& line : pair.server.sent()) text += " | " + line;
    EXPECT_FALSE(pair.client.is_connected());
    return text;
}

TEST(HostileServer, MayNotBeginWithAnythingButConnack) {
    Pair pair;
    pair.client.begin(pair.server.now);
    pair.server.sent();
    EXPECT_THAT(reaction((pair.server.publish({.topic = "t"}), pair)),
                StartsWith("ended 2: protocol_error the first packet"));
}

TEST(HostileServer, IsToldWhyItWasLeft) {
    Pair pair;
    pair.server.accept().accept().told();
    pair.server.write([](Buffer& out) { mqtt::encode_connack(out, Version::V5, {}); });
    EXPECT_EQ(reaction(pair),
              "ended 2: protocol_error CONNACK for the second time"
              " | DISCONNECT protocol_error");
}

TEST(HostileServer, OfVersion3IsLeftWithoutAWord) {
    Pair pair(login(Version::V311));
    pair.server.accept().told();
    pair.server.write([](Buffer& out) { mqtt::encode_disconnect(out, Version::V311, {}); });
    EXPECT_EQ(reaction(pair), "ended 2: protocol_error DISCONNECT from a server of MQTT 3");
}

TEST(HostileServer, MayNotExceedThePacketSize) {
    Pair pair(login_with({.id = mqtt::PropertyId::MaximumPacketSize, .number = 50}));
    pair.server.accept().told();
    pair.server.publish({.topic = "t"}, std::string(50, 'x'));
    EXPECT_THAT(reaction(pair), HasSubstr("DISCONNECT packet_too_large"));
}

TEST(HostileServer, MayNotExceedTheReceiveMaximum) {
    Pair pair(login_with({.id = mqtt::PropertyId::ReceiveMaximum, .number = 1}));
    pair.server.accept();
    pair.server.publish({.qos = Qos::ExactlyOnce, .topic = "t", .packet_id = {1}});
    pair.server.publish({.qos = Qos::ExactlyOnce, .topic = "t", .packet_id = {2}});
    EXPECT_THAT(reaction(pair), HasSubstr("DISCONNECT receive_maximum_exceeded"));
}

TEST(HostileServer, MayNotUseAliasesThatWereNotAllowedOrNotTold) {
    Pair none;
    none.server.accept().publish({.topic = "t", .topic_alias = 1});
    EXPECT_THAT(reaction(none), HasSubstr("DISCONNECT topic_alias_invalid"));
    Pair some(login_with({.id = mqtt::PropertyId::TopicAliasMaximum, .number = 2}));
    some.server.accept().publish({.topic_alias = 1});
    EXPECT_THAT(reaction(some), HasSubstr("DISCONNECT protocol_error"));
}

TEST(HostileServer, CannotGrowTheAliases) {
    Login wide = login_with({.id = mqtt::PropertyId::TopicAliasMaximum, .number = 65535});
    Pair pair(std::move(wide), {.aliases_bytes_max = 100});
    pair.server.accept();
    for (int again = 0; again < 10; ++again)  // one alias told again and again costs nothing
        pair.server.publish({.topic = std::string(60, 'a'), .topic_alias = 1});
    EXPECT_TRUE(pair.client.is_connected());
    pair.server.publish({.topic = std::string(60, 'b'), .topic_alias = 2});
    EXPECT_THAT(reaction(pair), HasSubstr("DISCONNECT quota_exceeded"));
}

TEST(HostileServer, MayNotPublishToAWildcard) {
    Pair pair;
    pair.server.accept().publish({.topic = "a/#"});
    EXPECT_THAT(reaction(pair), HasSubstr("DISCONNECT topic_name_invalid"));
}

TEST(HostileServer, MayNotAnswerWhatWasNotAsked) {
    Pair pair;
    pair.server.accept().suback(9, {0});
    EXPECT_THAT(reaction(pair), HasSubstr("a request that was not made"));
    Pair other;
    other.server.accept();
    const mqtt::SubscribeEntry entry{.filter = "a"};
    ASSERT_TRUE(other.client.subscribe({.entries = std::span(&entry, 1)}));
    other.server.suback(1, {0, 0});
    EXPECT_THAT(reaction(other), HasSubstr("another number of reason codes"));
}

TEST(HostileServer, MayNotAcknowledgeAtAnotherQos) {
    Pair pair;
    pair.server.accept();
    ASSERT_TRUE(pair.client.publish(message("t", Qos::ExactlyOnce)));
    EXPECT_THAT(reaction((pair.server.puback(1), pair)),
                HasSubstr("PUBACK for a message of QoS 2"));
    Pair other;
    other.server.accept();
    ASSERT_TRUE(other.client.publish(message("t", Qos::AtLeastOnce)));
    EXPECT_THAT(reaction((other.server.pubrec(1), other)),
                HasSubstr("PUBREC for a message of QoS 1"));
}

TEST(HostileServer, MayNotAuthenticateUnasked) {
    Pair pair;
    pair.server.accept().write([](Buffer& out) {
        mqtt::encode_auth(out, {.reason = ReasonCode::ContinueAuthentication, .method = "M"});
    });
    EXPECT_THAT(reaction(pair), HasSubstr("ended 2: protocol_error"));
    Pair asked(login_with({.id = mqtt::PropertyId::AuthenticationMethod, .text = "M"}));
    asked.client.begin(asked.server.now);
    asked.server.write([](Buffer& out) {
        mqtt::encode_auth(out, {.reason = ReasonCode::ContinueAuthentication, .method = "M"});
    });
    EXPECT_THAT(asked.server.told(), HasSubstr("second step of authentication"));
}

TEST(HostileServer, IsLeftForEveryMalformedPacket) {
    for (const auto rows : mqtt::kMalformedFromServer) {
        for (const mqtt::MalformedVector& row : rows) {
            SCOPED_TRACE(row.name);
            Login with = login(row.version);
            if (row.version == Version::V5)
                mqtt::put_property(with.properties,
                                   {.id = mqtt::PropertyId::AuthenticationMethod, .text = "M"});
            Pair pair(std::move(with));
            const Buffer packet = mqtt::packet_of(row);
            if (packet[0] >> 4 == int(mqtt::PacketType::Connack))
                pair.client.begin(pair.server.now);
            else
                pair.server.accept();
            pair.server.told();
            pair.server.write(Bytes(packet));
            EXPECT_THAT(pair.server.told(), StartsWith("ended 2"));
        }
    }
}

}  // namespace
}  // namespace godwit::client
