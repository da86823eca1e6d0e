// For tests and fuzzers: packets as text. Two packets are the same when their texts are; a failed
// comparison reads well.
#pragma once

#include "mqtt/testing/any_packet.h"

#include <fmt/format.h>
#include <string>

namespace godwit::mqtt::testing {

inline std::string hex(Bytes bytes) {
    std::string text;
    for (const uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
    return text;
}

inline std::string shown(std::string_view text) {
    return hex(as_bytes(text));
}
inline std::string shown(Bytes bytes) {
    return hex(bytes);
}
inline std::string shown(bool flag) {
    return flag ? "yes" : "no";
}
template <class Number>
requires std::is_integral_v<Number> std::string shown(Number number) {
    return fmt::format("{}", number);
}
template <class Enum>
requires std::is_enum_v<Enum> std::string shown(Enum value) {
    return fmt::format("{}", unsigned(value));
}
inline std::string shown(PacketId id) {
    return shown(id.value);
}
inline std::string shown(const UserProperties& list) {
    std::string text;
    for (const UserProperty& p : list) text += shown(p.name) + "=" + shown(p.value) + " ";
    return text;
}
inline std::string shown(const SubscribeEntries& entries) {
    std::string text;
    for (const SubscribeEntry& e : entries)
        text += fmt::format("{}:{}{}{}{} ", shown(e.filter), shown(e.options.qos),
                            shown(e.options.no_local), shown(e.options.retain_as_published),
                            shown(e.options.retain_handling));
    return text;
}
template <class T>
std::string shown(const std::optional<T>& value) {
    return value ? shown(*value) : "-";
}

/// The part of a property list that travels with a message.
inline std::string forwarded(Bytes properties) {
    Buffer kept;
    append_forwarded_properties(kept, properties);
    return hex(kept);
}

template <class... Fields>
std::string line(const Fields&... fields) {
    std::string text;
    ((text += shown(fields) + "|"), ...);
    return text;
}

struct Dump {
    std::string operator()(const Connect& p) const {
        std::string will = "no will";
        if (p.will)
            will = line(p.will->topic, p.will->payload, p.will->qos, p.will->retain,
                        p.will->delay_s, p.will->expiry_s) +
                   forwarded(p.will->properties);
        return line(p.version, p.bridge, p.clean_start, p.keepalive_s, p.client_id, p.username,
                    p.password, p.session_expiry_s, p.receive_maximum, p.packet_bytes_max,
                    p.topic_alias_maximum, p.request_response_information,
                    p.request_problem_information, p.auth_method, p.auth_data, p.user_properties) +
               will;
    }
    std::string operator()(const Connack& p) const {
        return line(p.session_present, p.reason, p.session_expiry_s, p.receive_maximum,
                    p.maximum_qos, p.retain_available, p.packet_bytes_max, p.assigned_client_id,
                    p.topic_alias_maximum, p.reason_string, p.user_properties, p.wildcard_available,
                    p.subscription_ids_available, p.shared_available, p.server_keepalive_s,
                    p.response_information, p.server_reference, p.auth_method, p.auth_data);
    }
    std::string operator()(const Publish& p) const {
        std::string ids;
        for (const uint32_t id : p.subscription_ids()) ids += shown(id) + " ";
        return line(p.dup, p.qos, p.retain, p.topic, p.packet_id, p.payload, p.topic_alias,
                    p.expiry_s) +
               ids + forwarded(p.properties);
    }
    std::string operator()(const Ack& p) const {
        return line(p.packet_id, p.reason, p.reason_string, p.user_properties);
    }
    std::string operator()(const Subscribe& p) const {
        return line(p.packet_id, p.subscription_id, p.user_properties, p.entries);
    }
    std::string operator()(const Unsubscribe& p) const {
        return line(p.packet_id, p.user_properties, p.entries);
    }
    std::string operator()(const Suback& p) const {
        return line(p.packet_id, p.reason_string, p.user_properties, p.reasons);
    }
    std::string operator()(const Done&) const { return ""; }
    std::string operator()(const Disconnect& p) const {
        return line(p.reason, p.session_expiry_s, p.reason_string, p.server_reference,
                    p.user_properties);
    }
    std::string operator()(const Auth& p) const {
        return line(p.reason, p.method, p.data, p.reason_string, p.user_properties);
    }
};

inline std::string dump(const AnyPacket& packet) {
    return shown(packet.type) + " " + std::visit(Dump{}, packet.body);
}
inline std::string dump(const DecodeError& error) {
    return fmt::format("{} at {}: {}", reason_name(error.reason), error.offset, error.what);
}
inline std::string dump(const Result<AnyPacket, DecodeError>& result) {
    return result ? dump(*result) : dump(result.error());
}

}  // namespace godwit::mqtt::testing
