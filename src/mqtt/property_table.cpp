#include "mqtt/property_table.h"

#include <array>

namespace godwit::mqtt {
namespace {

using enum PacketType;

constexpr PropertyPlaces in(std::initializer_list<PacketType> types, PropertyPlaces more = 0) {
    for (const PacketType type : types) more |= place(type);
    return more;
}

constexpr PropertyPlaces kMessage = in({Publish}, kWillPlace);
constexpr PropertyPlaces kLogin = in({Connect, Connack, Auth});
constexpr PropertyPlaces kLimits = in({Connect, Connack});
constexpr PropertyPlaces kAnswers =
    in({Connack, Puback, Pubrec, Pubrel, Pubcomp, Suback, Unsuback, Disconnect, Auth});
constexpr PropertyPlaces kEverywhere =
    in({Connect, Publish, Subscribe, Unsubscribe}, kAnswers | kWillPlace);
constexpr PropertyPlaces kOnce = 0;

#define GW_PROPERTY(id, name, type, range, places, repeats_in)                              \
    PropertyRow {                                                                           \
        PropertyId::id, PropertyType::type, PropertyRange::range, places, repeats_in,       \
            GW_FIELD(name), name " does not belong in this packet", name " is there twice", \
            name " is out of range"                                                         \
    }

constexpr PropertyRow kRows[] = {
    GW_PROPERTY(PayloadFormatIndicator, "payload format indicator", Byte, ZeroOrOne, kMessage,
                kOnce),
    GW_PROPERTY(MessageExpiryInterval, "message expiry interval", U32, Any, kMessage, kOnce),
    GW_PROPERTY(ContentType, "content type", Text, Any, kMessage, kOnce),
    GW_PROPERTY(ResponseTopic, "response topic", Text, NoWildcard, kMessage, kOnce),
    GW_PROPERTY(CorrelationData, "correlation data", Binary, Any, kMessage, kOnce),
    GW_PROPERTY(SubscriptionIdentifier, "subscription identifier", Varint, NonZero,
                in({Publish, Subscribe}), in({Publish})),
    GW_PROPERTY(SessionExpiryInterval, "session expiry interval", U32, Any,
                in({Connect, Connack, Disconnect}), kOnce),
    GW_PROPERTY(AssignedClientIdentifier, "assigned client identifier", Text, Any, in({Connack}),
                kOnce),
    GW_PROPERTY(ServerKeepAlive, "server keep alive", U16, Any, in({Connack}), kOnce),
    GW_PROPERTY(AuthenticationMethod, "authentication method", Text, Any, kLogin, kOnce),
    GW_PROPERTY(AuthenticationData, "authentication data", Binary, Any, kLogin, kOnce),
    GW_PROPERTY(RequestProblemInformation, "request problem information", Byte, ZeroOrOne,
                in({Connect}), kOnce),
    GW_PROPERTY(WillDelayInterval, "will delay interval", U32, Any, kWillPlace, kOnce),
    GW_PROPERTY(RequestResponseInformation, "request response information", Byte, ZeroOrOne,
                in({Connect}), kOnce),
    GW_PROPERTY(ResponseInformation, "response information", Text, Any, in({Connack}), kOnce),
    GW_PROPERTY(ServerReference, "server reference", Text, Any, in({Connack, Disconnect}), kOnce),
    GW_PROPERTY(ReasonString, "reason string", Text, Any, kAnswers, kOnce),
    GW_PROPERTY(ReceiveMaximum, "receive maximum", U16, NonZero, kLimits, kOnce),
    GW_PROPERTY(TopicAliasMaximum, "topic alias maximum", U16, Any, kLimits, kOnce),
    GW_PROPERTY(TopicAlias, "topic alias", U16, Alias, in({Publish}), kOnce),
    GW_PROPERTY(MaximumQos, "maximum qos", Byte, ZeroOrOne, in({Connack}), kOnce),
    GW_PROPERTY(RetainAvailable, "retain available", Byte, ZeroOrOne, in({Connack}), kOnce),
    GW_PROPERTY(UserProperty, "user property", TextPair, Any, kEverywhere, kEverywhere),
    GW_PROPERTY(MaximumPacketSize, "maximum packet size", U32, NonZero, kLimits, kOnce),
    GW_PROPERTY(WildcardSubscriptionAvailable, "wildcard subscription available", Byte, ZeroOrOne,
                in({Connack}), kOnce),
    GW_PROPERTY(SubscriptionIdentifierAvailable, "subscription identifiers available", Byte,
                ZeroOrOne, in({Connack}), kOnce),
    GW_PROPERTY(SharedSubscriptionAvailable, "shared subscription available", Byte, ZeroOrOne,
                in({Connack}), kOnce),
};
#undef GW_PROPERTY

constexpr uint32_t kIdMax = uint32_t(PropertyId::SharedSubscriptionAvailable);

constexpr auto kRowOfId = [] {
    std::array<const PropertyRow*, kIdMax + 1> rows{};
    for (const PropertyRow& row : kRows) rows[size_t(row.id)] = &row;
    return rows;
}();

bool take_text(ByteReader& in, std::string_view& text) {
    const auto size = in.u16();
    const auto bytes = size ? in.bytes(*size) : std::nullopt;
    if (!bytes) return false;
    text = as_text(*bytes);
    return true;
}

template <class Number>
bool take_number(std::optional<Number> taken, uint32_t& number) {
    if (!taken) return false;
    number = *taken;
    return true;
}

}  // namespace

const PropertyRow* find_property(uint32_t id) {
    return id <= kIdMax ? kRowOfId[id] : nullptr;
}

std::optional<uint32_t> take_varint(ByteReader& in) {
    uint32_t value = 0;
    for (int shift = 0; shift <= 21; shift += 7) {
        const auto byte = in.u8();
        if (!byte) return std::nullopt;
        value |= uint32_t(*byte & 0x7f) << shift;
        if (*byte < 0x80) {
            if (*byte == 0 && shift > 0) return std::nullopt;  // [MQTT5-1.5.5-1]
            return value;
        }
    }
    return std::nullopt;
}

bool take_property_value(ByteReader& in, const PropertyRow& row, Property& property) {
    property.id = row.id;
    switch (row.type) {
        case PropertyType::Byte:
            return take_number(in.u8(), property.number);
        case PropertyType::U16:
            return take_number(in.u16(), property.number);
        case PropertyType::U32:
            return take_number(in.u32(), property.number);
        case PropertyType::Varint:
            return take_number(take_varint(in), property.number);
        case PropertyType::Binary:
        case PropertyType::Text:
            return take_text(in, property.text);
        case PropertyType::TextPair:
            return take_text(in, property.text) && take_text(in, property.value);
    }
    return false;
}

}  // namespace godwit::mqtt
