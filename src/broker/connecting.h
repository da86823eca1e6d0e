// Connecting: from CONNECT to an online session. The shard that reads CONNECT finds the session's
// home; the connection moves there, once, and CONNECT is handled there. Who the client is, the
// authenticator says (a Verdict input). Source: MQTT 5.0 sections 3.1, 3.2, 3.15, 4.12; MQTT 3.1.1
// sections 3.1, 3.2
#pragma once

#include "broker/core.h"
#include "mqtt/decoder.h"

namespace godwit::broker {

void on_accepted(Core& core, const Accepted& in);
void on_identified(const Core& core, Connection& c, const Identified& in);
void on_adopted(Core& core, const Adopted& in);
void on_connect(Core& core, Connection& c, const mqtt::Frame& frame);
/// AUTH: a step of enhanced authentication, or the begin of a re-authentication.
void on_auth(Core& core, Connection& c, const mqtt::Auth& packet);
void on_verdict(Core& core, Connection& c, const Verdict& verdict);
/// The user name of one that is not online yet.
std::optional<std::string> waiting_username(const Core& core, const Connection& c);

}  // namespace godwit::broker
