// What is accepted, edges and limits; what is refused is in malformed_vectors_test.cpp.
#include "mqtt/decoder.h"

#include "mqtt/malformed_vectors.h"
#include "mqtt/testing/packet_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <deque>

namespace godwit::mqtt {
namespace {

using namespace testing;
using ::testing::ElementsAre;

/// One packet in the notation of malformed_vectors.h, framed. The bytes stay for the whole run, so
/// that decoded views do too.
Frame framed(std::string_view notation) {
    static std::deque<Buffer> all_bytes;
    const Buffer& bytes = all_bytes.emplace_back(read_packet_notation(notation));
    const auto status = next_frame(bytes, kPacketBytesMax);
    GW_ASSERT(status.has_value() && status->complete);
    return status->frame;
}

constexpr Version kVersions[] = {Version::V31, Version::V311, Version::V5};

// --- framing ---

TEST(NextFrame, AsksForTheBytesItNeeds) {
    EXPECT_EQ(next_frame({}, 100)->bytes_needed, 2U);
    EXPECT_EQ(next_frame(Buffer{0x30}, 100)->bytes_needed, 2U);
    EXPECT_EQ(next_frame(Buffer{0x30, 0x05}, 100)->bytes_needed, 7U);
    EXPECT_EQ(next_frame(Buffer{0x30, 0x80}, 1000)->bytes_needed, 3U);
    EXPECT_EQ(next_frame(Buffer{0x30, 0x80, 0x01}, 1000)->bytes_needed, 131U);
    EXPECT_FALSE(next_frame(Buffer{0x30, 0x01}, 100)->complete);
}

TEST(NextFrame, LeavesTheNextPacketAlone) {
    const Buffer in = {0x30, 0x01, 0xaa, 0xc0, 0x00};
    const auto status = next_frame(in, 100);
    ASSERT_TRUE(status->complete);
    EXPECT_EQ(status->frame.size, 3U);
    EXPECT_EQ(hex(status->frame.body), "aa");
}

TEST(NextFrame, RefusesATooLargePacketByItsHeaderAlone) {
    const Buffer in = {0x30, 0x80, 0x01};
    EXPECT_TRUE(next_frame(in, 131));
    const auto refused = next_frame(in, 130);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, ReasonCode::PacketTooLarge);
}

TEST(NextFrame, TakesTheLargestLengthThereIs) {
    const auto status = next_frame(Buffer{0x30, 0xff, 0xff, 0xff, 0x7f}, kPacketBytesMax);
    ASSERT_TRUE(status);
    EXPECT_EQ(status->bytes_needed, kPacketBytesMax);
}

// --- CONNECT ---

TEST(DecodeConnect, KnowsTheThreeVersionsAndTheBridgeBit) {
    const auto v31 = decode_connect(framed("10 # 'MQIsdp' 03 02 003c 'c'"), {});
    EXPECT_EQ(v31->version, Version::V31);
    const auto v311 = decode_connect(framed("10 # 'MQTT' 04 00 003c 'c'"), {});
    EXPECT_EQ(v311->version, Version::V311);
    EXPECT_FALSE(v311->clean_start);
    EXPECT_FALSE(v311->bridge);
    const auto v5 = decode_connect(framed("10 # 'MQTT' 05 02 003c () ''"), {});
    EXPECT_EQ(v5->version, Version::V5);
    EXPECT_EQ(v5->keepalive_s, 60);
    EXPECT_TRUE(decode_connect(framed("10 # 'MQTT' 84 02 003c 'c'"), {})->bridge);
    EXPECT_TRUE(decode_connect(framed("10 # 'MQIsdp' 83 02 003c 'c'"), {})->bridge);
}

TEST(DecodeConnect, AbsentPropertiesHaveTheirDefaults) {
    const auto packet = decode_connect(framed("10 # 'MQTT' 05 02 003c () 'c'"), {});
    EXPECT_EQ(packet->session_expiry_s, 0U);
    EXPECT_EQ(packet->receive_maximum, 65535);
    EXPECT_EQ(packet->topic_alias_maximum, 0);
    EXPECT_FALSE(packet->request_response_information);
    EXPECT_TRUE(packet->request_problem_information);
    EXPECT_FALSE(packet->auth_method);
}

TEST(DecodeConnect, PasswordWithoutUserNameIsFineIn5) {
    const auto packet = decode_connect(framed("10 # 'MQTT' 05 42 003c () 'c' 'p'"), {});
    ASSERT_TRUE(packet);
    EXPECT_FALSE(packet->username);
    EXPECT_EQ(as_text(*packet->password), "p");
}

TEST(DecodeConnect, UserNameAndPasswordMayBeMissingIn31ThoughFlagged) {
    const auto neither = decode_connect(framed("10 # 'MQIsdp' 03 c2 003c 'c'"), {});
    ASSERT_TRUE(neither);
    EXPECT_FALSE(neither->username || neither->password);
    const auto no_password = decode_connect(framed("10 # 'MQIsdp' 03 c2 003c 'c' 'u'"), {});
    ASSERT_TRUE(no_password);
    EXPECT_EQ(no_password->username, "u");
}

TEST(DecodeConnect, WillBitsWithoutAWillAreDisregardedIn31) {
    const auto packet = decode_connect(framed("10 # 'MQIsdp' 03 3b 003c 'c'"), {});
    ASSERT_TRUE(packet);
    EXPECT_FALSE(packet->will);
}

TEST(DecodeConnect, ReadsTheWillWithItsProperties) {
    const auto packet = decode_connect(
        framed(
            "10 # 'MQTT' 05 2e 003c () 'c' ( 18 0000000a 01 01 02 00000014 26 'k' 'v' ) 't' 'p'"),
        {});
    ASSERT_TRUE(packet && packet->will);
    EXPECT_EQ(packet->will->qos, Qos::AtLeastOnce);
    EXPECT_TRUE(packet->will->retain);
    EXPECT_EQ(packet->will->delay_s, 10U);
    EXPECT_EQ(packet->will->expiry_s, 20U);
    EXPECT_EQ(forwarded(packet->will->properties),
              "010126"
              "00016b"
              "000176");
}

TEST(DecodeConnect, CountsPropertiesOfConnectAndWillTogether) {
    const Frame packet = framed("10 # 'MQTT' 05 06 003c ( 26 'k' 'v' ) 'c' ( 26 'k' 'v' ) 't' 'p'");
    EXPECT_TRUE(decode_connect(packet, {.properties_max = 2}));
    const auto refused = decode_connect(packet, {.properties_max = 1});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, ReasonCode::QuotaExceeded);
}

TEST(PeekProtocolLevel, TellsWhichAnswerTheClientCanRead) {
    EXPECT_EQ(peek_protocol_level(framed("10 # 'MQTT' 06 02 003c () 'c'")), 6);
    EXPECT_EQ(peek_protocol_level(framed("10 # 'MQIsdp' 02 02 003c 'c'")), 2);
    EXPECT_EQ(peek_protocol_level(framed("10 # 'MQTT' 84")), 4);
    EXPECT_EQ(peek_protocol_level(framed("10 # 'MQTT'")), 0);
    EXPECT_EQ(peek_protocol_level(framed("10 # 00")), 0);
}

// --- PUBLISH ---

TEST(DecodePublish, SubscriptionIdentifiersComeFromAServerOnly) {
    const Frame packet = framed("30 # 't' ( 0b 01 26 'k' 'v' 0b 8001 ) 70");
    const auto refused = decode_publish(packet, Version::V5, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, ReasonCode::ProtocolError);
    EXPECT_EQ(refused.error().offset, 6U);
    const auto publish = decode_publish(packet, Version::V5, {}, Sender::Server);
    ASSERT_TRUE(publish);
    const SubscriptionIds ids = publish->subscription_ids();
    EXPECT_THAT(std::vector<uint32_t>(ids.begin(), ids.end()), ElementsAre(1, 128));
    EXPECT_EQ(publish->user_properties().begin()->name, "k");
}

TEST(DecodePublish, AnAliasMayStandForTheTopic) {
    const auto publish = decode_publish(framed("30 # '' ( 23 0007 ) 70"), Version::V5, {});
    ASSERT_TRUE(publish);
    EXPECT_TRUE(publish->topic.empty());
    EXPECT_EQ(publish->topic_alias, 7);
}

TEST(DecodePublish, ThePayloadMayBeEmptyAndAnyBytes) {
    EXPECT_TRUE(decode_publish(framed("30 # 't'"), Version::V311, {})->payload.empty());
    EXPECT_EQ(hex(decode_publish(framed("30 # 't' 00ff80"), Version::V31, {})->payload), "00ff80");
}

TEST(DecodePublish, DupAtQos0MeansNothingIn31) {
    const auto publish = decode_publish(framed("38 # 't' 70"), Version::V31, {});
    ASSERT_TRUE(publish);
    EXPECT_FALSE(publish->dup);
}

TEST(DecodePublish, TheByteOrderMarkStaysInTheTopic) {
    const auto publish = decode_publish(framed("30 # 0004 efbbbf74 ()"), Version::V5, {});
    EXPECT_EQ(publish->topic, "\xef\xbb\xbft");  // [MQTT5-1.5.4-3]
}

TEST(DecodePublish, MorePropertiesThanTheLimitAreRefused) {
    const Frame packet = framed("30 # 't' ( 26 'a' 'b' 26 'a' 'b' 26 'a' 'b' )");
    EXPECT_TRUE(decode_publish(packet, Version::V5, {.properties_max = 3}));
    const auto refused = decode_publish(packet, Version::V5, {.properties_max = 2});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, ReasonCode::QuotaExceeded);
    EXPECT_STREQ(refused.error().what, "more properties than the limit allows");
}

TEST(PropertyList, ShowsAllPropertiesInTheirOrder) {
    const auto publish =
        decode_publish(framed("30 # 't' ( 03 'json' 01 01 26 'k' 'v' 09 'id' )"), Version::V5, {});
    std::string text;
    for (const Property& p : PropertyList(publish->properties))
        text += fmt::format("{:x}:{}{}{} ", unsigned(p.id), p.number, p.text, p.value);
    EXPECT_EQ(text, "3:0json 1:1 26:0kv 9:0id ");
}

TEST(PropertyList, EndsAtTheFirstFaultOfUncheckedBytes) {
    EXPECT_TRUE(PropertyList(Buffer{0x01}).empty());
    EXPECT_TRUE(PropertyList(Buffer{0xff, 0xff}).empty());
    EXPECT_TRUE(UserProperties(Buffer{0x26, 0x00, 0x09}).empty());
}

// --- acknowledgements and short forms ---

TEST(DecodeAck, TheShortFormsOf5AreSuccessWithoutProperties) {
    for (const char* type : {"40", "50", "62", "70"}) {
        const std::string head = type;
        const auto shortest = decode_ack(framed(head + "# 0009"), Version::V5, {});
        ASSERT_TRUE(shortest) << type;
        EXPECT_EQ(shortest->packet_id, PacketId{9});
        EXPECT_EQ(shortest->reason, ReasonCode::Success);
        EXPECT_TRUE(decode_ack(framed(head + "# 0009 00"), Version::V5, {})) << type;
        EXPECT_TRUE(decode_ack(framed(head + "# 0009 00 ()"), Version::V5, {})) << type;
    }
    const auto puback = decode_ack(framed("40 # 0009 87"), Version::V5, {});
    EXPECT_EQ(puback->reason, ReasonCode::NotAuthorized);
}

TEST(DecodeAck, PubrelMayBeMarkedAsARepetitionIn31) {
    EXPECT_TRUE(decode_ack(framed("6a # 0009"), Version::V31, {}));
    EXPECT_FALSE(decode_ack(framed("6a # 0009"), Version::V311, {}));
}

TEST(DecodeDisconnect, TheShortFormsOf5) {
    EXPECT_EQ(decode_disconnect(framed("e0 #"), Version::V5, {})->reason, ReasonCode::Success);
    EXPECT_EQ(decode_disconnect(framed("e0 # 04"), Version::V5, {})->reason,
              ReasonCode::DisconnectWithWill);
    EXPECT_TRUE(decode_disconnect(framed("e0 # 00 ()"), Version::V5, {}));
}

TEST(DecodeAuth, TheShortFormIsAServersSuccess) {
    const auto auth = decode_auth(framed("f0 #"), {}, Sender::Server);
    ASSERT_TRUE(auth);
    EXPECT_EQ(auth->reason, ReasonCode::Success);
    EXPECT_FALSE(auth->method);
}

TEST(DecodePing, FlagsAreNotUsedIn31) {
    EXPECT_TRUE(decode_ping(framed("c2 #"), Version::V31));
    EXPECT_FALSE(decode_ping(framed("c2 #"), Version::V311));
}

// --- SUBSCRIBE and its answers ---

TEST(DecodeSubscribe, ReadsEveryOptionOf5) {
    const auto packet =
        decode_subscribe(framed("82 # 0001 ( 0b 8001 ) 'a/#' 2e '$share/g/b' 01"), Version::V5, {});
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->subscription_id, 128U);
    ASSERT_EQ(packet->entries.size(), 2U);
    auto entry = packet->entries.begin();
    EXPECT_EQ(entry->filter, "a/#");
    const SubscriptionOptions all{Qos::ExactlyOnce, true, true, RetainHandling::SendNever};
    EXPECT_EQ(entry->options, all);
    ++entry;
    EXPECT_EQ(entry->filter, "$share/g/b");
    EXPECT_EQ(entry->options, SubscriptionOptions{.qos = Qos::AtLeastOnce});
}

TEST(DecodeSubscribe, TheUpperBitsOfTheQosAreNotUsedIn31) {
    const auto packet = decode_subscribe(framed("82 # 0001 't' fd"), Version::V31, {});
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->entries.begin()->options, SubscriptionOptions{.qos = Qos::AtLeastOnce});
}

TEST(DecodeSubscribe, MoreFiltersThanTheLimitAreRefused) {
    const Frame subscribe = framed("82 # 0001 't' 00 'u' 00");
    const Frame unsubscribe = framed("a2 # 0001 't' 'u'");
    const DecodeLimits two{.filters_max = 2};
    const DecodeLimits one{.filters_max = 1};
    EXPECT_TRUE(decode_subscribe(subscribe, Version::V311, two));
    EXPECT_TRUE(decode_unsubscribe(unsubscribe, Version::V311, two));
    const auto refused = decode_subscribe(subscribe, Version::V311, one);
    EXPECT_EQ(refused.error().reason, ReasonCode::QuotaExceeded);
    EXPECT_STREQ(refused.error().what, "more topic filters than the limit allows");
    EXPECT_EQ(decode_unsubscribe(unsubscribe, Version::V311, one).error().reason,
              ReasonCode::QuotaExceeded);
}

TEST(DecodeUnsubscribe, ReadsItsFilters) {
    for (const Version version : kVersions) {
        const char* text =
            version == Version::V5 ? "a2 # 0001 () 'a' 'b/+'" : "a2 # 0001 'a' 'b/+'";
        const Frame packet = framed(text);
        const auto unsubscribe = decode_unsubscribe(packet, version, {});
        ASSERT_TRUE(unsubscribe);
        std::vector<std::string_view> filters;
        for (const SubscribeEntry& entry : unsubscribe->entries) filters.push_back(entry.filter);
        EXPECT_THAT(filters, ElementsAre("a", "b/+"));
    }
}

TEST(DecodeUnsuback, HasNoReasonsIn3) {
    EXPECT_TRUE(decode_unsuback(framed("b0 # 0001"), Version::V311, {})->reasons.empty());
    const auto v5 = decode_unsuback(framed("b0 # 0001 () 0011"), Version::V5, {});
    EXPECT_EQ(hex(v5->reasons), "0011");
}

TEST(DecodeConnack, MapsTheReturnCodesOf3) {
    const auto refused = decode_connack(framed("20 # 00 04"), Version::V311, {});
    EXPECT_EQ(refused->reason, ReasonCode::BadUserNameOrPassword);
    EXPECT_TRUE(decode_connack(framed("20 # 01 00"), Version::V311, {})->session_present);
    EXPECT_FALSE(decode_connack(framed("20 # 01 00"), Version::V31, {})->session_present);
}

// --- errors ---

TEST(DecodeError, TellsWhereTheWrongFieldBegins) {
    const auto at = [](std::string_view notation) {
        const auto result = decode_publish(framed(notation), Version::V5, {});
        return result ? 0 : result.error().offset;
    };
    EXPECT_EQ(at("32 # 't' 0000 ()"), 5U);                   // packet identifier
    EXPECT_EQ(at("30 # 't' ( 01 01 23 0000 )"), 8U);         // topic alias
    EXPECT_EQ(at("30 # 't' ( 01 01 26 'k' 0001 ff )"), 8U);  // user property
    EXPECT_EQ(at("36 # 't' 0001 ()"), 0U);                   // fixed header
}

TEST(UnexpectedPacket, ReservedTypesAreMalformedAndOthersProtocolErrors) {
    EXPECT_EQ(unexpected_packet(framed("00 #"), Version::V5).reason, ReasonCode::MalformedPacket);
    EXPECT_EQ(unexpected_packet(framed("f0 #"), Version::V311).reason, ReasonCode::MalformedPacket);
    EXPECT_EQ(unexpected_packet(framed("f0 #"), Version::V5).reason, ReasonCode::ProtocolError);
    EXPECT_EQ(unexpected_packet(framed("10 #"), Version::V5).reason, ReasonCode::ProtocolError);
}

}  // namespace
}  // namespace godwit::mqtt
