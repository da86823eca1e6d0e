// Permitting: what clients may do, asked of the policy, and what follows when it changes. A policy
// that changes is applied to what lives: clients that may not connect any more are disconnected,
// subscriptions that are not allowed any more end, wherever their session is; what waits in queues
// is asked about again when it is delivered, and so is what was retained.
// Source: docs/policy.md; [MQTT5-3.2.2-7] [MQTT5-4.13.1-1]
#pragma once

#include "broker/core.h"

namespace godwit::broker {

/// A decision against the client.
struct Denial {
    std::string rule;  // "/etc/godwit/policy:12", "no rule allows it"
};

/// @return  nullopt: it may, also where there is no policy
std::optional<Denial> denial_of(const Core& core, const Session& session,
                                const auth::Request& request);
/// Publish, and Retain besides where the message is to be retained.
std::optional<Denial> publish_denial(const Core& core, const Session& session,
                                     const auth::Request& publish, bool retain);
/// Before there is a session.
std::optional<Denial> connect_denial(Core& core, const auth::Subject& subject);
bool may_receive(const Core& core, const Session& session, const Message& message);

/// Whom a message names, so that the policy can be asked about it again; nullopt: it is not to be
/// retained, or there is no policy.
std::optional<Source> source_of(const Core& core, const Session& session, bool retain);
/// Whether a retained message's publisher may still publish and retain it. True where the message
/// names nobody, or where the policy asks for certificates or tokens, which are not known any more.
/// @cost  as Policy::rules_about
bool may_stay_retained(const Core& core, const Message& message);

/// What a policy is told of the session's client.
auth::Subject subject_of(const Core& core, const Session& session);
/// The session's client comes in, perhaps as somebody else than the last time: finds its rules.
/// Called before the session is online: nothing is sent.
/// @param resumed  it may have subscriptions; those that are not allowed end
void admit_session(Core& core, Session& session, bool resumed);

void on_policy_changed(Core& core, const PolicyChanged& in);
void on_users_changed(Core& core, const UsersChanged& in);

}  // namespace godwit::broker
