// How the decode functions read a packet: field after field, the first fault is kept, and after it
// every read gives an empty value. So a decode function reads like the layout in the specification
// and asks once, at its end.
#pragma once

#include "base/utf8.h"
#include "mqtt/decoder.h"
#include "mqtt/property_table.h"

namespace godwit::mqtt {

class PacketReader {
public:
    explicit PacketReader(const Frame& frame)
        : in_(frame.body), head_bytes_(frame.size - uint32_t(frame.body.size())) {}

    bool ok() const { return !failed_; }
    bool at_end() const { return in_.empty(); }
    Bytes unread() const { return in_.rest(); }

    uint8_t u8(const char* cut_off) {
        start_field();
        const auto value = in_.u8();
        if (!value) fail(ReasonCode::MalformedPacket, cut_off);
        return value.value_or(0);
    }
    uint16_t u16(const char* cut_off) {
        start_field();
        const auto value = in_.u16();
        if (!value) fail(ReasonCode::MalformedPacket, cut_off);
        return value.value_or(0);
    }
    /// Two bytes of length, then as many bytes.
    Bytes binary(const char* cut_off) {
        const uint16_t size = u16(cut_off);
        const auto value = in_.bytes(size);
        if (!value) fail(ReasonCode::MalformedPacket, cut_off);
        return value.value_or(Bytes());
    }
    /// The same, as well-formed UTF-8 [MQTT5-1.5.4-1] [MQTT5-1.5.4-2].
    std::string_view text(const FieldWords& words) {
        const std::string_view value = as_text(binary(words.cut_off));
        if (ok() && !is_mqtt_utf8(value)) {
            fail(ReasonCode::MalformedPacket, words.not_utf8);
            return {};
        }
        return value;
    }
    PacketId packet_id() {
        const PacketId id{u16("packet identifier is cut off")};
        if (id.value == 0) fail(ReasonCode::ProtocolError, "packet identifier is 0");
        return id;
    }
    /// A property list with its length in front; the list without it.
    Bytes property_list() {
        start_field();
        if (in_.remaining() > 0 && in_.rest()[0] == 0) return skip_empty_list();
        const auto size = take_varint(in_);
        const auto list = size ? in_.bytes(*size) : std::nullopt;
        if (!list) fail(ReasonCode::MalformedPacket, "property length is wrong");
        return list.value_or(Bytes());
    }
    /// What is left, as the payload.
    Bytes take_rest() {
        start_field();
        const Bytes rest = in_.rest();
        in_ = ByteReader(rest.last(0));
        return rest;
    }

    /// Notes a fault of the field read last, unless there was one before.
    void fail(ReasonCode reason, const char* what) { fail_at(field_, reason, what); }
    /// Notes a fault of what should come next.
    void fail_here(ReasonCode reason, const char* what) {
        fail_at(in_.rest().data(), reason, what);
    }
    /// Notes a fault at a place inside the packet.
    void fail_at(const uint8_t* place, ReasonCode reason, const char* what);
    /// Notes a fault of the fixed header.
    void fail_header(const char* what);

    /// The packet, or the first fault; bytes that are left over are one.
    template <class Packet>
    Result<Packet, DecodeError> finish(Packet packet) {
        if (!at_end()) {
            start_field();
            fail(ReasonCode::MalformedPacket, "bytes are left over after the packet's end");
        }
        if (failed_) return Err{error_};
        return packet;
    }

private:
    void start_field() { field_ = in_.rest().data(); }
    Bytes skip_empty_list() {
        in_.u8();
        return {};
    }

    ByteReader in_;
    const uint8_t* begin_ = in_.rest().data();
    const uint8_t* field_ = begin_;
    uint32_t head_bytes_;
    bool failed_ = false;
    DecodeError error_;
};

/// `flags` are the reserved ones of the type [MQTT5-2.1.3-1]. MQTT 3.1 calls them "not used".
inline void expect_flags(PacketReader& in, const Frame& frame, Version version, uint8_t flags) {
    if (frame.flags() != flags && version != Version::V31)
        in.fail_header("flags of the fixed header are wrong");
}

/// Reads and checks one property list, property by property:
///     PropertyScan scan(in, place(PacketType::Connect), limits);
///     while (const Property* property = scan.next()) switch (property->id) ...
class PropertyScan {
public:
    /// Reads the list's length from `in`, where every fault is noted.
    /// @param counted  properties of the same packet in lists before this one
    PropertyScan(PacketReader& in, PropertyPlaces place, const DecodeLimits& limits,
                 uint32_t counted = 0)
        : packet_(in),
          list_(in.property_list()),
          in_(list_),
          place_(place),
          count_(counted),
          count_max_(limits.properties_max) {}

    /// The next property; nullptr at the end and after a fault.
    /// @errors MalformedPacket: unknown, misplaced or cut off (MQTT 5.0 section 2.2.2.2);
    ///         ProtocolError: twice or out of range; TopicAliasInvalid; QuotaExceeded
    const Property* next() { return in_.empty() || !packet_.ok() ? nullptr : read(); }
    /// The whole list, without its length.
    Bytes encoded() const { return list_; }
    UserProperties user_properties() const { return UserProperties(list_); }
    uint32_t count() const { return count_; }

    /// Notes a fault of the property that next() gave last.
    void fail(ReasonCode reason, const char* what) { packet_.fail_at(property_, reason, what); }

private:
    const Property* read();
    const PropertyRow* read_identifier();
    void check_value(const PropertyRow& row);

    PacketReader& packet_;
    Bytes list_;
    ByteReader in_;
    PropertyPlaces place_;
    uint32_t count_;
    uint32_t count_max_;
    uint64_t seen_ = 0;
    const uint8_t* property_ = nullptr;
    Property current_;
};

}  // namespace godwit::mqtt
