// The packets of MQTT 3.1, 3.1.1 and 5.0 as plain values. Text and byte members are views: into the
// received bytes after decoding, into the caller's memory before encoding. One struct serves both
// directions and all versions; what a version lacks stays at its default. Source: MQTT 5.0 section
// 3, MQTT 3.1.1 section 3, MQTT 3.1.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "mqtt/reason_code.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace godwit::mqtt {

enum class Version : uint8_t { V31 = 3, V311 = 4, V5 = 5 };
enum class Qos : uint8_t { AtMostOnce = 0, AtLeastOnce = 1, ExactlyOnce = 2 };

enum class PacketType : uint8_t {
    Reserved = 0,
    Connect,
    Connack,
    Publish,
    Puback,
    Pubrec,
    Pubrel,
    Pubcomp,
    Subscribe,
    Suback,
    Unsubscribe,
    Unsuback,
    Pingreq,
    Pingresp,
    Disconnect,
    Auth,
};

inline constexpr uint32_t kPacketBytesMax =
    268'435'460;  // 4 length bytes: 268,435,455 after a header of 5
inline constexpr uint32_t kNoExpiry = 0xffff'ffff;

struct UserProperty {
    std::string_view name;
    std::string_view value;
};

/// The user properties of one packet, in order, as a view over its encoded property list (other
/// properties are skipped). Decoded packets hold validated bytes; for encoding, see
/// UserPropertyList in encoder.h.
class UserProperties {
public:
    UserProperties() = default;
    explicit UserProperties(Bytes encoded_properties) : encoded_(encoded_properties) {}
    class Iterator;
    Iterator begin() const;
    Iterator end() const;
    bool empty() const;
    /// The encoded property list: user properties, and maybe others between them.
    Bytes encoded() const { return encoded_; }

private:
    Bytes encoded_;
};

struct Will {
    std::string_view topic;
    Bytes payload;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    uint32_t delay_s = 0;
    std::optional<uint32_t> expiry_s;
    /// Encoded properties that are forwarded with the message as they are (all but delay and
    /// expiry).
    Bytes forwarded_properties;
};

struct Connect {
    Version version = Version::V5;
    bool bridge = false;      // 3.x: high bit of the protocol level
    bool clean_start = true;  // clean session in 3.x
    uint16_t keepalive_s = 0;
    std::string_view client_id;
    std::optional<Will> will;
    std::optional<std::string_view> username;
    std::optional<Bytes> password;
    // 5.0
    uint32_t session_expiry_s = 0;
    uint16_t receive_maximum = 65535;
    uint32_t packet_bytes_max = kPacketBytesMax;
    uint16_t topic_alias_maximum = 0;
    bool request_response_information = false;
    bool request_problem_information = true;
    std::optional<std::string_view> auth_method;
    Bytes auth_data;
    UserProperties user_properties;
};

struct Connack {
    bool session_present = false;
    ReasonCode reason = ReasonCode::Success;  // encoder maps it to a 3.x return code where needed
    // 5.0; an absent optional is not sent
    std::optional<uint32_t> session_expiry_s;
    std::optional<uint16_t> receive_maximum;
    std::optional<Qos> maximum_qos;
    std::optional<bool> retain_available;
    std::optional<uint32_t> packet_bytes_max;
    std::string_view assigned_client_id;
    std::optional<uint16_t> topic_alias_maximum;
    std::string_view reason_string;
    UserProperties user_properties;
    std::optional<bool> wildcard_available;
    std::optional<bool> subscription_ids_available;
    std::optional<bool> shared_available;
    std::optional<uint16_t> server_keepalive_s;
    std::string_view response_information;
    std::string_view server_reference;
    std::optional<std::string_view> auth_method;
    Bytes auth_data;
};

struct Publish {
    bool dup = false;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    std::string_view topic;  // empty where only an alias was sent
    PacketId packet_id;      // 0 at QoS 0
    Bytes payload;
    // 5.0
    uint16_t topic_alias = 0;  // 0: none
    std::optional<uint32_t> expiry_s;
    /// The whole encoded property list as received (validated), without its length.
    Bytes properties;
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
    PacketId packet_id;
    ReasonCode reason = ReasonCode::Success;
    std::string_view reason_string;
    UserProperties user_properties;
};

enum class RetainHandling : uint8_t { SendAlways = 0, SendIfNew = 1, SendNever = 2 };

struct SubscriptionOptions {
    Qos qos = Qos::AtMostOnce;
    bool no_local = false;
    bool retain_as_published = false;
    RetainHandling retain_handling = RetainHandling::SendAlways;
    friend bool operator==(const SubscriptionOptions&, const SubscriptionOptions&) = default;
};

struct SubscribeEntry {
    std::string_view filter;  // as sent, "$share/..." included; not yet checked as a filter
    SubscriptionOptions options;
};

/// The entries of a SUBSCRIBE (or the filters of an UNSUBSCRIBE, options at their default), read
/// one by one from the validated bytes: `for (SubscribeEntry e : packet.entries)`.
class SubscribeEntries {
public:
    SubscribeEntries() = default;
    SubscribeEntries(Bytes encoded, Version version, bool with_options, uint32_t count)
        : encoded_(encoded), version_(version), with_options_(with_options), count_(count) {}
    class Iterator;
    Iterator begin() const;
    Iterator end() const;
    uint32_t size() const { return count_; }

private:
    Bytes encoded_;
    Version version_ = Version::V5;
    bool with_options_ = true;
    uint32_t count_ = 0;
};

struct Subscribe {
    PacketId packet_id;
    uint32_t subscription_id = 0;  // 0: none
    UserProperties user_properties;
    SubscribeEntries entries;
};

struct Unsubscribe {
    PacketId packet_id;
    UserProperties user_properties;
    SubscribeEntries entries;
};

/// SUBACK and UNSUBACK. On 3.x a decoded UNSUBACK has no reasons.
struct Suback {
    PacketId packet_id;
    std::string_view reason_string;
    UserProperties user_properties;
    Bytes reasons;  // one reason code byte for each filter
};

struct Disconnect {
    ReasonCode reason = ReasonCode::Success;
    std::optional<uint32_t> session_expiry_s;
    std::string_view reason_string;
    std::string_view server_reference;
    UserProperties user_properties;
};

struct Auth {
    ReasonCode reason = ReasonCode::Success;
    std::optional<std::string_view> method;
    Bytes data;
    std::string_view reason_string;
    UserProperties user_properties;
};

// --- iteration over encoded lists (defined in packets.cpp) ---

class UserProperties::Iterator {
public:
    using value_type = UserProperty;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Bytes rest) : rest_(rest) { advance(); }
    const UserProperty& operator*() const { return current_; }
    Iterator& operator++() {
        advance();
        return *this;
    }
    bool operator==(const Iterator& other) const {
        return done_ == other.done_ && (done_ || rest_.size() == other.rest_.size());
    }

private:
    void advance();
    Bytes rest_;
    UserProperty current_;
    bool done_ = true;
};

class SubscribeEntries::Iterator {
public:
    using value_type = SubscribeEntry;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(Bytes rest, Version version, bool with_options)
        : rest_(rest), version_(version), with_options_(with_options) {
        advance();
    }
    const SubscribeEntry& operator*() const { return current_; }
    Iterator& operator++() {
        advance();
        return *this;
    }
    bool operator==(const Iterator& other) const {
        return done_ == other.done_ && (done_ || rest_.size() == other.rest_.size());
    }

private:
    void advance();
    Bytes rest_;
    Version version_ = Version::V5;
    bool with_options_ = true;
    SubscribeEntry current_;
    bool done_ = true;
};

}  // namespace godwit::mqtt
