// The packets of MQTT 3.1, 3.1.1 and 5.0 as plain values. Text and byte members are views: into the
// received bytes after decoding, into the caller's memory before encoding. One struct serves both
// directions and all versions; what a version lacks stays at its default. Source: MQTT 5.0 section
// 3, MQTT 3.1.1 section 3, MQTT 3.1.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "mqtt/properties.h"
#include "mqtt/protocol.h"
#include "mqtt/reason_code.h"
#include "mqtt/subscribe_entries.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace godwit::mqtt {

struct Will {
    std::string_view topic;
    Bytes payload;
    Qos qos = Qos::AtMostOnce;
    bool retain = false;
    uint32_t delay_s = 0;
    std::optional<uint32_t> expiry_s;
    /// The whole encoded list of the will's properties as received (validated), without its length.
    /// append_forwarded_properties (encoder.h) takes from it what the message carries.
    Bytes properties;
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

    /// For a client: which of its subscriptions the server names.
    SubscriptionIds subscription_ids() const { return SubscriptionIds(properties); }
    UserProperties user_properties() const { return UserProperties(properties); }
};

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
struct Ack {
    PacketId packet_id;
    ReasonCode reason = ReasonCode::Success;
    std::string_view reason_string;
    UserProperties user_properties;
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
    Bytes reasons;  // one reason code byte for each filter; in a 3.x SUBACK 0, 1, 2 or 0x80
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

}  // namespace godwit::mqtt
