// All packets but PUBLISH.
#include "mqtt/encoder.h"

#include "mqtt/packet_writer.h"

namespace godwit::mqtt {

void UserPropertyList::add(std::string_view name, std::string_view value) {
    put_property(encoded_, {.id = PropertyId::UserProperty, .text = name, .value = value});
}

namespace {

constexpr uint8_t kBridgeBit = 0x80;

void write_protocol(PacketWriter& out, const Connect& packet) {
    out.text(packet.version == Version::V31 ? "MQIsdp" : "MQTT");
    const bool bridge = packet.bridge && packet.version != Version::V5;
    out.u8(uint8_t(packet.version) | (bridge ? kBridgeBit : 0));
}

/// A password without a user name cannot be said in 3.x.
bool has_password(const Connect& packet) {
    return packet.password && (packet.version == Version::V5 || packet.username);
}

uint8_t connect_flags(const Connect& packet) {
    uint8_t flags = packet.clean_start ? 0x02 : 0;
    if (packet.will) {
        flags |= uint8_t(0x04 | uint8_t(packet.will->qos) << 3);
        if (packet.will->retain) flags |= 0x20;
    }
    if (has_password(packet)) flags |= 0x40;
    if (packet.username) flags |= 0x80;
    return flags;
}

void write_properties(PacketWriter& out, const Connect& packet) {
    out.begin_properties();
    if (packet.session_expiry_s != 0)
        out.number(PropertyId::SessionExpiryInterval, packet.session_expiry_s);
    if (packet.receive_maximum != 65535)
        out.number(PropertyId::ReceiveMaximum, packet.receive_maximum);
    if (packet.packet_bytes_max != kPacketBytesMax)
        out.number(PropertyId::MaximumPacketSize, packet.packet_bytes_max);
    if (packet.topic_alias_maximum != 0)
        out.number(PropertyId::TopicAliasMaximum, packet.topic_alias_maximum);
    if (packet.request_response_information) out.number(PropertyId::RequestResponseInformation, 1);
    if (!packet.request_problem_information) out.number(PropertyId::RequestProblemInformation, 0);
    out.text(PropertyId::AuthenticationMethod, packet.auth_method);
    out.text(PropertyId::AuthenticationData, as_text(packet.auth_data));
    out.user_properties(packet.user_properties);
    out.end_properties();
}

void write_will(PacketWriter& out, const Will& will, Version version) {
    if (version == Version::V5) {
        out.begin_properties();
        if (will.delay_s != 0) out.number(PropertyId::WillDelayInterval, will.delay_s);
        out.number(PropertyId::MessageExpiryInterval, will.expiry_s);
        out.forwarded_properties(will.properties);
        out.end_properties();
    }
    out.text(will.topic);
    out.text(as_text(will.payload));
}

}  // namespace

void encode_connect(Buffer& buffer, const Connect& packet) {
    PacketWriter out(buffer, PacketType::Connect);
    write_protocol(out, packet);
    out.u8(connect_flags(packet));
    out.u16(packet.keepalive_s);
    if (packet.version == Version::V5) write_properties(out, packet);
    out.text(packet.client_id);
    if (packet.will) write_will(out, *packet.will, packet.version);
    if (packet.username) out.text(*packet.username);
    if (has_password(packet)) out.text(as_text(*packet.password));
    out.finish();
}

namespace {

void write_properties(PacketWriter& out, const Connack& packet) {
    out.begin_properties();
    out.number(PropertyId::SessionExpiryInterval, packet.session_expiry_s);
    out.number(PropertyId::ReceiveMaximum, packet.receive_maximum);
    out.number(PropertyId::MaximumQos, packet.maximum_qos);
    out.number(PropertyId::RetainAvailable, packet.retain_available);
    out.number(PropertyId::MaximumPacketSize, packet.packet_bytes_max);
    out.text(PropertyId::AssignedClientIdentifier, packet.assigned_client_id);
    out.number(PropertyId::TopicAliasMaximum, packet.topic_alias_maximum);
    out.text(PropertyId::ReasonString, packet.reason_string);
    out.user_properties(packet.user_properties);
    out.number(PropertyId::WildcardSubscriptionAvailable, packet.wildcard_available);
    out.number(PropertyId::SubscriptionIdentifierAvailable, packet.subscription_ids_available);
    out.number(PropertyId::SharedSubscriptionAvailable, packet.shared_available);
    out.number(PropertyId::ServerKeepAlive, packet.server_keepalive_s);
    out.text(PropertyId::ResponseInformation, packet.response_information);
    out.text(PropertyId::ServerReference, packet.server_reference);
    out.text(PropertyId::AuthenticationMethod, packet.auth_method);
    out.text(PropertyId::AuthenticationData, as_text(packet.auth_data));
    out.end_properties();
}

}  // namespace

void encode_connack(Buffer& buffer, Version version, const Connack& packet) {
    PacketWriter out(buffer, PacketType::Connack);
    const bool is_v5 = version == Version::V5;
    // [MQTT5-3.2.2-6] [MQTT311-3.2.2-4]; 3.1 does not use the byte.
    const bool session_present = packet.session_present && packet.reason == ReasonCode::Success;
    out.u8(session_present && version != Version::V31 ? 1 : 0);
    out.u8(is_v5 ? uint8_t(packet.reason) : to_v3_return_code(packet.reason));
    if (is_v5) write_properties(out, packet);
    out.finish();
}

namespace {

void encode_ack(Buffer& buffer, Version version, const Ack& packet, PacketType type,
                uint8_t flags = 0) {
    const bool has_properties = !packet.reason_string.empty() || !packet.user_properties.empty();
    const bool is_plain = packet.reason == ReasonCode::Success && !has_properties;
    if (is_plain || version != Version::V5) {  // one for each message: no detours
        const uint16_t id = packet.packet_id.value;
        const uint8_t raw[] = {uint8_t(uint8_t(type) << 4 | flags), 2, uint8_t(id >> 8),
                               uint8_t(id)};
        return put_bytes(buffer, raw);
    }
    PacketWriter out(buffer, type, flags);
    out.u16(packet.packet_id.value);
    out.u8(uint8_t(packet.reason));
    if (has_properties) out.answer_properties(packet.reason_string, packet.user_properties);
    out.finish();
}

}  // namespace

void encode_puback(Buffer& out, Version version, const Ack& packet) {
    encode_ack(out, version, packet, PacketType::Puback);
}
void encode_pubrec(Buffer& out, Version version, const Ack& packet) {
    encode_ack(out, version, packet, PacketType::Pubrec);
}
void encode_pubrel(Buffer& out, Version version, const Ack& packet) {
    encode_ack(out, version, packet, PacketType::Pubrel, 2);
}
void encode_pubcomp(Buffer& out, Version version, const Ack& packet) {
    encode_ack(out, version, packet, PacketType::Pubcomp);
}

namespace {

uint8_t options_byte(const SubscriptionOptions& options, Version version) {
    const auto qos = uint8_t(options.qos);
    if (version != Version::V5) return qos;
    return uint8_t(qos | (options.no_local ? 0x04 : 0) | (options.retain_as_published ? 0x08 : 0) |
                   uint8_t(options.retain_handling) << 4);
}

}  // namespace

void encode_subscribe(Buffer& buffer, Version version, const SubscribeRequest& packet) {
    PacketWriter out(buffer, PacketType::Subscribe, 2);
    out.u16(packet.packet_id.value);
    if (version == Version::V5) {
        out.begin_properties();
        if (packet.subscription_id != 0)
            out.number(PropertyId::SubscriptionIdentifier, packet.subscription_id);
        out.user_properties(packet.user_properties);
        out.end_properties();
    }
    for (const SubscribeEntry& entry : packet.entries) {
        out.text(entry.filter);
        out.u8(options_byte(entry.options, version));
    }
    out.finish();
}

void encode_unsubscribe(Buffer& buffer, Version version, const UnsubscribeRequest& packet) {
    PacketWriter out(buffer, PacketType::Unsubscribe, 2);
    out.u16(packet.packet_id.value);
    if (version == Version::V5) {
        out.begin_properties();
        out.user_properties(packet.user_properties);
        out.end_properties();
    }
    for (const std::string_view filter : packet.filters) out.text(filter);
    out.finish();
}

void encode_suback(Buffer& buffer, Version version, const Suback& packet) {
    PacketWriter out(buffer, PacketType::Suback);
    out.u16(packet.packet_id.value);
    if (version == Version::V5) {
        out.answer_properties(packet.reason_string, packet.user_properties);
        out.bytes(packet.reasons);
    } else {
        for (const uint8_t code : packet.reasons) out.u8(code <= 2 ? code : 0x80);
    }
    out.finish();
}

void encode_unsuback(Buffer& buffer, Version version, const Suback& packet) {
    PacketWriter out(buffer, PacketType::Unsuback);
    out.u16(packet.packet_id.value);
    if (version == Version::V5) {
        out.answer_properties(packet.reason_string, packet.user_properties);
        out.bytes(packet.reasons);
    }
    out.finish();
}

void encode_pingreq(Buffer& out) {
    PacketWriter(out, PacketType::Pingreq).finish();
}
void encode_pingresp(Buffer& out) {
    PacketWriter(out, PacketType::Pingresp).finish();
}

void encode_disconnect(Buffer& buffer, Version version, const Disconnect& packet) {
    PacketWriter out(buffer, PacketType::Disconnect);
    const bool has_properties = packet.session_expiry_s || !packet.reason_string.empty() ||
                                !packet.server_reference.empty() || !packet.user_properties.empty();
    if (version == Version::V5 && (has_properties || packet.reason != ReasonCode::Success)) {
        out.u8(uint8_t(packet.reason));
        if (has_properties) {
            out.begin_properties();
            out.number(PropertyId::SessionExpiryInterval, packet.session_expiry_s);
            out.text(PropertyId::ReasonString, packet.reason_string);
            out.text(PropertyId::ServerReference, packet.server_reference);
            out.user_properties(packet.user_properties);
            out.end_properties();
        }
    }
    out.finish();
}

void encode_auth(Buffer& buffer, const Auth& packet) {
    PacketWriter out(buffer, PacketType::Auth);
    const bool has_properties = packet.method || !packet.data.empty() ||
                                !packet.reason_string.empty() || !packet.user_properties.empty();
    if (has_properties || packet.reason != ReasonCode::Success) {
        out.u8(uint8_t(packet.reason));
        out.begin_properties();
        out.text(PropertyId::AuthenticationMethod, packet.method);
        out.text(PropertyId::AuthenticationData, as_text(packet.data));
        out.text(PropertyId::ReasonString, packet.reason_string);
        out.user_properties(packet.user_properties);
        out.end_properties();
    }
    out.finish();
}

}  // namespace godwit::mqtt
