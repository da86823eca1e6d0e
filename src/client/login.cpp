#include "client/login.h"

#include <algorithm>

namespace godwit::client {

namespace {

void take_properties(mqtt::Connect& packet, Bytes properties) {
    for (const mqtt::Property& p : mqtt::PropertyList(properties)) {
        switch (p.id) {
            case mqtt::PropertyId::SessionExpiryInterval:
                packet.session_expiry_s = p.number;
                break;
            case mqtt::PropertyId::ReceiveMaximum:
                packet.receive_maximum = uint16_t(p.number);
                break;
            case mqtt::PropertyId::MaximumPacketSize:
                packet.packet_bytes_max = std::min(p.number, mqtt::kPacketBytesMax);
                break;
            case mqtt::PropertyId::TopicAliasMaximum:
                packet.topic_alias_maximum = uint16_t(p.number);
                break;
            case mqtt::PropertyId::RequestResponseInformation:
                packet.request_response_information = p.number != 0;
                break;
            case mqtt::PropertyId::RequestProblemInformation:
                packet.request_problem_information = p.number != 0;
                break;
            case mqtt::PropertyId::AuthenticationMethod:
                packet.auth_method = p.text;
                break;
            case mqtt::PropertyId::AuthenticationData:
                packet.auth_data = as_bytes(p.text);
                break;
            default:
                break;
        }
    }
    packet.user_properties = mqtt::UserProperties(properties);
}

mqtt::Will will_packet(const WillMessage& will) {
    mqtt::Will packet{.topic = will.topic,
                      .payload = as_bytes(will.payload),
                      .qos = will.qos,
                      .retain = will.retain,
                      .properties = will.properties};
    for (const mqtt::Property& p : mqtt::PropertyList(will.properties)) {
        if (p.id == mqtt::PropertyId::WillDelayInterval) packet.delay_s = p.number;
        if (p.id == mqtt::PropertyId::MessageExpiryInterval) packet.expiry_s = p.number;
    }
    return packet;
}

}  // namespace

mqtt::Connect connect_packet(const Login& login) {
    mqtt::Connect packet{.version = login.version,
                         .clean_start = login.clean_start,
                         .keepalive_s = login.keepalive_s,
                         .client_id = login.client_id};
    if (login.will) packet.will = will_packet(*login.will);
    if (login.username) packet.username = *login.username;
    if (login.password) packet.password = as_bytes(*login.password);
    take_properties(packet, login.properties);
    return packet;
}

}  // namespace godwit::client
