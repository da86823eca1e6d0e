#include "mqtt/packet_reader.h"

#include "base/mutant.h"

namespace godwit::mqtt {

Bytes PacketReader::property_list() {
    field_ = at_;
    ByteReader in(unread());
    const auto size = take_varint(in);
    const auto list = size ? in.bytes(*size) : std::nullopt;
    if (!list) return fail(ReasonCode::MalformedPacket, "property length is wrong"), Bytes();
    at_ = in.rest().data();
    return *list;
}

void PacketReader::fail_at(const uint8_t* place, ReasonCode reason, const char* what) {
    note({reason, what, head_bytes_ + uint32_t(place - begin_)});
}

void PacketReader::fail_header(const char* what) {
    note({ReasonCode::MalformedPacket, what, 0});
}

void PacketReader::note(const DecodeError& error) {
    if (failed_) return;
    failed_ = true;
    error_ = error;
    at_ = end_;  // nothing more is read
}

const PropertyRow* PropertyScan::read_identifier() {
    property_ = in_.rest().data();
    const auto id = take_varint(in_);
    const PropertyRow* row = id ? find_property(*id) : nullptr;
    if (row == nullptr) {
        fail(ReasonCode::MalformedPacket, "property identifier is unknown");
        return nullptr;
    }
    if ((row->places & place_) == 0) {
        fail(ReasonCode::MalformedPacket, row->misplaced);
        return nullptr;
    }
    const uint64_t bit = uint64_t(1) << uint8_t(row->id);
    if ((seen_ & bit) != 0 && (row->repeats_in & place_) == 0) {
        fail(ReasonCode::ProtocolError, row->repeated);
        return nullptr;
    }
    seen_ |= bit;
    return row;
}

const Property* PropertyScan::read() {
    const PropertyRow* row = read_identifier();
    if (row == nullptr) return nullptr;
    if (++count_ > count_max_ && !GW_MUTANT(AnyPropertyCount)) {
        fail(ReasonCode::QuotaExceeded, "more properties than the limit allows");
        return nullptr;
    }
    current_ = {};
    if (!take_property_value(in_, *row, current_)) {
        fail(ReasonCode::MalformedPacket, row->words.cut_off);
        return nullptr;
    }
    check_value(*row);
    return packet_.ok() ? &current_ : nullptr;
}

void PropertyScan::check_value(const PropertyRow& row) {
    const bool is_text = row.type == PropertyType::Text || row.type == PropertyType::TextPair;
    if (is_text && !(is_mqtt_utf8(current_.text) && is_mqtt_utf8(current_.value)))
        return fail(ReasonCode::MalformedPacket, row.words.not_utf8);  // [MQTT5-1.5.7-1]
    const uint32_t number = current_.number;
    switch (row.range) {
        case PropertyRange::Any:
            return;
        case PropertyRange::ZeroOrOne:
            if (number > 1) fail(ReasonCode::ProtocolError, row.out_of_range);
            return;
        case PropertyRange::NonZero:
            if (number == 0) fail(ReasonCode::ProtocolError, row.out_of_range);
            return;
        case PropertyRange::Alias:
            if (number == 0) fail(ReasonCode::TopicAliasInvalid, row.out_of_range);
            return;
        case PropertyRange::NoWildcard:
            if (current_.text.find_first_of("+#") != std::string_view::npos)
                fail(ReasonCode::ProtocolError, "response topic has a wildcard");
            return;
    }
}

}  // namespace godwit::mqtt
