#include "mqtt/packets.h"

#include "mqtt/property_table.h"

namespace godwit::mqtt {

std::optional<Property> take_property(Bytes& rest) {
    ByteReader in(rest);
    const auto id = take_varint(in);
    const PropertyRow* row = id ? find_property(*id) : nullptr;
    std::optional<Property> property(std::in_place);
    if (row == nullptr || !take_property_value(in, *row, *property)) {
        property.reset();
        return property;
    }
    rest = in.rest();
    return property;
}

namespace {

SubscriptionOptions options_from(uint8_t byte, Version version) {
    SubscriptionOptions options{.qos = Qos(byte & 3)};
    if (version != Version::V5) return options;
    options.no_local = (byte & 0x04) != 0;
    options.retain_as_published = (byte & 0x08) != 0;
    options.retain_handling = RetainHandling(byte >> 4 & 3);
    return options;
}

}  // namespace

void SubscribeEntries::Iterator::advance() {
    done_ = true;
    ByteReader in(rest_);
    const auto size = in.u16();
    const auto filter = size ? in.bytes(*size) : std::nullopt;
    if (!filter) return;
    current_ = {.filter = as_text(*filter)};
    if (with_options_) {
        const auto options = in.u8();
        if (!options) return;
        current_.options = options_from(*options, version_);
    }
    rest_ = in.rest();
    done_ = false;
}

}  // namespace godwit::mqtt
