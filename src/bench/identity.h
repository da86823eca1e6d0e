// Identity: who the clients of a run say they are.
#pragma once

#include "mqtt/packets.h"

#include <optional>
#include <string>

namespace godwit::bench {

struct Identity {
    mqtt::Version version = mqtt::Version::V5;
    /// Client ids are PREFIX-ROLE-NUMBER.
    std::string prefix;
    std::optional<std::string> username, password;
    uint16_t keepalive_s = 0;
    /// Of sessions that outlive their connection, in 5.0.
    uint32_t session_expiry_s = 3600;
};

/// How one client greets.
struct Greeting {
    char role = 'p';  // a letter in its client id
    uint32_t number = 0;
    bool clean = true;
    bool persistent = false;  // the session outlives the connection
};

/// Appends CONNECT.
void put_connect(Buffer& out, const Identity& identity, const Greeting& greeting);

}  // namespace godwit::bench
