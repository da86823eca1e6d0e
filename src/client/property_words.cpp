#include "client/property_words.h"

#include "base/utf8.h"
#include "mqtt/encoder.h"
#include "mqtt/property_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace godwit::client {

namespace {

using mqtt::PacketType;
using mqtt::PropertyId;
using mqtt::PropertyRow;
using mqtt::PropertyType;

struct NameRow {
    PropertyId id;
    std::string_view name;
};

constexpr NameRow kNames[] = {
    {PropertyId::PayloadFormatIndicator, "payload-format-indicator"},
    {PropertyId::MessageExpiryInterval, "message-expiry-interval"},
    {PropertyId::ContentType, "content-type"},
    {PropertyId::ResponseTopic, "response-topic"},
    {PropertyId::CorrelationData, "correlation-data"},
    {PropertyId::SubscriptionIdentifier, "subscription-identifier"},
    {PropertyId::SessionExpiryInterval, "session-expiry-interval"},
    {PropertyId::AuthenticationMethod, "authentication-method"},
    {PropertyId::AuthenticationData, "authentication-data"},
    {PropertyId::RequestProblemInformation, "request-problem-information"},
    {PropertyId::WillDelayInterval, "will-delay-interval"},
    {PropertyId::RequestResponseInformation, "request-response-information"},
    {PropertyId::ReasonString, "reason-string"},
    {PropertyId::ReceiveMaximum, "receive-maximum"},
    {PropertyId::TopicAliasMaximum, "topic-alias-maximum"},
    {PropertyId::TopicAlias, "topic-alias"},
    {PropertyId::UserProperty, "user-property"},
    {PropertyId::MaximumPacketSize, "maximum-packet-size"},
};

struct Command {
    std::string_view name;
    mqtt::PropertyPlaces place;
    Buffer PropertyLists::*list;
    PropertyId not_from_client;  // the table holds what either side may send
};

constexpr PropertyId kNone{};
constexpr Command kCommands[] = {
    {"connect", place(PacketType::Connect), &PropertyLists::connect, kNone},
    {"publish", place(PacketType::Publish), &PropertyLists::publish,
     PropertyId::SubscriptionIdentifier},  // [MQTT5-3.3.4-6]
    {"subscribe", place(PacketType::Subscribe), &PropertyLists::subscribe, kNone},
    {"unsubscribe", place(PacketType::Unsubscribe), &PropertyLists::unsubscribe, kNone},
    {"disconnect", place(PacketType::Disconnect), &PropertyLists::disconnect, kNone},
    {"will", mqtt::kWillPlace, &PropertyLists::will, kNone},
};

using Value = Result<mqtt::Property, std::string>;

uint32_t number_max(PropertyType type) {
    switch (type) {
        case PropertyType::Byte:
            return 255;
        case PropertyType::U16:
            return 65535;
        case PropertyType::Varint:
            return mqtt::kRemainingLengthMax;
        default:
            return std::numeric_limits<uint32_t>::max();
    }
}

bool is_number(PropertyType type) {
    return type == PropertyType::Byte || type == PropertyType::U16 || type == PropertyType::U32 ||
           type == PropertyType::Varint;
}

Value number_value(const PropertyRow& row, std::string_view word) {
    uint64_t number = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (failed != std::errc() || end != word.data() + word.size())
        return Err{fmt::format("\"{}\" is not a number", word)};
    uint32_t lowest = 0, highest = number_max(row.type);
    if (row.range == mqtt::PropertyRange::ZeroOrOne) highest = 1;
    if (row.range == mqtt::PropertyRange::NonZero || row.range == mqtt::PropertyRange::Alias)
        lowest = 1;
    if (number < lowest || number > highest)
        return Err{fmt::format("{} is not in {} .. {}", word, lowest, highest)};
    return mqtt::Property{.id = row.id, .number = uint32_t(number)};
}

Result<Done, std::string> check_text(const PropertyRow& row, std::string_view word) {
    if (word.size() > 65535) return Err{std::string("a value of more than 65535 bytes")};
    if (row.type != PropertyType::Binary && !is_mqtt_utf8(word))
        return Err{std::string("the value is not UTF-8")};
    if (row.range == mqtt::PropertyRange::NoWildcard &&
        word.find_first_of("+#") != std::string_view::npos)
        return Err{std::string("a topic name has no wildcards")};
    return Done{};
}

Value value_of(const PropertyRow& row, std::string_view first, std::string_view second) {
    const bool is_pair = row.type == PropertyType::TextPair;
    if (!is_pair && !second.empty()) return Err{fmt::format("\"{}\" is a word too many", second)};
    if (is_number(row.type)) return number_value(row, first);
    for (const std::string_view word : {first, second})
        if (const auto good = check_text(row, word); !good) return Err{good.error()};
    return mqtt::Property{.id = row.id, .text = first, .value = second};
}

bool is_in(Bytes list, PropertyId id) {
    for (const mqtt::Property& p : mqtt::PropertyList(list))
        if (p.id == id) return true;
    return false;
}

Result<Done, std::string> add(PropertyLists& lists, std::span<const std::string> words) {
    const auto* command = std::find_if(std::begin(kCommands), std::end(kCommands),
                                       [&](const Command& c) { return c.name == words[0]; });
    if (command == std::end(kCommands))
        return Err{
            fmt::format("\"{}\" is none of connect, publish, subscribe, unsubscribe, "
                        "disconnect, will",
                        words[0])};
    const auto* named = std::find_if(std::begin(kNames), std::end(kNames),
                                     [&](const NameRow& row) { return row.name == words[1]; });
    if (named == std::end(kNames)) return Err{fmt::format("no property \"{}\"", words[1])};
    const PropertyRow& row = *mqtt::find_property(uint32_t(named->id));
    if ((row.places & command->place) == 0 || command->not_from_client == row.id)
        return Err{fmt::format("{} does not belong to {}", words[1], words[0])};
    Buffer& list = lists.*command->list;
    if ((row.repeats_in & command->place) == 0 && is_in(list, row.id))
        return Err{std::string("it is there twice")};
    const auto value = value_of(row, words[2], words[3]);
    if (!value) return Err{value.error()};
    mqtt::put_property(list, *value);
    return Done{};
}

}  // namespace

std::string_view property_name(PropertyId id) {
    for (const NameRow& row : kNames)
        if (row.id == id) return row.name;
    return "";
}

Result<PropertyLists, std::string> parse_properties(std::span<const std::string> words) {
    PropertyLists lists;
    for (; words.size() >= 4; words = words.subspan(4)) {
        const auto added = add(lists, words.first(4));
        if (!added) return Err{fmt::format("-D {} {}: {}", words[0], words[1], added.error())};
    }
    if (!words.empty()) return Err{fmt::format("-D {}: COMMAND NAME VALUE is expected", words[0])};
    return lists;
}

std::optional<uint32_t> find_number(Bytes properties, PropertyId id) {
    for (const mqtt::Property& p : mqtt::PropertyList(properties))
        if (p.id == id) return p.number;
    return std::nullopt;
}

}  // namespace godwit::client
