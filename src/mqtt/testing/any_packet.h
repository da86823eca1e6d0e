// For tests and fuzzers: any packet as one value, decoded and encoded by its type, as a session or
// a client would dispatch it.
#pragma once

#include "mqtt/decoder.h"
#include "mqtt/encoder.h"

#include <variant>
#include <vector>

namespace godwit::mqtt::testing {

using PacketBody = std::variant<Connect, Connack, Publish, Ack, Subscribe, Suback, Unsubscribe,
                                Done, Disconnect, Auth>;

struct AnyPacket {
    PacketType type = PacketType::Reserved;
    PacketBody body = Done{};
};

template <class Packet>
Result<AnyPacket, DecodeError> as_any(PacketType type, Result<Packet, DecodeError> packet) {
    if (!packet) return Err{packet.error()};
    return AnyPacket{type, *packet};
}

/// CONNECT tells its own version; `version` is for the others.
inline Result<AnyPacket, DecodeError> decode_any(const Frame& frame, Version version, Sender sender,
                                                 const DecodeLimits& limits = {}) {
    const PacketType type = frame.type();
    const bool is_client = sender == Sender::Client;
    switch (type) {
        case PacketType::Connect:
            if (is_client) return as_any(type, decode_connect(frame, limits));
            break;
        case PacketType::Connack:
            if (!is_client) return as_any(type, decode_connack(frame, version, limits));
            break;
        case PacketType::Publish:
            return as_any(type, decode_publish(frame, version, limits, sender));
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp:
            return as_any(type, decode_ack(frame, version, limits));
        case PacketType::Subscribe:
            if (is_client) return as_any(type, decode_subscribe(frame, version, limits));
            break;
        case PacketType::Suback:
            if (!is_client) return as_any(type, decode_suback(frame, version, limits));
            break;
        case PacketType::Unsubscribe:
            if (is_client) return as_any(type, decode_unsubscribe(frame, version, limits));
            break;
        case PacketType::Unsuback:
            if (!is_client) return as_any(type, decode_unsuback(frame, version, limits));
            break;
        case PacketType::Pingreq:
        case PacketType::Pingresp:
            if (is_client == (type == PacketType::Pingreq))
                return as_any(type, decode_ping(frame, version));
            break;
        case PacketType::Disconnect:
            if (is_client || version == Version::V5)
                return as_any(type, decode_disconnect(frame, version, limits, sender));
            break;
        case PacketType::Auth:
            if (version == Version::V5) return as_any(type, decode_auth(frame, limits, sender));
            break;
        case PacketType::Reserved:
            break;
    }
    return Err{unexpected_packet(frame, version, sender)};
}

/// One call for each body, the packet type telling apart those that share one.
struct AnyEncoder {
    Buffer& out;
    Version version;
    PacketType type;

    void operator()(const Connect& p) const { encode_connect(out, p); }
    void operator()(const Connack& p) const { encode_connack(out, version, p); }
    void operator()(const Publish& p) const {
        std::vector<uint32_t> ids;
        for (const uint32_t id : p.subscription_ids()) ids.push_back(id);
        Buffer forwarded;
        append_forwarded_properties(forwarded, p.properties);
        const PublishHead head{.dup = p.dup,
                               .qos = p.qos,
                               .retain = p.retain,
                               .topic = p.topic,
                               .packet_id = p.packet_id,
                               .topic_alias = p.topic_alias,
                               .expiry_s = p.expiry_s,
                               .subscription_ids = ids,
                               .forwarded_properties = forwarded};
        const size_t before = out.size();
        encode_publish(out, version, head, p.payload);
        GW_ASSERT(out.size() - before == publish_size(version, head, p.payload.size()));
    }
    void operator()(const Ack& p) const {
        switch (type) {
            case PacketType::Puback:
                return encode_puback(out, version, p);
            case PacketType::Pubrec:
                return encode_pubrec(out, version, p);
            case PacketType::Pubrel:
                return encode_pubrel(out, version, p);
            default:
                return encode_pubcomp(out, version, p);
        }
    }
    void operator()(const Subscribe& p) const {
        std::vector<SubscribeEntry> entries;
        for (const SubscribeEntry& entry : p.entries) entries.push_back(entry);
        GW_ASSERT(entries.size() == p.entries.size());
        encode_subscribe(out, version,
                         {p.packet_id, p.subscription_id, p.user_properties, entries});
    }
    void operator()(const Unsubscribe& p) const {
        std::vector<std::string_view> filters;
        for (const SubscribeEntry& entry : p.entries) filters.push_back(entry.filter);
        GW_ASSERT(filters.size() == p.entries.size());
        encode_unsubscribe(out, version, {p.packet_id, p.user_properties, filters});
    }
    void operator()(const Suback& p) const {
        if (type == PacketType::Suback) return encode_suback(out, version, p);
        encode_unsuback(out, version, p);
    }
    void operator()(const Done&) const {
        if (type == PacketType::Pingreq) return encode_pingreq(out);
        encode_pingresp(out);
    }
    void operator()(const Disconnect& p) const { encode_disconnect(out, version, p); }
    void operator()(const Auth& p) const { encode_auth(out, p); }
};

inline void encode_any(Buffer& out, Version version, const AnyPacket& packet) {
    std::visit(AnyEncoder{out, version, packet.type}, packet.body);
}

}  // namespace godwit::mqtt::testing
