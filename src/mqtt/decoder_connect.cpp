// CONNECT and CONNACK.
#include "mqtt/packet_reader.h"

namespace godwit::mqtt {
namespace {

constexpr uint8_t kBridgeBit = 0x80;

/// Protocol name and level. The bridge bit is a habit of 3.x bridges, not of the standard.
void read_protocol(PacketReader& in, Connect& packet) {
    const std::string_view name = in.text(GW_FIELD("protocol name"));
    if (in.ok() && name != "MQTT" && name != "MQIsdp")
        in.fail(ReasonCode::UnsupportedProtocolVersion, "protocol name is unknown");
    const uint8_t level = in.u8("protocol level is cut off");
    packet.bridge = (level & kBridgeBit) != 0;
    if (name == "MQTT" && level == 5)
        packet.version = Version::V5;
    else if (name == "MQTT" && (level & ~kBridgeBit) == 4)
        packet.version = Version::V311;
    else if (name == "MQIsdp" && (level & ~kBridgeBit) == 3)
        packet.version = Version::V31;
    else
        in.fail(ReasonCode::UnsupportedProtocolVersion, "protocol level is not supported");
}

/// The byte of connect flags.
struct ConnectFlags {
    bool reserved, clean_start, has_will;
    uint8_t will_qos;
    bool will_retain, has_password, has_username;
};

ConnectFlags read_flags(PacketReader& in, Version version) {
    const uint8_t bits = in.u8("connect flags are cut off");
    const ConnectFlags flags{(bits & 0x01) != 0,     (bits & 0x02) != 0, (bits & 0x04) != 0,
                             uint8_t(bits >> 3 & 3), (bits & 0x20) != 0, (bits & 0x40) != 0,
                             (bits & 0x80) != 0};
    const auto malformed = [&](const char* what) { in.fail(ReasonCode::MalformedPacket, what); };
    if (flags.has_will && flags.will_qos == 3) malformed("will qos is 3");  // [MQTT5-3.1.2-12]
    if (version != Version::V31) {  // 3.1 disregards what the will flag does not switch on
        if (flags.reserved) malformed("reserved connect flag is 1");  // [MQTT5-3.1.2-3]
        if (!flags.has_will && flags.will_qos > 0) malformed("will qos without a will");    // -11
        if (!flags.has_will && flags.will_retain) malformed("will retain without a will");  // -13
    }
    if (version != Version::V5 && flags.has_password && !flags.has_username)
        malformed("password without user name");  // [MQTT311-3.1.2-22]
    return flags;
}

/// @return how many properties there were
uint32_t read_properties(PacketReader& in, Connect& packet, const DecodeLimits& limits) {
    PropertyScan scan(in, place(PacketType::Connect), limits);
    bool has_auth_data = false;
    while (const Property* property = scan.next()) {
        const uint32_t number = property->number;
        switch (property->id) {
            case PropertyId::SessionExpiryInterval:
                packet.session_expiry_s = number;
                break;
            case PropertyId::ReceiveMaximum:
                packet.receive_maximum = uint16_t(number);
                break;
            case PropertyId::MaximumPacketSize:
                packet.packet_bytes_max = number;
                break;
            case PropertyId::TopicAliasMaximum:
                packet.topic_alias_maximum = uint16_t(number);
                break;
            case PropertyId::RequestResponseInformation:
                packet.request_response_information = number == 1;
                break;
            case PropertyId::RequestProblemInformation:
                packet.request_problem_information = number == 1;
                break;
            case PropertyId::AuthenticationMethod:
                packet.auth_method = property->text;
                break;
            case PropertyId::AuthenticationData:
                packet.auth_data = as_bytes(property->text);
                has_auth_data = true;
                break;
            default:
                break;
        }
    }
    if (has_auth_data && !packet.auth_method)
        in.fail(ReasonCode::ProtocolError, "authentication data without a method");
    packet.user_properties = scan.user_properties();
    return scan.count();
}

void read_will_properties(PacketReader& in, Will& will, const DecodeLimits& limits,
                          uint32_t counted) {
    PropertyScan scan(in, kWillPlace, limits, counted);
    while (const Property* property = scan.next()) {
        if (property->id == PropertyId::WillDelayInterval) will.delay_s = property->number;
        if (property->id == PropertyId::MessageExpiryInterval) will.expiry_s = property->number;
    }
    will.properties = scan.encoded();
}

/// MQTT 3.1 allows the strings of the last two flags to be missing at the end of the packet.
void read_credentials(PacketReader& in, Connect& packet, const ConnectFlags& flags) {
    const auto is_missing = [&] { return packet.version == Version::V31 && in.at_end(); };
    if (flags.has_username && !is_missing()) packet.username = in.text(GW_FIELD("user name"));
    if (flags.has_password && !is_missing()) packet.password = in.binary("password is cut off");
}

}  // namespace

Result<Connect, DecodeError> decode_connect(const Frame& frame, const DecodeLimits& limits) {
    PacketReader in(frame);
    Connect packet;
    read_protocol(in, packet);
    if (in.ok()) expect_flags(in, frame, packet.version, 0);
    const ConnectFlags flags = read_flags(in, packet.version);
    packet.clean_start = flags.clean_start;
    packet.keepalive_s = in.u16("keep alive is cut off");
    const bool is_v5 = packet.version == Version::V5;
    const uint32_t property_count = is_v5 ? read_properties(in, packet, limits) : 0;
    packet.client_id = in.text(GW_FIELD("client identifier"));
    if (flags.has_will) {
        Will will{.qos = Qos(flags.will_qos), .retain = flags.will_retain};
        if (is_v5) read_will_properties(in, will, limits, property_count);
        will.topic = in.text(GW_FIELD("will topic"));
        will.payload = in.binary("will payload is cut off");
        packet.will = will;
    }
    read_credentials(in, packet, flags);
    return in.finish(packet);
}

uint8_t peek_protocol_level(const Frame& frame) {
    ByteReader in(frame.body);
    const auto name_bytes = in.u16();
    if (!name_bytes || !in.bytes(*name_bytes)) return 0;
    return uint8_t(in.u8().value_or(0) & ~kBridgeBit);
}

namespace {

void read_v5(PacketReader& in, Connack& packet, const DecodeLimits& limits) {
    PropertyScan scan(in, place(PacketType::Connack), limits);
    bool has_auth_data = false;
    while (const Property* property = scan.next()) {
        const uint32_t number = property->number;
        const std::string_view text = property->text;
        switch (property->id) {
            case PropertyId::SessionExpiryInterval:
                packet.session_expiry_s = number;
                break;
            case PropertyId::ReceiveMaximum:
                packet.receive_maximum = uint16_t(number);
                break;
            case PropertyId::MaximumQos:
                packet.maximum_qos = Qos(number);
                break;
            case PropertyId::RetainAvailable:
                packet.retain_available = number == 1;
                break;
            case PropertyId::MaximumPacketSize:
                packet.packet_bytes_max = number;
                break;
            case PropertyId::AssignedClientIdentifier:
                packet.assigned_client_id = text;
                break;
            case PropertyId::TopicAliasMaximum:
                packet.topic_alias_maximum = uint16_t(number);
                break;
            case PropertyId::ReasonString:
                packet.reason_string = text;
                break;
            case PropertyId::WildcardSubscriptionAvailable:
                packet.wildcard_available = number == 1;
                break;
            case PropertyId::SubscriptionIdentifierAvailable:
                packet.subscription_ids_available = number == 1;
                break;
            case PropertyId::SharedSubscriptionAvailable:
                packet.shared_available = number == 1;
                break;
            case PropertyId::ServerKeepAlive:
                packet.server_keepalive_s = uint16_t(number);
                break;
            case PropertyId::ResponseInformation:
                packet.response_information = text;
                break;
            case PropertyId::ServerReference:
                packet.server_reference = text;
                break;
            case PropertyId::AuthenticationMethod:
                packet.auth_method = text;
                break;
            case PropertyId::AuthenticationData:
                packet.auth_data = as_bytes(text);
                has_auth_data = true;
                break;
            default:
                break;
        }
    }
    if (has_auth_data && !packet.auth_method)
        in.fail(ReasonCode::ProtocolError, "authentication data without a method");
    packet.user_properties = scan.user_properties();
}

ReasonCode read_reason(PacketReader& in, Version version) {
    const uint8_t code = in.u8("reason code is cut off");
    if (version == Version::V5) {
        if (!is_listed(ReasonCode(code), PacketType::Connack, Sender::Server))
            in.fail(ReasonCode::ProtocolError, "reason code is not one of CONNACK");
        return ReasonCode(code);
    }
    if (code > 5) in.fail(ReasonCode::MalformedPacket, "return code is reserved");
    return from_v3_return_code(code);
}

}  // namespace

Result<Connack, DecodeError> decode_connack(const Frame& frame, Version version,
                                            const DecodeLimits& limits) {
    PacketReader in(frame);
    Connack packet;
    expect_flags(in, frame, version, 0);
    const uint8_t flags = in.u8("acknowledge flags are cut off");
    if (version != Version::V31) {  // 3.1 has a byte here that it does not use
        packet.session_present = (flags & 1) != 0;
        if (flags > 1) in.fail(ReasonCode::MalformedPacket, "acknowledge flags are reserved");
    }
    packet.reason = read_reason(in, version);
    if (packet.session_present && packet.reason != ReasonCode::Success)  // [MQTT5-3.2.2-6]
        in.fail(ReasonCode::ProtocolError, "session present in a refusal");
    if (version == Version::V5) read_v5(in, packet, limits);
    return in.finish(packet);
}

}  // namespace godwit::mqtt
