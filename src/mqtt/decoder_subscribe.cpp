// SUBSCRIBE, UNSUBSCRIBE and their acknowledgements.
#include "mqtt/packet_reader.h"

namespace godwit::mqtt {
namespace {

/// 3.1 does not use the upper six bits, 3.1.1 reserves them [MQTT311-3.8.3-4], 5.0 the upper two
/// [MQTT5-3.8.3-5].
void read_options(PacketReader& in, Version version) {
    const uint8_t bits = in.u8("subscription options are cut off");
    if (version == Version::V311 && (bits & 0xfc) != 0)
        in.fail(ReasonCode::MalformedPacket, "subscription options have reserved bits");
    if (version == Version::V5 && (bits & 0xc0) != 0)
        in.fail(ReasonCode::MalformedPacket, "subscription options have reserved bits");
    if ((bits & 0x03) == 3) in.fail(ReasonCode::ProtocolError, "requested qos is 3");
    if (version == Version::V5 && (bits & 0x30) == 0x30)
        in.fail(ReasonCode::ProtocolError, "retain handling is 3");
}

SubscribeEntries read_entries(PacketReader& in, Version version, bool with_options,
                              const DecodeLimits& limits) {
    const Bytes encoded = in.unread();
    uint32_t count = 0;
    if (in.at_end())  // [MQTT5-3.8.3-2] [MQTT5-3.10.3-2]
        in.fail_here(ReasonCode::ProtocolError, "there is no topic filter");
    while (!in.at_end()) {
        in.text(GW_FIELD("topic filter"));
        if (++count > limits.filters_max)
            in.fail(ReasonCode::QuotaExceeded, "more topic filters than the limit allows");
        if (with_options) read_options(in, version);
    }
    return SubscribeEntries(encoded, version, with_options, count);
}

}  // namespace

Result<Subscribe, DecodeError> decode_subscribe(const Frame& frame, Version version,
                                                const DecodeLimits& limits) {
    PacketReader in(frame);
    Subscribe packet;
    expect_flags(in, frame, version, 2);
    packet.packet_id = in.packet_id();
    if (version == Version::V5) {
        PropertyScan scan(in, place(PacketType::Subscribe), limits);
        while (const Property* property = scan.next())
            if (property->id == PropertyId::SubscriptionIdentifier)
                packet.subscription_id = property->number;
        packet.user_properties = scan.user_properties();
    }
    packet.entries = read_entries(in, version, true, limits);
    return in.finish(packet);
}

Result<Unsubscribe, DecodeError> decode_unsubscribe(const Frame& frame, Version version,
                                                    const DecodeLimits& limits) {
    PacketReader in(frame);
    Unsubscribe packet;
    expect_flags(in, frame, version, 2);
    packet.packet_id = in.packet_id();
    if (version == Version::V5) {
        PropertyScan scan(in, place(PacketType::Unsubscribe), limits);
        while (scan.next() != nullptr) {
        }
        packet.user_properties = scan.user_properties();
    }
    packet.entries = read_entries(in, version, false, limits);
    return in.finish(packet);
}

namespace {

bool is_granted(uint8_t code, PacketType type, Version version) {
    if (version == Version::V5) return is_listed(ReasonCode(code), type, Sender::Server);
    return code <= 2 || code == 0x80;
}

Result<Suback, DecodeError> decode_answer(const Frame& frame, Version version,
                                          const DecodeLimits& limits) {
    PacketReader in(frame);
    Suback packet;
    const PacketType type = frame.type();
    expect_flags(in, frame, version, 0);
    packet.packet_id = in.packet_id();
    if (version == Version::V5) {
        PropertyScan scan(in, place(type), limits);
        while (const Property* property = scan.next())
            if (property->id == PropertyId::ReasonString) packet.reason_string = property->text;
        packet.user_properties = scan.user_properties();
    } else if (type == PacketType::Unsuback) {
        return in.finish(packet);
    }
    packet.reasons = in.take_rest();
    if (in.ok() && packet.reasons.empty())
        in.fail(ReasonCode::MalformedPacket, "there is no reason code");
    for (const uint8_t& code : packet.reasons)
        if (!is_granted(code, type, version))
            in.fail_at(&code, ReasonCode::ProtocolError, "reason code is not one of this packet");
    return in.finish(packet);
}

}  // namespace

Result<Suback, DecodeError> decode_suback(const Frame& frame, Version version,
                                          const DecodeLimits& limits) {
    return decode_answer(frame, version, limits);
}

Result<Suback, DecodeError> decode_unsuback(const Frame& frame, Version version,
                                            const DecodeLimits& limits) {
    return decode_answer(frame, version, limits);
}

}  // namespace godwit::mqtt
