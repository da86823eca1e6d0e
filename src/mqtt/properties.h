// The properties of MQTT 5.0: their identifiers, and views over an encoded property list. The views
// are made for lists that a decode function has checked; over other bytes they end at the first
// fault. What is allowed where is in property_table.h. Source: MQTT 5.0 section 2.2.2.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace godwit::mqtt {

enum class PropertyId : uint8_t {
    PayloadFormatIndicator = 0x01,
    MessageExpiryInterval = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0b,
    SessionExpiryInterval = 0x11,
    AssignedClientIdentifier = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelayInterval = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1a,
    ServerReference = 0x1c,
    ReasonString = 0x1f,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQos = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardSubscriptionAvailable = 0x28,
    SubscriptionIdentifierAvailable = 0x29,
    SharedSubscriptionAvailable = 0x2a,
};

/// One property as it stands in a list; which member holds the value follows from the identifier.
struct Property {
    PropertyId id{};
    uint32_t number = 0;     // bytes, integers, variable byte integers
    std::string_view text;   // strings and binary data; the name of a user property
    std::string_view value;  // the value of a user property
};

struct UserProperty {
    std::string_view name;
    std::string_view value;
};

/// Walks an encoded property list (without its length), all properties in their order. What
/// `Select` is not for is skipped; `*it` is what Select makes of a property.
template <class Select>
class PropertyIterator;
struct SelectAll;
struct SelectUserProperties;
struct SelectSubscriptionIds;

template <class Select>
class PropertyView {
public:
    using Iterator = PropertyIterator<Select>;
    PropertyView() = default;
    explicit PropertyView(Bytes encoded_properties) : encoded_(encoded_properties) {}
    Iterator begin() const { return Iterator(encoded_); }
    Iterator end() const { return Iterator(); }
    bool empty() const { return encoded_.empty() || begin() == end(); }
    /// The whole encoded property list under the view, with what the view skips.
    Bytes encoded() const { return encoded_; }

private:
    Bytes encoded_;
};

/// `for (const Property& p : PropertyList(publish.properties))`
using PropertyList = PropertyView<SelectAll>;
/// The user properties of one packet, in order. For encoding, see UserPropertyList in encoder.h.
using UserProperties = PropertyView<SelectUserProperties>;
/// The subscription identifiers of a PUBLISH from a server.
using SubscriptionIds = PropertyView<SelectSubscriptionIds>;

/// Takes the next property of a list whose form is known to be right from the front of `rest`;
/// nullopt at its end. @cost no allocation
std::optional<Property> take_property(Bytes& rest);

// --- definitions of the views ---

struct SelectAll {
    using Value = Property;
    static bool takes(const Property&) { return true; }
    static Value value(const Property& p) { return p; }
};
struct SelectUserProperties {
    using Value = UserProperty;
    static bool takes(const Property& p) { return p.id == PropertyId::UserProperty; }
    static Value value(const Property& p) { return {p.text, p.value}; }
};
struct SelectSubscriptionIds {
    using Value = uint32_t;
    static bool takes(const Property& p) { return p.id == PropertyId::SubscriptionIdentifier; }
    static Value value(const Property& p) { return p.number; }
};

template <class Select>
class PropertyIterator {
public:
    using value_type = typename Select::Value;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;
    using iterator_category = std::forward_iterator_tag;
    PropertyIterator() = default;
    explicit PropertyIterator(Bytes rest) : rest_(rest) { advance(); }
    const value_type& operator*() const { return current_; }
    const value_type* operator->() const { return &current_; }
    PropertyIterator& operator++() {
        advance();
        return *this;
    }
    PropertyIterator operator++(int) {
        const PropertyIterator before = *this;
        advance();
        return before;
    }
    bool operator==(const PropertyIterator& other) const {
        return done_ == other.done_ && (done_ || rest_.data() == other.rest_.data());
    }

private:
    void advance() {
        while (const auto property = take_property(rest_)) {
            if (!Select::takes(*property)) continue;
            current_ = Select::value(*property);
            done_ = false;
            return;
        }
        done_ = true;
    }

    Bytes rest_;
    value_type current_{};
    bool done_ = true;
};

}  // namespace godwit::mqtt
