// Login: who a client says it is and what it asks for in CONNECT. Owns its memory, because it is
// sent again on every reconnect. Source: MQTT 5.0 section 3.1, MQTT 3.1.1 section 3.1.
#pragma once

#include "mqtt/packets.h"

#include <optional>
#include <string>

namespace godwit::client {

struct WillMessage {
    std::string topic;
    std::string payload;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
    Buffer properties;  // 5.0: encoded list, as mqtt::put_property makes it
};

struct Login {
    mqtt::Version version = mqtt::Version::V5;
    std::string client_id;
    bool clean_start = true;
    uint16_t keepalive_s = 60;
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::optional<WillMessage> will;
    Buffer properties;  // 5.0: encoded list of CONNECT
};

/// The packet that says the same. @return  views into `login`
mqtt::Connect connect_packet(const Login& login);

}  // namespace godwit::client
