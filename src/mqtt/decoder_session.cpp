// PINGREQ, PINGRESP, DISCONNECT and AUTH: what keeps, ends and renews a connection.
#include "mqtt/packet_reader.h"

namespace godwit::mqtt {

Result<Done, DecodeError> decode_ping(const Frame& frame, Version version) {
    PacketReader in(frame);
    expect_flags(in, frame, version, 0);
    return in.finish(Done{});
}

namespace {

/// @param sender  a server sends no session expiry [MQTT5-3.14.2-2], a client no server reference
void read_properties(PacketReader& in, Disconnect& packet, const DecodeLimits& limits,
                     Sender sender) {
    PropertyScan scan(in, place(PacketType::Disconnect), limits);
    while (const Property* property = scan.next()) {
        switch (property->id) {
            case PropertyId::SessionExpiryInterval:
                packet.session_expiry_s = property->number;
                if (sender == Sender::Server)
                    scan.fail(ReasonCode::ProtocolError, "session expiry interval from a server");
                break;
            case PropertyId::ServerReference:
                packet.server_reference = property->text;
                if (sender == Sender::Client)
                    scan.fail(ReasonCode::ProtocolError, "server reference from a client");
                break;
            case PropertyId::ReasonString:
                packet.reason_string = property->text;
                break;
            default:
                break;
        }
    }
    packet.user_properties = scan.user_properties();
}

}  // namespace

Result<Disconnect, DecodeError> decode_disconnect(const Frame& frame, Version version,
                                                  const DecodeLimits& limits, Sender sender) {
    PacketReader in(frame);
    Disconnect packet;
    expect_flags(in, frame, version, 0);
    if (version != Version::V5 || in.at_end()) return in.finish(packet);
    packet.reason = ReasonCode(in.u8("reason code is cut off"));
    if (!is_listed(packet.reason, PacketType::Disconnect, sender))  // [MQTT5-3.14.2-1]
        in.fail(ReasonCode::ProtocolError, "reason code is not one of DISCONNECT from this side");
    if (!in.at_end()) read_properties(in, packet, limits, sender);
    return in.finish(packet);
}

namespace {

void read_properties(PacketReader& in, Auth& packet, const DecodeLimits& limits) {
    PropertyScan scan(in, place(PacketType::Auth), limits);
    while (const Property* property = scan.next()) {
        switch (property->id) {
            case PropertyId::AuthenticationMethod:
                packet.method = property->text;
                break;
            case PropertyId::AuthenticationData:
                packet.data = as_bytes(property->text);
                break;
            case PropertyId::ReasonString:
                packet.reason_string = property->text;
                break;
            default:
                break;
        }
    }
    if (!packet.method) in.fail(ReasonCode::ProtocolError, "there is no authentication method");
    packet.user_properties = scan.user_properties();
}

}  // namespace

Result<Auth, DecodeError> decode_auth(const Frame& frame, const DecodeLimits& limits,
                                      Sender sender) {
    PacketReader in(frame);
    Auth packet;
    expect_flags(in, frame, Version::V5, 0);
    const bool is_short = in.at_end();  // "success", and no properties
    if (!is_short) packet.reason = ReasonCode(in.u8("reason code is cut off"));
    if (!is_listed(packet.reason, PacketType::Auth, sender))  // [MQTT5-3.15.2-1]
        in.fail(ReasonCode::ProtocolError, "reason code is not one of AUTH from this side");
    if (!is_short) read_properties(in, packet, limits);
    return in.finish(packet);
}

}  // namespace godwit::mqtt
