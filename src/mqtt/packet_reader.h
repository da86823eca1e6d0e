// How the decode functions read a packet: field after field, the first fault is kept, and after it
// every read gives an empty value. So a decode function reads like the layout in the specification
// and asks once, at its end.
#pragma once

#include "base/mutant.h"
#include "base/utf8.h"
#include "mqtt/decoder.h"
#include "mqtt/property_table.h"

namespace godwit::mqtt {

class PacketReader {
public:
    explicit PacketReader(const Frame& frame)
        : begin_(frame.body.data()),
          at_(begin_),
          end_(begin_ + frame.body.size()),
          field_(begin_),
          head_bytes_(frame.size - uint32_t(frame.body.size())) {}

    bool ok() const { return !failed_; }
    bool at_end() const { return at_ == end_; }
    Bytes unread() const { return {at_, end_}; }

    uint8_t u8(const char* cut_off) {
        field_ = at_;
        if (at_end()) return fail(ReasonCode::MalformedPacket, cut_off), uint8_t(0);
        return *at_++;
    }
    uint16_t u16(const char* cut_off) {
        field_ = at_;
        if (end_ - at_ < 2) return fail(ReasonCode::MalformedPacket, cut_off), uint16_t(0);
        at_ += 2;
        return uint16_t(at_[-2] << 8 | at_[-1]);
    }
    /// Two bytes of length, then as many bytes.
    Bytes binary(const char* cut_off) {
        const uint16_t size = u16(cut_off);
        if (end_ - at_ < size && !GW_MUTANT(ReadPastEnd))
            return fail(ReasonCode::MalformedPacket, cut_off), Bytes();
        at_ += size;
        return {at_ - size, size};
    }
    /// The same, as well-formed UTF-8 [MQTT5-1.5.4-1] [MQTT5-1.5.4-2].
    std::string_view text(const FieldWords& words) {
        const std::string_view value = as_text(binary(words.cut_off));
        if (!is_mqtt_utf8(value)) fail(ReasonCode::MalformedPacket, words.not_utf8);
        return value;
    }
    PacketId packet_id() {
        const PacketId id{u16("packet identifier is cut off")};
        if (id.value == 0) fail(ReasonCode::ProtocolError, "packet identifier is 0");
        return id;
    }
    /// A property list with its length in front; the list without it.
    Bytes property_list();
    /// Takes an empty property list, if that is what comes next: the usual case, cheaply.
    bool skip_empty_property_list() {
        if (at_end() || *at_ != 0) return false;
        ++at_;
        return true;
    }
    /// What is left, as the payload.
    Bytes take_rest() {
        field_ = at_;
        at_ = end_;
        return {field_, end_};
    }

    /// Notes a fault of the field read last, unless there was one before.
    void fail(ReasonCode reason, const char* what) { fail_at(field_, reason, what); }
    /// Notes a fault of what should come next.
    void fail_here(ReasonCode reason, const char* what) { fail_at(at_, reason, what); }
    /// Notes a fault at a place inside the packet.
    [[gnu::cold]] void fail_at(const uint8_t* place, ReasonCode reason, const char* what);
    /// Notes a fault of the fixed header.
    [[gnu::cold]] void fail_header(const char* what);

    /// The packet, or the first fault; bytes that are left over are one.
    template <class Packet>
    Result<Packet, DecodeError> finish(const Packet& packet) {
        if (!at_end())
            fail_here(ReasonCode::MalformedPacket, "bytes are left over after the packet's end");
        if (failed_) return Err{error_};
        return packet;
    }
    /// The first fault, if ok() is false.
    const DecodeError& error() const { return error_; }

private:
    void note(const DecodeError& error);

    const uint8_t* begin_;
    const uint8_t* at_;
    const uint8_t* end_;
    const uint8_t* field_;  // where the field read last begins
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
