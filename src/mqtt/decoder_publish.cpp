// PUBLISH and its four acknowledgements.
#include "base/mutant.h"
#include "mqtt/packet_reader.h"

namespace godwit::mqtt {
namespace {

void read_properties(PacketReader& in, Publish& packet, const DecodeLimits& limits, Sender sender) {
    PropertyScan scan(in, place(PacketType::Publish), limits);
    while (const Property* property = scan.next()) {
        if (property->id == PropertyId::TopicAlias) packet.topic_alias = uint16_t(property->number);
        if (property->id == PropertyId::MessageExpiryInterval) packet.expiry_s = property->number;
        if (property->id == PropertyId::SubscriptionIdentifier && sender == Sender::Client)
            scan.fail(ReasonCode::ProtocolError,
                      "subscription identifier from a client");  // [MQTT5-3.3.4-6]
    }
    packet.properties = scan.encoded();
}

void read_flags(PacketReader& in, const Frame& frame, Version version, Publish& packet) {
    const uint8_t qos = frame.header >> 1 & 3;
    packet.dup = (frame.header & 0x08) != 0;
    packet.qos = Qos(qos);
    packet.retain = (frame.header & 0x01) != 0;
    if (qos == 3) in.fail_header("qos is 3");  // [MQTT5-3.3.1-4]
    if (!packet.dup || qos != 0) return;
    packet.dup = false;  // 3.1 gives it no meaning there
    if (version != Version::V31) in.fail_header("dup flag at qos 0");  // [MQTT5-3.3.1-2]
}

}  // namespace

Result<Publish, DecodeError> decode_publish(const Frame& frame, Version version,
                                            const DecodeLimits& limits, Sender sender) {
    PacketReader in(frame);
    // Filled where the caller finds it: copying the packet costs as much as reading it.
    Result<Publish, DecodeError> result = Publish{};
    Publish& packet = *result;
    read_flags(in, frame, version, packet);
    packet.topic = in.text(GW_FIELD("topic name"));
    if (packet.qos != Qos::AtMostOnce) packet.packet_id = in.packet_id();
    if (version == Version::V5) {
        if (!in.skip_empty_property_list()) read_properties(in, packet, limits, sender);
        if (packet.topic.empty() && packet.topic_alias == 0 && !GW_MUTANT(EmptyTopic))
            in.fail(ReasonCode::ProtocolError, "topic name is empty and no alias is given");
    }
    packet.payload = in.take_rest();
    if (!in.ok()) result = Err{in.error()};
    return result;
}

namespace {

const char* unlisted_reason(PacketType type) {
    switch (type) {
        case PacketType::Puback:
            return "reason code is not one of PUBACK";
        case PacketType::Pubrec:
            return "reason code is not one of PUBREC";
        case PacketType::Pubrel:
            return "reason code is not one of PUBREL";
        default:
            return "reason code is not one of PUBCOMP";
    }
}

void read_v5(PacketReader& in, PacketType type, Ack& packet, const DecodeLimits& limits) {
    packet.reason = ReasonCode(in.u8("reason code is cut off"));
    // The four lists are the same for both sides.
    if (in.ok() && !is_listed(packet.reason, type, Sender::Client))
        in.fail(ReasonCode::ProtocolError, unlisted_reason(type));
    if (in.at_end()) return;
    PropertyScan scan(in, place(type), limits);
    while (const Property* property = scan.next())
        if (property->id == PropertyId::ReasonString) packet.reason_string = property->text;
    packet.user_properties = scan.user_properties();
}

}  // namespace

Result<Ack, DecodeError> decode_ack(const Frame& frame, Version version,
                                    const DecodeLimits& limits) {
    PacketReader in(frame);
    Ack packet;
    expect_flags(in, frame, version, frame.type() == PacketType::Pubrel ? 2 : 0);
    packet.packet_id = in.packet_id();
    if (version == Version::V5 && !in.at_end()) read_v5(in, frame.type(), packet, limits);
    return in.finish(packet);
}

}  // namespace godwit::mqtt
