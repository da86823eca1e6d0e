// MQTT 5.0 section 3.2: CONNACK, and what it promises.
#include "conformance/conformance.h"

namespace godwit::conformance {
namespace {

GW_STATEMENT("MQTT5-3.2.0-1", ConnackComesBeforeAllElse) {
    World world(seed());
    auto client = world.connect("c", lasting()).subscribe("t", {.qos = 2}).disconnect();
    auto publisher = world.connect("p");
    for (int i = 0; i < 5; ++i) publisher.publish("t", "x", {.qos = 2});
    client.resume();
    const Types types = client.types();
    ASSERT_EQ(client.received().size(), 5u);
    EXPECT_EQ(types.front(), Type::Connack);
    EXPECT_EQ(client.count(Type::Connack), 1u);
}

GW_STATEMENT("MQTT5-3.2.2-1 MQTT5-3.2.2-6", AcknowledgeFlagsHoldSessionPresentOnly) {
    World world(seed());
    auto client = world.connect("c", lasting());
    EXPECT_EQ(client.last(Type::Connack)->body()[0], 0);
    client.resume();
    EXPECT_EQ(client.last(Type::Connack)->body()[0], 1);
    client.reconnect(next_time(lasting({.will = WillOptions{.topic = "+"}})));
    EXPECT_EQ(client.connack_reason(), R::TopicNameInvalid);
    EXPECT_EQ(client.last(Type::Connack)->body()[0], 0);
}

GW_STATEMENT("MQTT5-3.2.2-7 MQTT5-4.13.2-1", RefusingConnackIsFollowedByClose) {
    World world(seed());
    auto client = world.connect("c", {.auth_method = "unknown to all"});
    expect_refused(client, R::BadAuthenticationMethod);
}

GW_STATEMENT_CORE("MQTT5-3.2.2-8", ConnackCodesComeFromTheirList) {
    R verdict{};
    World world(seed(),
                {.options = {.listeners = {{.allow_anonymous = false, .check_password = true}}},
                 .authenticator = [&](const broker::AuthRequest&) { return AuthAnswer{verdict}; }});
    for (const R reason : {R::BadUserNameOrPassword, R::NotAuthorized, R::ServerUnavailable,
                           R::ServerBusy, R::Banned, R::UseAnotherServer, R::ServerMoved,
                           R::QuotaExceeded, R::ConnectionRateExceeded}) {
        verdict = reason;
        auto client = world.connect("c", {.username = "u"});
        expect_refused(client, reason);
        EXPECT_TRUE(mqtt::is_listed(client.connack_reason(), Type::Connack, mqtt::Sender::Server));
    }
}

GW_STATEMENT("MQTT5-3.2.2-9", EveryQosIsTakenAndNoMaximumAnnounced) {
    World world(seed());
    auto client = world.connect("c").subscribe("t", {.qos = 2});
    EXPECT_EQ(client.connack().maximum_qos, std::nullopt);
    EXPECT_EQ(client.suback(), Codes{R::GrantedQos2});
    client.publish("t", "0").publish("t", "1", {.qos = 1}).publish("t", "2", {.qos = 2});
    EXPECT_EQ(client.received(), (Messages{"0", "1", "2"}));
}

GW_STATEMENT_CORE("MQTT5-3.2.2-15", PacketAboveTheAnnouncedMaximumIsRefused) {
    World world(seed(), {.options = {.limits = {.packet_bytes_max = 100}}});
    auto client = world.connect("c");
    EXPECT_EQ(client.connack().packet_bytes_max, 100u);
    client.publish("t", std::string(94, 'x'));  // 100 bytes in all
    EXPECT_FALSE(client.closed());
    client.publish("t", std::string(95, 'x'));
    expect_disconnect(client, R::PacketTooLarge);
}

GW_STATEMENT("MQTT5-3.2.2-15", AnnouncedMaximumIsKeptToWithoutWaitingForThePacket) {
    World world(seed());
    auto client = world.connect("c");
    ASSERT_TRUE(client.connack().packet_bytes_max.has_value());
    Buffer header{0x30};
    mqtt::put_varint(header, *client.connack().packet_bytes_max);
    client.push(header);
    expect_disconnect(client, R::PacketTooLarge);
}

GW_STATEMENT("MQTT5-3.2.2-17 MQTT5-3.3.2-9 MQTT5-3.3.2-8", AliasOutOfRangeIsRefused) {
    World world(seed());
    auto zero = world.connect("a");
    zero.push(packet("30 # 't' ( 23 0000 )"));
    expect_disconnect(zero, R::TopicAliasInvalid);
    auto above = world.connect("b");
    const uint16_t maximum = above.connack().topic_alias_maximum.value_or(0);
    above.publish("t", "x", {.topic_alias = uint16_t(maximum + 1)});
    expect_disconnect(above, R::TopicAliasInvalid);
}

GW_STATEMENT_CORE("MQTT5-3.2.2-18", WithoutAMaximumEveryAliasIsRefused) {
    World world(seed(), {.options = {.limits = {.topic_alias_max = 0}}});
    auto client = world.connect("c");
    EXPECT_EQ(client.connack().topic_alias_maximum.value_or(0), 0);
    client.publish("t", "x", {.topic_alias = 1});
    expect_disconnect(client, R::TopicAliasInvalid);
}

GW_STATEMENT("MQTT5-3.2.2-19 MQTT5-3.2.2-20 MQTT5-3.1.2-24", RefusalFitsTheClientsPacketSize) {
    World world(seed());
    // the world's client checks the size of whatever it gets
    auto client = world.connect("c", {.will = WillOptions{.topic = "a/#"}, .packet_bytes_max = 8});
    expect_refused(client, R::TopicNameInvalid);
    EXPECT_EQ(client.connack().reason_string, "");
    auto method = world.connect("d", {.packet_bytes_max = 10, .auth_method = "none such"});
    expect_refused(method, R::BadAuthenticationMethod);
}

GW_STATEMENT("MQTT5-3.1.2-24", ClientThatCannotTakeAConnackIsRefused) {
    World world(seed());
    auto client = world.connect("c", {.packet_bytes_max = 5});
    expect_refused(client, R::PacketTooLarge);
}

GW_STATEMENT("MQTT5-3.1.2-23", SessionExpiryIsToldWhereItIsCut) {
    World world(seed());
    auto forever = world.connect("a", {.expiry_s = mqtt::kNoExpiry});
    ASSERT_TRUE(forever.connack().session_expiry_s.has_value());
    EXPECT_LT(*forever.connack().session_expiry_s, mqtt::kNoExpiry);
    auto hour = world.connect("b", lasting());
    EXPECT_EQ(hour.connack().session_expiry_s, std::nullopt);
}

}  // namespace
}  // namespace godwit::conformance
