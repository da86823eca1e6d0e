#include "mqtt/encoder.h"

#include "mqtt/testing/packet_dump.h"

#include <gtest/gtest.h>

namespace godwit::mqtt {
namespace {

using testing::hex;

template <class Encode>
std::string encoded(Encode encode) {
    Buffer out;
    encode(out);
    return hex(out);
}

TEST(Varint, TakesTheFewestBytes) {
    const struct {
        uint32_t value;
        const char* bytes;
    } rows[] = {
        {0, "00"},         {127, "7f"},         {128, "8001"},         {16383, "ff7f"},
        {16384, "808001"}, {2097151, "ffff7f"}, {2097152, "80808001"}, {268435455, "ffffff7f"}};
    for (const auto& row : rows) {
        EXPECT_EQ(encoded([&](Buffer& out) { put_varint(out, row.value); }), row.bytes);
        EXPECT_EQ(varint_size(row.value), std::string_view(row.bytes).size() / 2);
    }
}

TEST(EncodeAck, TakesTheShortestForm) {
    const auto puback = [](Version version, const Ack& ack) {
        return encoded([&](Buffer& out) { encode_puback(out, version, ack); });
    };
    const PacketId id{0x1234};
    EXPECT_EQ(puback(Version::V5, {.packet_id = id}), "40021234");
    EXPECT_EQ(puback(Version::V5, {.packet_id = id, .reason = ReasonCode::NotAuthorized}),
              "4003123487");
    EXPECT_EQ(puback(Version::V5, {.packet_id = id, .reason_string = "r"}),
              "400812340004"
              "1f000172");
    EXPECT_EQ(puback(Version::V311, {.packet_id = id, .reason = ReasonCode::NotAuthorized}),
              "40021234");
}

TEST(EncodeDisconnect, TakesTheShortestForm) {
    const auto disconnect = [](Version version, const Disconnect& packet) {
        return encoded([&](Buffer& out) { encode_disconnect(out, version, packet); });
    };
    EXPECT_EQ(disconnect(Version::V5, {}), "e000");
    EXPECT_EQ(disconnect(Version::V5, {.reason = ReasonCode::ServerShuttingDown}), "e0018b");
    EXPECT_EQ(disconnect(Version::V5, {.session_expiry_s = 1}), "e00700051100000001");
    EXPECT_EQ(disconnect(Version::V311, {.reason = ReasonCode::ServerShuttingDown}), "e000");
}

TEST(EncodeAuth, TakesTheShortestForm) {
    EXPECT_EQ(encoded([](Buffer& out) { encode_auth(out, {}); }), "f000");
    const Auth auth{.reason = ReasonCode::ContinueAuthentication, .method = "m"};
    EXPECT_EQ(encoded([&](Buffer& out) { encode_auth(out, auth); }),
              "f006180415"
              "00016d");
}

TEST(EncodeConnack, SpeaksTheVersionOfTheClient) {
    const auto connack = [](Version version, const Connack& packet) {
        return encoded([&](Buffer& out) { encode_connack(out, version, packet); });
    };
    const Connack refusal{.session_present = true, .reason = ReasonCode::NotAuthorized};
    EXPECT_EQ(connack(Version::V5, refusal), "2003008700");
    EXPECT_EQ(connack(Version::V311, refusal), "20020005");
    const Connack resumed{.session_present = true, .server_keepalive_s = 30};
    EXPECT_EQ(connack(Version::V5, resumed), "200601000313001e");
    EXPECT_EQ(connack(Version::V311, resumed), "20020100");
    EXPECT_EQ(connack(Version::V31, resumed), "20020000");
}

TEST(EncodeSuback, KnowsOneFailureIn3) {
    const uint8_t reasons[] = {0, 2, 0x87, 0x8f};
    const Suback suback{.packet_id = PacketId{1}, .reasons = reasons};
    EXPECT_EQ(encoded([&](Buffer& out) { encode_suback(out, Version::V311, suback); }),
              "9006000100028080");
    EXPECT_EQ(encoded([&](Buffer& out) { encode_suback(out, Version::V5, suback); }),
              "900700010000"
              "02878f");
    EXPECT_EQ(encoded([&](Buffer& out) { encode_unsuback(out, Version::V311, suback); }),
              "b0020001");
}

TEST(EncodeConnect, LeavesOutAPasswordThat3CannotSay) {
    const Connect connect{.version = Version::V311, .client_id = "c", .password = as_bytes("p")};
    EXPECT_EQ(encoded([&](Buffer& out) { encode_connect(out, connect); }),
              "100d00044d5154540402"
              "0000"
              "000163");
}

TEST(EncodePublish, LeavesOutWhat3CannotSay) {
    const uint32_t ids[] = {1};
    const PublishHead head{.topic = "t", .topic_alias = 3, .expiry_s = 9, .subscription_ids = ids};
    EXPECT_EQ(
        encoded([&](Buffer& out) { encode_publish(out, Version::V311, head, as_bytes("p")); }),
        "3004000174"
        "70");
    EXPECT_EQ(encoded([&](Buffer& out) { encode_publish(out, Version::V5, head, as_bytes("p")); }),
              "300f000174"
              "0a"
              "230003"
              "0200000009"
              "0b01"
              "70");
}

TEST(EncodePublish, TheHeadCountsAPayloadThatFollowsElsewhere) {
    const PublishHead head{.qos = Qos::AtLeastOnce, .topic = "t", .packet_id = PacketId{5}};
    Buffer out;
    EXPECT_EQ(encode_publish_head(out, Version::V5, head, 1000), 3U + 6 + 1000);
    EXPECT_EQ(hex(out),
              "32ee07"
              "000174"
              "0005"
              "00");
    EXPECT_EQ(publish_size(Version::V5, head, 1000), 1009U);
    EXPECT_GT(publish_size(Version::V5, head, kRemainingLengthMax), kPacketBytesMax);
}

TEST(EncodePublishDeathTest, APacketBeyondAllLengthsBreaksOurRule) {
    Buffer out;
    EXPECT_DEATH(encode_publish_head(out, Version::V5, {.topic = "t"}, kRemainingLengthMax),
                 "broken");
    EXPECT_DEATH(
        encode_unsubscribe(out, Version::V5,
                           {.filters = std::vector<std::string_view>{std::string(70000, 'x')}}),
        "broken");
}

TEST(ForwardedProperties, KeepTheirOrderWithoutWhatBelongsToTheHop) {
    Buffer list;
    put_property(list, {.id = PropertyId::UserProperty, .text = "b", .value = "2"});
    put_property(list, {.id = PropertyId::TopicAlias, .number = 1});
    put_property(list, {.id = PropertyId::PayloadFormatIndicator, .number = 1});
    put_property(list, {.id = PropertyId::MessageExpiryInterval, .number = 5});
    put_property(list, {.id = PropertyId::SubscriptionIdentifier, .number = 300});
    put_property(list, {.id = PropertyId::WillDelayInterval, .number = 5});
    put_property(list, {.id = PropertyId::UserProperty, .text = "a", .value = "1"});
    Buffer kept;
    append_forwarded_properties(kept, list);
    EXPECT_EQ(hex(kept),
              "26000162000132"
              "0101"
              "26000161000131");
}

}  // namespace
}  // namespace godwit::mqtt
