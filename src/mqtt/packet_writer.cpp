#include "mqtt/packet_writer.h"

#include "base/assert.h"
#include "mqtt/property_table.h"

namespace godwit::mqtt {
namespace {

struct Varint {
    uint8_t raw[4];
    size_t size;
};

Varint to_varint(uint32_t value) {
    GW_ASSERT(value <= kRemainingLengthMax);
    Varint varint{};
    do {
        const auto low = uint8_t(value & 0x7f);
        value >>= 7;
        varint.raw[varint.size++] = value > 0 ? uint8_t(low | 0x80) : low;
    } while (value > 0);
    return varint;
}

}  // namespace

size_t varint_size(uint32_t value) {
    if (value < 1U << 7) return 1;
    if (value < 1U << 14) return 2;
    return value < 1U << 21 ? 3 : 4;
}

void put_varint(Buffer& out, uint32_t value) {
    const Varint varint = to_varint(value);
    out.insert(out.end(), varint.raw, varint.raw + varint.size);
}

void put_prefixed(Buffer& out, std::string_view text) {
    GW_ASSERT(text.size() <= 0xffff);
    put_u16(out, uint16_t(text.size()));
    put_text(out, text);
}

void put_property(Buffer& out, const Property& property) {
    const PropertyRow* row = find_property(uint32_t(property.id));
    GW_ASSERT(row != nullptr);
    put_u8(out, uint8_t(property.id));
    switch (row->type) {
        case PropertyType::Byte:
            return put_u8(out, uint8_t(property.number));
        case PropertyType::U16:
            return put_u16(out, uint16_t(property.number));
        case PropertyType::U32:
            return put_u32(out, property.number);
        case PropertyType::Varint:
            return put_varint(out, property.number);
        case PropertyType::Binary:
        case PropertyType::Text:
            return put_prefixed(out, property.text);
        case PropertyType::TextPair:
            put_prefixed(out, property.text);
            put_prefixed(out, property.value);
    }
}

void PacketWriter::text(std::string_view value) {
    put_prefixed(out_, value);
}

void PacketWriter::user_properties(const UserProperties& list) {
    for (const UserProperty& property : list)
        put_property(
            out_, {.id = PropertyId::UserProperty, .text = property.name, .value = property.value});
}

void PacketWriter::insert_length(size_t from) {
    const size_t size = out_.size() - from;
    GW_ASSERT(size <= kRemainingLengthMax);
    const Varint varint = to_varint(uint32_t(size));
    out_.insert(out_.begin() + std::ptrdiff_t(from), varint.raw, varint.raw + varint.size);
}

}  // namespace godwit::mqtt
