// Reason codes of MQTT 5.0, used inside for all versions, and their names for logs.
// Source: MQTT 5.0 section 2.4; return codes of 3.x: MQTT 3.1.1 section 3.2.2.3.
#pragma once

#include "mqtt/protocol.h"

#include <cstdint>
#include <string_view>

namespace godwit::mqtt {

enum class ReasonCode : uint8_t {
    Success = 0x00,  // also: normal disconnection, granted QoS 0
    GrantedQos1 = 0x01,
    GrantedQos2 = 0x02,
    DisconnectWithWill = 0x04,
    NoMatchingSubscribers = 0x10,
    NoSubscriptionExisted = 0x11,
    ContinueAuthentication = 0x18,
    ReAuthenticate = 0x19,
    UnspecifiedError = 0x80,
    MalformedPacket = 0x81,
    ProtocolError = 0x82,
    ImplementationSpecificError = 0x83,
    UnsupportedProtocolVersion = 0x84,
    ClientIdentifierNotValid = 0x85,
    BadUserNameOrPassword = 0x86,
    NotAuthorized = 0x87,
    ServerUnavailable = 0x88,
    ServerBusy = 0x89,
    Banned = 0x8a,
    ServerShuttingDown = 0x8b,
    BadAuthenticationMethod = 0x8c,
    KeepAliveTimeout = 0x8d,
    SessionTakenOver = 0x8e,
    TopicFilterInvalid = 0x8f,
    TopicNameInvalid = 0x90,
    PacketIdentifierInUse = 0x91,
    PacketIdentifierNotFound = 0x92,
    ReceiveMaximumExceeded = 0x93,
    TopicAliasInvalid = 0x94,
    PacketTooLarge = 0x95,
    MessageRateTooHigh = 0x96,
    QuotaExceeded = 0x97,
    AdministrativeAction = 0x98,
    PayloadFormatInvalid = 0x99,
    RetainNotSupported = 0x9a,
    QosNotSupported = 0x9b,
    UseAnotherServer = 0x9c,
    ServerMoved = 0x9d,
    SharedSubscriptionsNotSupported = 0x9e,
    ConnectionRateExceeded = 0x9f,
    MaximumConnectTime = 0xa0,
    SubscriptionIdentifiersNotSupported = 0xa1,
    WildcardSubscriptionsNotSupported = 0xa2,
};

inline bool is_error(ReasonCode code) {
    return uint8_t(code) >= 0x80;
}

/// "session_taken_over"; for logs and metrics. Unknown codes give "unknown".
std::string_view reason_name(ReasonCode code);

/// The CONNACK return code 0..5 of MQTT 3.x that says the same; codes without a counterpart give 3
/// (server unavailable).
uint8_t to_v3_return_code(ReasonCode code);
/// The other way, for a client. UnspecifiedError for codes above 5, which 3.x reserves.
ReasonCode from_v3_return_code(uint8_t return_code);

/// Whether MQTT 5.0 lists the code for packets of this type from this side. [MQTT5-3.2.2-8]
/// [MQTT5-3.4.2-1] [MQTT5-3.5.2-1] [MQTT5-3.6.2-1] [MQTT5-3.7.2-1] [MQTT5-3.9.3-2]
/// [MQTT5-3.11.3-2] [MQTT5-3.14.2-1] [MQTT5-3.15.2-1]
bool is_listed(ReasonCode code, PacketType type, Sender sender);

}  // namespace godwit::mqtt
