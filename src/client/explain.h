// What a person at a terminal is told: what went wrong, where, and what to do about it.
#pragma once

#include "client/client_protocol.h"
#include "client/endpoint.h"

namespace godwit::client {

/// "not authorized": a reason code in words.
std::string reason_words(mqtt::ReasonCode reason);

/// Why no connection could be made. @param code  errno
std::string explain_no_connection(int code, const Endpoint& endpoint, const std::string& address);

/// Why a connection of MQTT is over.
std::string explain_end(const Ended& end, const std::string& where);

/// Whether a further attempt may succeed where nobody changes anything.
bool is_worth_retrying(const Ended& end);

}  // namespace godwit::client
