// Packets to bytes, appended to a Buffer. Every function writes a whole packet in the given
// version, in its shortest form; what that version does not know (properties, reason codes) is left
// out. A text of more than 65,535 bytes or a packet of more than kPacketBytesMax breaks our own
// rule (GW_ASSERT): who lets such values in, checks them. Source: MQTT 5.0 sections 2 and 3,
// MQTT 3.1.1 sections 2 and 3, MQTT 3.1.
#pragma once

#include "mqtt/packets.h"

#include <initializer_list>

namespace godwit::mqtt {

/// Owns encoded user properties for sending: UserPropertyList list; list.add("a", "1");
/// packet.user_properties = list.view();
class UserPropertyList {
public:
    void add(std::string_view name, std::string_view value);
    UserProperties view() const { return UserProperties(encoded_); }

private:
    Buffer encoded_;
};

/// Appends one property, its identifier first; its type decides which members of `property` count.
void put_property(Buffer& out, const Property& property);

/// Bytes of `value` as a variable byte integer, 1..4. value <= kRemainingLengthMax.
size_t varint_size(uint32_t value);
void put_varint(Buffer& out, uint32_t value);

void encode_connect(Buffer& out, const Connect& packet);
void encode_connack(Buffer& out, Version version, const Connack& packet);
void encode_puback(Buffer& out, Version version, const Ack& packet);
void encode_pubrec(Buffer& out, Version version, const Ack& packet);
void encode_pubrel(Buffer& out, Version version, const Ack& packet);
void encode_pubcomp(Buffer& out, Version version, const Ack& packet);

/// What varies between the takers of one message.
struct PublishHead {
    bool dup = false;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    std::string_view topic;  // empty when only an alias goes out
    PacketId packet_id;
    // 5.0
    uint16_t topic_alias = 0;
    std::optional<uint32_t> expiry_s;
    std::span<const uint32_t> subscription_ids;
    Bytes forwarded_properties;  // encoded; written as they are
};
/// Writes everything of a PUBLISH up to its payload, with the lengths that a payload of
/// payload_bytes asks for.
/// @return  the size of the whole packet, payload included
uint32_t encode_publish_head(Buffer& out, Version version, const PublishHead& head,
                             size_t payload_bytes);
/// The size that encode_publish_head would return. @cost no writing
uint64_t publish_size(Version version, const PublishHead& head, size_t payload_bytes);
/// Head and payload in one.
void encode_publish(Buffer& out, Version version, const PublishHead& head, Bytes payload);

/// Copies from a received PUBLISH's or will's property list what is forwarded unaltered: all but
/// topic alias, message expiry, subscription identifiers and will delay. Order is kept.
/// [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] .. [MQTT5-3.3.2-20] [MQTT5-3.1.3-10]
void append_forwarded_properties(Buffer& out, Bytes properties);

struct SubscribeRequest {
    PacketId packet_id;
    uint32_t subscription_id = 0;
    UserProperties user_properties;
    std::span<const SubscribeEntry> entries;
};
void encode_subscribe(Buffer& out, Version version, const SubscribeRequest& packet);
struct UnsubscribeRequest {
    PacketId packet_id;
    UserProperties user_properties;
    std::span<const std::string_view> filters;
};
void encode_unsubscribe(Buffer& out, Version version, const UnsubscribeRequest& packet);
/// 3.x: codes above 2 are written as 0x80, the one failure that 3.1.1 knows; 3.1 knows none, and
/// clients of 3.1 are told the same.
void encode_suback(Buffer& out, Version version, const Suback& packet);
void encode_unsuback(Buffer& out, Version version, const Suback& packet);
void encode_pingreq(Buffer& out);
void encode_pingresp(Buffer& out);
/// 3.x has no DISCONNECT from the server: for a 3.x client it writes the bare packet of the
/// client's direction.
void encode_disconnect(Buffer& out, Version version, const Disconnect& packet);
void encode_auth(Buffer& out, const Auth& packet);

}  // namespace godwit::mqtt
