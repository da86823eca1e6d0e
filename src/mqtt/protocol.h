// The words that all packets share: versions, qualities of service, packet types, the two roles.
// Source: MQTT 5.0 sections 2.1.2 and 4.3, MQTT 3.1.1 section 2.2.1.
#pragma once

#include <cstdint>
#include <string_view>

namespace godwit::mqtt {

enum class Version : uint8_t { V31 = 3, V311 = 4, V5 = 5 };
/// "3.1", "3.1.1", "5.0"
constexpr std::string_view version_text(Version version) {
    return version == Version::V5 ? "5.0" : version == Version::V311 ? "3.1.1" : "3.1";
}

enum class Qos : uint8_t { AtMostOnce = 0, AtLeastOnce = 1, ExactlyOnce = 2 };

/// Whose packet it is. Some rules bind one side only: a client never sends a subscription
/// identifier with a PUBLISH, a server never a session expiry with a DISCONNECT.
enum class Sender : uint8_t { Client, Server };

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

/// The largest remaining length that its four bytes can say, and the packet around it.
inline constexpr uint32_t kRemainingLengthMax = 268'435'455;
inline constexpr uint32_t kPacketBytesMax = kRemainingLengthMax + 5;
inline constexpr uint32_t kNoExpiry = 0xffff'ffff;

}  // namespace godwit::mqtt
