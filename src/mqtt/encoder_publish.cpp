// PUBLISH: the head is measured first, then written once into room made for it.
#include "base/assert.h"
#include "mqtt/encoder.h"

#include <cstring>

namespace godwit::mqtt {
namespace {

constexpr size_t kAliasBytes = 3;
constexpr size_t kExpiryBytes = 5;

struct HeadSize {
    size_t properties = 0;  // without their length
    uint64_t head = 0;      // after the remaining length: topic, packet id, properties
};

HeadSize measure(Version version, const PublishHead& head) {
    HeadSize size;
    size.head = 2 + head.topic.size() + (head.qos == Qos::AtMostOnce ? 0 : 2);
    if (version != Version::V5) return size;
    size.properties = head.forwarded_properties.size();
    if (head.topic_alias != 0) size.properties += kAliasBytes;
    if (head.expiry_s) size.properties += kExpiryBytes;
    for (const uint32_t id : head.subscription_ids) size.properties += 1 + varint_size(id);
    size.head += varint_size(uint32_t(size.properties)) + size.properties;
    return size;
}

/// Writes into memory whose size has been measured.
class RawWriter {
public:
    explicit RawWriter(uint8_t* at) : at_(at) {}
    void u8(uint8_t value) { *at_++ = value; }
    void u16(uint16_t value) {
        u8(uint8_t(value >> 8));
        u8(uint8_t(value));
    }
    void u32(uint32_t value) {
        u16(uint16_t(value >> 16));
        u16(uint16_t(value));
    }
    void varint(uint32_t value) {
        for (; value >= 0x80; value >>= 7) u8(uint8_t(value | 0x80));
        u8(uint8_t(value));
    }
    void bytes(Bytes value) {
        if (!value.empty()) std::memcpy(at_, value.data(), value.size());
        at_ += value.size();
    }

private:
    uint8_t* at_;
};

void write_properties(RawWriter& out, const PublishHead& head, size_t size) {
    out.varint(uint32_t(size));
    if (size == 0) return;
    if (head.topic_alias != 0) {
        out.u8(uint8_t(PropertyId::TopicAlias));
        out.u16(head.topic_alias);
    }
    if (head.expiry_s) {
        out.u8(uint8_t(PropertyId::MessageExpiryInterval));
        out.u32(*head.expiry_s);
    }
    for (const uint32_t id : head.subscription_ids) {
        out.u8(uint8_t(PropertyId::SubscriptionIdentifier));
        out.varint(id);
    }
    out.bytes(head.forwarded_properties);
}

uint64_t packet_size(uint64_t remaining) {
    if (remaining > kRemainingLengthMax) return remaining + 5;
    return 1 + varint_size(uint32_t(remaining)) + remaining;
}

/// Appends the head, and `payload` if it is to follow at once: with one growth of `out`.
uint32_t append_publish(Buffer& out, Version version, const PublishHead& head, size_t payload_bytes,
                        Bytes payload) {
    const HeadSize size = measure(version, head);
    const uint64_t remaining = size.head + payload_bytes;
    GW_ASSERT(remaining <= kRemainingLengthMax && head.topic.size() <= 0xffff);
    const uint64_t packet_bytes = packet_size(remaining);
    const size_t start = out.size();
    out.resize(start + packet_bytes - payload_bytes + payload.size());
    RawWriter raw(out.data() + start);
    const auto flags =
        uint8_t((head.dup ? 0x08 : 0) | uint8_t(head.qos) << 1 | (head.retain ? 1 : 0));
    raw.u8(uint8_t(uint8_t(PacketType::Publish) << 4 | flags));
    raw.varint(uint32_t(remaining));
    raw.u16(uint16_t(head.topic.size()));
    raw.bytes(as_bytes(head.topic));
    if (head.qos != Qos::AtMostOnce) raw.u16(head.packet_id.value);
    if (version == Version::V5) write_properties(raw, head, size.properties);
    raw.bytes(payload);
    return uint32_t(packet_bytes);
}

}  // namespace

uint32_t encode_publish_head(Buffer& out, Version version, const PublishHead& head,
                             size_t payload_bytes) {
    return append_publish(out, version, head, payload_bytes, {});
}

uint64_t publish_size(Version version, const PublishHead& head, size_t payload_bytes) {
    return packet_size(measure(version, head).head + payload_bytes);
}

void encode_publish(Buffer& out, Version version, const PublishHead& head, Bytes payload) {
    append_publish(out, version, head, payload.size(), payload);
}

void append_forwarded_properties(Buffer& out, Bytes properties) {
    Bytes rest = properties;
    while (!rest.empty()) {
        const Bytes from = rest;
        const auto property = take_property(rest);
        if (!property) return;
        switch (property->id) {
            case PropertyId::TopicAlias:
            case PropertyId::MessageExpiryInterval:
            case PropertyId::SubscriptionIdentifier:
            case PropertyId::WillDelayInterval:
                break;
            default:
                put_bytes(out, from.first(from.size() - rest.size()));
        }
    }
}

}  // namespace godwit::mqtt
