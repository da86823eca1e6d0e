#include "world/packet.h"

#include <gtest/gtest.h>

namespace godwit::world {

using mqtt::PacketType;

namespace {

const mqtt::DecodeLimits kLimits{.properties_max = 100'000, .filters_max = 100'000};

template <class T>
T checked(Result<T, mqtt::DecodeError> result) {
    if (!result) {
        ADD_FAILURE() << "the broker sent a malformed packet: " << result.error().what
                      << " at byte " << result.error().offset;
        return T{};
    }
    return *result;
}

}  // namespace

Packet::Packet(const mqtt::Frame& frame, mqtt::Version version)
    : bytes_(std::make_unique<Buffer>(frame.body.begin(), frame.body.end())),
      frame_{frame.header, *bytes_, frame.size},
      version_(version) {}

mqtt::Connack Packet::connack() const {
    EXPECT_EQ(type(), PacketType::Connack);
    return checked(mqtt::decode_connack(frame_, version_, kLimits));
}

mqtt::Ack Packet::ack() const {
    return checked(mqtt::decode_ack(frame_, version_, kLimits));
}

mqtt::Suback Packet::suback() const {
    EXPECT_EQ(type(), PacketType::Suback);
    return checked(mqtt::decode_suback(frame_, version_, kLimits));
}

mqtt::Suback Packet::unsuback() const {
    EXPECT_EQ(type(), PacketType::Unsuback);
    return checked(mqtt::decode_unsuback(frame_, version_, kLimits));
}

mqtt::Disconnect Packet::disconnect() const {
    EXPECT_EQ(type(), PacketType::Disconnect);
    return checked(mqtt::decode_disconnect(frame_, version_, kLimits, mqtt::Sender::Server));
}

mqtt::Auth Packet::auth() const {
    EXPECT_EQ(type(), PacketType::Auth);
    return checked(mqtt::decode_auth(frame_, kLimits, mqtt::Sender::Server));
}

mqtt::Publish Packet::publish() const {
    EXPECT_EQ(type(), PacketType::Publish);
    return checked(mqtt::decode_publish(frame_, version_, kLimits, mqtt::Sender::Server));
}

Codes codes_of(const mqtt::Suback& packet) {
    Codes codes;
    for (const uint8_t code : packet.reasons) codes.push_back(mqtt::ReasonCode(code));
    return codes;
}

Pairs pairs_of(const mqtt::UserProperties& properties) {
    Pairs pairs;
    for (const mqtt::UserProperty& each : properties) pairs.emplace_back(each.name, each.value);
    return pairs;
}

Publish publish_of(const mqtt::Publish& packet) {
    Publish value;
    value.topic = value.wire_topic = packet.topic;
    value.payload = as_text(packet.payload);
    value.qos = packet.qos;
    value.retain = packet.retain;
    value.dup = packet.dup;
    value.packet_id = packet.packet_id.value;
    value.topic_alias = packet.topic_alias;
    value.expiry_s = packet.expiry_s;
    for (const uint32_t id : packet.subscription_ids()) value.subscription_ids.push_back(id);
    for (const mqtt::Property& each : mqtt::PropertyList(packet.properties)) {
        if (each.id == mqtt::PropertyId::PayloadFormatIndicator) value.payload_format = each.number;
        if (each.id == mqtt::PropertyId::ContentType) value.content_type = each.text;
        if (each.id == mqtt::PropertyId::ResponseTopic) value.response_topic = each.text;
        if (each.id == mqtt::PropertyId::CorrelationData) value.correlation = each.text;
    }
    value.user_properties = pairs_of(packet.user_properties());
    return value;
}

}  // namespace godwit::world
