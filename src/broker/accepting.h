// Accepting: a client that may come in gets its session, new or old, and CONNACK. What stood under
// its client id ends, and what must be gone from disk first is waited for. Source: MQTT 5.0
// sections 3.1.2, 3.1.4, 3.2
#pragma once

#include "broker/core.h"
#include "mqtt/decoder.h"

#include <optional>
#include <string_view>

namespace godwit::broker {

/// Of CONNECT, which is decoded again whenever it has waited.
mqtt::DecodeLimits decode_limits(const Core& core);

/// The user whom its certificate names, where the listener goes by that; nullopt: it names none.
std::optional<std::string_view> certificate_user(const Core& core, const Connection& c);

/// Whom the certificate names or the authenticator has found, else whom CONNECT names.
std::optional<std::string_view> user_of(const Connection& c, const mqtt::Connect& packet);

/// @param waited  for the disk already
void accept(Core& core, Connection& c, const mqtt::Connect& packet, bool waited = false);

/// Lets those in who waited for the disk.
void release_connects(Core& core);

/// A new session under this client id, offline; there is none yet.
Session& make_session(Core& core, RealmId realm, std::string_view client_id);

}  // namespace godwit::broker
