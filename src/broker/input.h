// Inputs: everything that can happen to a shard. The process and the simulator are the two drivers
// that make them. Views are borrowed for the call.
#pragma once

#include "auth/policy.h"
#include "base/ids.h"
#include "base/instant.h"
#include "broker/envelope.h"
#include "store/log.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace godwit::broker {

struct Verdict;

/// A new connection. The driver picks the id; slots are dense and reused with a new generation.
struct Accepted {
    ConnectionId connection;
    ListenerId listener;
};
/// What the transport has found out about the peer, before its first byte of MQTT.
struct Identified {
    ConnectionId connection;
    std::string_view common_name;  // of its certificate; empty: none
    std::string_view server_name;  // that it asked TLS for; empty: none
};
/// The peer's certificate stands in a revocation list that has come: it is disconnected.
struct Revoked {
    ConnectionId connection;
};
/// A connection that another shard moved here, with the bytes read from it so far (CONNECT first).
struct Adopted {
    ConnectionId connection;
    ListenerId listener;
    Bytes bytes;
    std::string_view common_name, server_name;  // as in Identified
    const Verdict* verdict = nullptr;           // as in Effects::Move
};
/// MQTT bytes, cut anywhere.
struct Received {
    ConnectionId connection;
    Bytes bytes;
};
/// So many bytes of earlier writes were taken by the transport.
struct Flushed {
    ConnectionId connection;
    uint32_t bytes = 0;
};
/// The transport is gone (not by our close).
struct Closed {
    ConnectionId connection;
    std::string_view why;  // for the log
};
/// The authenticator's answer to an AuthRequest effect.
struct Verdict {
    ConnectionId connection;
    mqtt::ReasonCode reason =
        mqtt::ReasonCode::NotAuthorized;   // Success, ContinueAuthentication or a refusal
    std::string auth_data;                 // enhanced authentication: for AUTH or CONNACK
    std::string why;                       // for the log
    std::vector<auth::Claim> claims;       // with Success: what the token says of the client
    std::optional<std::string> username;   // with Success: who it is; nullopt: whom CONNECT names
    Instant expires = kNever;              // with Success: when it ends
    std::string realm;                     // with Success: where it belongs; empty: not said
    std::string_view method = "password";  // with Success: what it was judged by; a literal
};
/// From another shard.
struct Mail {
    ShardId from;
    const Envelope* envelope = nullptr;
};
/// The disk's answer to a piece of work. The shard takes what it needs out of it.
struct StoreDone {
    store::WorkDone* done = nullptr;
};
/// All shards have read their logs and know each other's routes: what a restart owes is due.
struct Restarted {};
/// A message of the broker itself ($SYS, rules).
struct Inject {
    RealmId realm;
    std::string_view topic;
    Bytes payload;
    mqtt::Qos qos = mqtt::Qos::AtMostOnce;
    bool retain = false;
};
/// A deadline that next_deadline() named has come.
struct Tick {};
/// New access rules; null allows everything.
struct PolicyChanged {
    const auth::Policy* policy = nullptr;  // outlives its replacement by the next PolicyChanged
};
/// Users that are gone or have another password: who came in by it is disconnected.
struct UsersChanged {
    const std::vector<std::string>& users;  // sorted
};
/// Of the process.
struct MemoryState {
    Memory memory = Memory::Ample;
};
/// Ends one client's connection.
struct Kick {
    RealmId realm;
    std::string_view client_id;
    mqtt::ReasonCode reason = mqtt::ReasonCode::AdministrativeAction;
};
/// The broker is going down: every connection is told and closed; wills stay with their sessions.
struct Shutdown {};

using Input = std::variant<Accepted, Identified, Revoked, Adopted, Received, Flushed, Closed,
                           Verdict, Mail, StoreDone, Restarted, Inject, Tick, PolicyChanged,
                           UsersChanged, MemoryState, Kick, Shutdown>;

}  // namespace godwit::broker
