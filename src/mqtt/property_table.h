// The table of MQTT 5.0 properties: identifier, type, in which packets, how often, which values.
// Decoding, and every check on properties that needs no session, comes from these rows. Source:
// MQTT 5.0 table 2-4 and the property sections of chapter 3.
#pragma once

#include "base/bytes.h"
#include "mqtt/properties.h"
#include "mqtt/protocol.h"

namespace godwit::mqtt {

enum class PropertyType : uint8_t { Byte, U16, U32, Varint, Binary, Text, TextPair };

/// What a value must be beyond its type.
enum class PropertyRange : uint8_t {
    Any,
    ZeroOrOne,
    NonZero,
    Alias,       // not 0, and a reason code of its own says so [MQTT5-3.3.2-8]
    NoWildcard,  // [MQTT5-3.3.2-14]
};

/// A set of the places where properties stand: packet types, and the will inside a CONNECT.
using PropertyPlaces = uint16_t;
constexpr PropertyPlaces place(PacketType type) {
    return PropertyPlaces(1U << uint8_t(type));
}
inline constexpr PropertyPlaces kWillPlace = 1;  // packet type 0 has no packets

/// The sentences of a log line about one field; literals, so that a refusal costs no text building.
struct FieldWords {
    const char* cut_off;
    const char* not_utf8;
};
#define GW_FIELD(name)                                       \
    ::godwit::mqtt::FieldWords {                             \
        name " is cut off", name " is not well-formed UTF-8" \
    }

struct PropertyRow {
    PropertyId id;
    PropertyType type;
    PropertyRange range;
    PropertyPlaces places;
    PropertyPlaces repeats_in;
    FieldWords words;
    const char* misplaced;
    const char* repeated;
    const char* out_of_range;
};

/// nullptr for an identifier that MQTT 5.0 does not have.
const PropertyRow* find_property(uint32_t id);

/// Takes a variable byte integer from the front; nullopt when it is cut off, longer than 4 bytes or
/// not in its shortest form [MQTT5-1.5.5-1].
std::optional<uint32_t> take_varint(ByteReader& in);

/// Takes the value of a property from the front into `property`, because a copy of one costs as
/// much as reading it. Text is not checked. @return  false when the value is cut off
[[nodiscard]] bool take_property_value(ByteReader& in, const PropertyRow& row, Property& property);

}  // namespace godwit::mqtt
