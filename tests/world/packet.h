// What a scripted client received, as values that own their bytes.
#pragma once

#include "mqtt/decoder.h"

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace godwit::mqtt {
/// For GoogleTest.
inline void PrintTo(ReasonCode code, std::ostream* out) {
    *out << reason_name(code);
}
inline void PrintTo(PacketType type, std::ostream* out) {
    *out << "type " << int(type);
}
}  // namespace godwit::mqtt

namespace godwit::world {

using Pairs = std::vector<std::pair<std::string, std::string>>;
/// Payloads in order of arrival.
using Messages = std::vector<std::string>;
using Codes = std::vector<mqtt::ReasonCode>;

/// One application message as it came. Compares and prints by all its fields.
struct Publish {
    std::string topic;  // what it means: an alias is resolved
    std::string payload;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    bool dup = false;
    uint16_t packet_id = 0;
    std::string wire_topic;  // as it stood in the packet
    uint16_t topic_alias = 0;
    std::optional<uint32_t> expiry_s;
    std::vector<uint32_t> subscription_ids;
    std::optional<uint32_t> payload_format;
    std::optional<std::string> content_type, response_topic, correlation;
    Pairs user_properties;
};

/// Any packet of the broker. The views of its decoded forms live as long as the client.
class Packet {
public:
    Packet(const mqtt::Frame& frame, mqtt::Version version);

    mqtt::PacketType type() const { return frame_.type(); }
    uint8_t flags() const { return frame_.flags(); }
    Bytes body() const { return frame_.body; }
    uint32_t size() const { return frame_.size; }

    // Each asserts that the packet is of this type and well formed.
    mqtt::Connack connack() const;
    mqtt::Ack ack() const;  // PUBACK, PUBREC, PUBREL, PUBCOMP
    mqtt::Suback suback() const;
    mqtt::Suback unsuback() const;
    mqtt::Disconnect disconnect() const;
    mqtt::Auth auth() const;
    mqtt::Publish publish() const;

private:
    std::unique_ptr<Buffer> bytes_;
    mqtt::Frame frame_;
    mqtt::Version version_;
};

Codes codes_of(const mqtt::Suback& packet);
Pairs pairs_of(const mqtt::UserProperties& properties);
/// Topic and all, but for the alias.
Publish publish_of(const mqtt::Publish& packet);

}  // namespace godwit::world
