// Closing: how connections and sessions end, and what becomes of the will.
// Source: MQTT 5.0 sections 3.1.2.5, 3.14, 4.1, 4.13; [MQTT5-3.1.2-8] [MQTT5-3.1.2-10]
// [MQTT5-3.14.4-3]
#pragma once

#include "broker/core.h"
#include "mqtt/decoder.h"

namespace godwit::broker {

/// We end it: DISCONNECT with the reason to a 5.0 client that is online, then close. The will is
/// published unless `reason` is Success. 3.x clients are closed [MQTT5-4.13.1-1].
void disconnect(Core& core, Connection& c, mqtt::ReasonCode reason, std::string detail);

/// As disconnect, for bytes that are no packet; before CONNECT is accepted it answers with CONNACK
/// where the specification names a code, else closes.
void refuse_bytes(Core& core, Connection& c, const mqtt::DecodeError& error);

/// CONNACK with a refusal, then close [MQTT5-3.2.2-7].
/// @param rival  on whose account, for those who ask later
void refuse_connect(Core& core, Connection& c, mqtt::ReasonCode reason, std::string detail,
                    ConnectionId rival = {});

/// The client's DISCONNECT.
void on_disconnect(Core& core, Connection& c, const mqtt::Disconnect& packet);

/// The transport went away under it.
void on_closed(Core& core, Connection& c, std::string_view why);

/// Takes the connection from its session, and the session from the world if it ends with it.
void detach(Core& core, Connection& c, bool publish_will);

/// Ends a session that is offline: its will is published, its subscriptions and messages go
/// [MQTT5-4.1.0-2].
void end_session(Core& core, Session& session, const char* reason);

void on_session_expiry_timer(Core& core, SessionRef ref);
void on_will_timer(Core& core, SessionRef ref);
/// Silence beyond 1.5 keep alives [MQTT5-3.1.2-22], no accepted CONNECT in time, a packet of which
/// the rest does not come, or a token that has expired.
void on_connection_timer(Core& core, ConnectionId id);
/// A packet has begun to come, and its rest is waited for.
void begin_packet(Core& core, Connection& c);
/// Arms the connection's timer for what it waits for now.
void watch(Core& core, Connection& c);

}  // namespace godwit::broker
