#include "mqtt/reason_code.h"

#include <array>

namespace godwit::mqtt {
namespace {

using enum PacketType;
using PacketTypes = uint16_t;

constexpr PacketTypes in(std::initializer_list<PacketType> types) {
    PacketTypes set = 0;
    for (const PacketType type : types) set |= PacketTypes(1U << uint8_t(type));
    return set;
}

/// One reason code: its name, and in which packets of the client and of the server it is listed.
struct ReasonRow {
    ReasonCode code;
    std::string_view name;
    PacketTypes from_client;
    PacketTypes from_server;
};

constexpr PacketTypes kNone = 0;
constexpr PacketTypes kAcks = in({Puback, Pubrec, Pubrel, Pubcomp});
constexpr PacketTypes kReceipts = in({Puback, Pubrec});
constexpr PacketTypes kReleases = in({Pubrel, Pubcomp});
constexpr PacketTypes kEnd = in({Disconnect});
constexpr PacketTypes kGrants = in({Suback, Unsuback});

// Source: MQTT 5.0 table 2-6 and the reason code tables of chapter 3.
constexpr ReasonRow kRows[] = {
    {ReasonCode::Success, "success", kAcks | kEnd, kAcks | kEnd | kGrants | in({Connack, Auth})},
    {ReasonCode::GrantedQos1, "granted_qos_1", kNone, in({Suback})},
    {ReasonCode::GrantedQos2, "granted_qos_2", kNone, in({Suback})},
    {ReasonCode::DisconnectWithWill, "disconnect_with_will", kEnd, kNone},
    {ReasonCode::NoMatchingSubscribers, "no_matching_subscribers", kReceipts, kReceipts},
    {ReasonCode::NoSubscriptionExisted, "no_subscription_existed", kNone, in({Unsuback})},
    {ReasonCode::ContinueAuthentication, "continue_authentication", in({Auth}), in({Auth})},
    {ReasonCode::ReAuthenticate, "re_authenticate", in({Auth}), kNone},
    {ReasonCode::UnspecifiedError, "unspecified_error", kReceipts | kEnd,
     kReceipts | kEnd | kGrants | in({Connack})},
    {ReasonCode::MalformedPacket, "malformed_packet", kEnd, kEnd | in({Connack})},
    {ReasonCode::ProtocolError, "protocol_error", kEnd, kEnd | in({Connack})},
    {ReasonCode::ImplementationSpecificError, "implementation_specific_error", kReceipts | kEnd,
     kReceipts | kEnd | kGrants | in({Connack})},
    {ReasonCode::UnsupportedProtocolVersion, "unsupported_protocol_version", kNone, in({Connack})},
    {ReasonCode::ClientIdentifierNotValid, "client_identifier_not_valid", kNone, in({Connack})},
    {ReasonCode::BadUserNameOrPassword, "bad_user_name_or_password", kNone, in({Connack})},
    {ReasonCode::NotAuthorized, "not_authorized", kReceipts,
     kReceipts | kEnd | kGrants | in({Connack})},
    {ReasonCode::ServerUnavailable, "server_unavailable", kNone, in({Connack})},
    {ReasonCode::ServerBusy, "server_busy", kNone, kEnd | in({Connack})},
    {ReasonCode::Banned, "banned", kNone, in({Connack})},
    {ReasonCode::ServerShuttingDown, "server_shutting_down", kNone, kEnd},
    // Table 2-6 lists it for DISCONNECT, the table of DISCONNECT itself does not.
    {ReasonCode::BadAuthenticationMethod, "bad_authentication_method", kNone, kEnd | in({Connack})},
    {ReasonCode::KeepAliveTimeout, "keep_alive_timeout", kNone, kEnd},
    {ReasonCode::SessionTakenOver, "session_taken_over", kNone, kEnd},
    {ReasonCode::TopicFilterInvalid, "topic_filter_invalid", kNone, kEnd | kGrants},
    {ReasonCode::TopicNameInvalid, "topic_name_invalid", kReceipts | kEnd,
     kReceipts | kEnd | in({Connack})},
    {ReasonCode::PacketIdentifierInUse, "packet_identifier_in_use", kReceipts, kReceipts | kGrants},
    {ReasonCode::PacketIdentifierNotFound, "packet_identifier_not_found", kReleases, kReleases},
    {ReasonCode::ReceiveMaximumExceeded, "receive_maximum_exceeded", kEnd, kEnd},
    {ReasonCode::TopicAliasInvalid, "topic_alias_invalid", kEnd, kEnd},
    {ReasonCode::PacketTooLarge, "packet_too_large", kEnd, kEnd | in({Connack})},
    {ReasonCode::MessageRateTooHigh, "message_rate_too_high", kEnd, kEnd},
    {ReasonCode::QuotaExceeded, "quota_exceeded", kReceipts | kEnd,
     kReceipts | kEnd | in({Connack, Suback})},
    {ReasonCode::AdministrativeAction, "administrative_action", kEnd, kEnd},
    {ReasonCode::PayloadFormatInvalid, "payload_format_invalid", kReceipts | kEnd,
     kReceipts | kEnd | in({Connack})},
    {ReasonCode::RetainNotSupported, "retain_not_supported", kNone, kEnd | in({Connack})},
    {ReasonCode::QosNotSupported, "qos_not_supported", kNone, kEnd | in({Connack})},
    {ReasonCode::UseAnotherServer, "use_another_server", kNone, kEnd | in({Connack})},
    {ReasonCode::ServerMoved, "server_moved", kNone, kEnd | in({Connack})},
    {ReasonCode::SharedSubscriptionsNotSupported, "shared_subscriptions_not_supported", kNone,
     kEnd | in({Suback})},
    {ReasonCode::ConnectionRateExceeded, "connection_rate_exceeded", kNone, kEnd | in({Connack})},
    {ReasonCode::MaximumConnectTime, "maximum_connect_time", kNone, kEnd},
    {ReasonCode::SubscriptionIdentifiersNotSupported, "subscription_identifiers_not_supported",
     kNone, kEnd | in({Suback})},
    {ReasonCode::WildcardSubscriptionsNotSupported, "wildcard_subscriptions_not_supported", kNone,
     kEnd | in({Suback})},
};

constexpr auto kRowOfCode = [] {
    std::array<const ReasonRow*, 256> rows{};
    for (const ReasonRow& row : kRows) rows[uint8_t(row.code)] = &row;
    return rows;
}();

}  // namespace

std::string_view reason_name(ReasonCode code) {
    const ReasonRow* row = kRowOfCode[uint8_t(code)];
    return row == nullptr ? "unknown" : row->name;
}

uint8_t to_v3_return_code(ReasonCode code) {
    switch (code) {
        case ReasonCode::Success:
            return 0;
        case ReasonCode::UnsupportedProtocolVersion:
            return 1;
        case ReasonCode::ClientIdentifierNotValid:
            return 2;
        case ReasonCode::BadUserNameOrPassword:
            return 4;
        case ReasonCode::NotAuthorized:
        case ReasonCode::Banned:
            return 5;
        default:
            return 3;
    }
}

ReasonCode from_v3_return_code(uint8_t return_code) {
    switch (return_code) {
        case 0:
            return ReasonCode::Success;
        case 1:
            return ReasonCode::UnsupportedProtocolVersion;
        case 2:
            return ReasonCode::ClientIdentifierNotValid;
        case 3:
            return ReasonCode::ServerUnavailable;
        case 4:
            return ReasonCode::BadUserNameOrPassword;
        case 5:
            return ReasonCode::NotAuthorized;
        default:
            return ReasonCode::UnspecifiedError;
    }
}

bool is_listed(ReasonCode code, PacketType type, Sender sender) {
    const ReasonRow* row = kRowOfCode[uint8_t(code)];
    if (row == nullptr) return false;
    const PacketTypes types = sender == Sender::Client ? row->from_client : row->from_server;
    return (types >> uint8_t(type) & 1) != 0;
}

}  // namespace godwit::mqtt
