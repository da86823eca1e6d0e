#include "broker/permitting.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/connecting.h"
#include "broker/delivering.h"
#include "broker/subscribing.h"

#include <algorithm>

namespace godwit::broker {

using auth::Action;
using mqtt::ReasonCode;

namespace {

std::optional<Denial> to_denial(const Core& core, const auth::Decision& decision) {
    if (decision.allowed) return std::nullopt;
    return Denial{core.profiles->policy().text_of(decision)};
}

/// Sessions of which the broker has read, but whose client has not come since: its certificate and
/// token are not on disk.
bool is_unknown(const Core& core, const Session& session) {
    return session.restored && core.profiles->policy().asks_for_credentials();
}

void find_profile(Core& core, Session& session) {
    session.profile = core.profiles->of(subject_of(core, session));
}

/// The profiles of clients that are gone are forgotten together, before they pile up.
/// @cost  O(sessions), the sweeps spread over all connects
void sweep_profiles(Core& core) {
    if (core.profiles->size() <= 1024 + 2 * core.sessions.size()) return;
    core.profiles.emplace(core.profiles->policy());
    core.sessions.for_each([&](SessionRef, Session& session) { find_profile(core, session); });
}

void review_subscriptions(Core& core, Session& session) {
    if (is_unknown(core, session)) return;
    for (const HeldSubscription& each : subscriptions_of(core, session)) {
        const auto denial = denial_of(
            core, session, {.action = Action::Subscribe, .topic = each.filter, .qos = each.qos});
        if (!denial) continue;
        core.event(Severity::Warning, "subscription_revoked", session,
                   mqtt::reason_name(ReasonCode::NotAuthorized), each.filter + ": " + denial->rule);
        end_subscription(core, session, each);
    }
    pump(core, session);
}

/// @return  whether the session is there still
bool review_connection(Core& core, SessionRef ref) {
    Session& session = *core.find(ref);
    Connection* c = core.connection_of(session);
    const auto denial = c ? denial_of(core, session, {}) : std::nullopt;
    if (denial) disconnect(core, *c, ReasonCode::NotAuthorized, denial->rule);
    return core.find(ref) != nullptr;
}

std::vector<SessionRef> all_sessions(Core& core) {
    std::vector<SessionRef> all;
    all.reserve(core.sessions.size());
    core.sessions.for_each([&](SessionRef ref, Session&) { all.push_back(ref); });
    return all;
}

}  // namespace

std::optional<Denial> denial_of(const Core& core, const Session& session,
                                const auth::Request& request) {
    if (!core.profiles) return std::nullopt;
    return to_denial(core,
                     core.profiles->decide(session.profile, subject_of(core, session), request));
}

std::optional<Denial> publish_denial(const Core& core, const Session& session,
                                     const auth::Request& publish, bool retain) {
    auto denial = denial_of(core, session, publish);
    if (denial || !retain) return denial;
    auth::Request also = publish;
    also.action = Action::Retain;
    return denial_of(core, session, also);
}

std::optional<Denial> connect_denial(Core& core, const auth::Subject& subject) {
    if (!core.profiles) return std::nullopt;
    sweep_profiles(core);
    return to_denial(core, core.profiles->decide(core.profiles->of(subject), subject, {}));
}

bool may_receive(const Core& core, const Session& session, const Message& message) {
    if (!core.profiles) return true;
    if (!session.online && is_unknown(core, session)) return true;  // asked again when it comes
    return core.profiles
        ->decide(session.profile, subject_of(core, session),
                 {.action = Action::Receive, .topic = message.topic()})
        .allowed;
}

std::optional<Source> source_of(const Core& core, const Session& session, bool retain) {
    if (!retain || !core.profiles) return std::nullopt;
    return Source{session.client_id, session.user()};
}

bool may_stay_retained(const Core& core, const Message& message) {
    if (!core.profiles) return true;
    const auto source = message.source();
    const auth::Policy& policy = core.profiles->policy();
    if (!source || policy.asks_for_credentials() || GW_MUTANT(PolicyKeepsRetained)) return true;
    const auth::Subject subject{.client_id = source->client_id,
                                .username = source->username,
                                .realm = core.realm(message.realm()).name};
    const auto rules = policy.rules_about(subject);
    auth::Request request{.action = Action::Publish,
                          .topic = message.topic(),
                          .qos = uint8_t(message.qos()),
                          .payload_bytes = message.payload().size()};
    if (!policy.decide(rules, subject, request).allowed) return false;
    request.action = Action::Retain;
    return policy.decide(rules, subject, request).allowed;
}

auth::Subject subject_of(const Core& core, const Session& session) {
    auth::Subject subject{.client_id = session.client_id,
                          .username = session.user(),
                          .realm = core.realm(session.realm).name};
    if (const auth::Identity* identity = session.identity()) {
        subject.common_name = identity->common_name;
        subject.claims = identity->claims;
    }
    return subject;
}

void admit_session(Core& core, Session& session, bool resumed) {
    session.restored = false;
    if (!core.profiles) return;
    find_profile(core, session);
    if (resumed) review_subscriptions(core, session);
}

void on_policy_changed(Core& core, const PolicyChanged& in) {
    core.profiles.reset();
    if (!in.policy) return;
    core.profiles.emplace(*in.policy);
    for (const SessionRef ref : all_sessions(core)) {
        Session* session = core.find(ref);  // may have ended with another's connection
        if (!session) continue;
        find_profile(core, *session);
        if (review_connection(core, ref) && !GW_MUTANT(PolicyKeepsSubscriptions))
            review_subscriptions(core, *session);
    }
}

void on_users_changed(Core& core, const UsersChanged& in) {
    const auto has_changed = [&](std::string_view user) {
        return std::ranges::binary_search(in.users, user);
    };
    static constexpr const char* kWhy = "the user was removed or disabled, or has another password";
    for (const SessionRef ref : all_sessions(core)) {
        Session* session = core.find(ref);
        Connection* c = session ? core.connection_of(*session) : nullptr;
        if (!c || !session->username || !core.listener(*c).check_password) continue;
        if (has_changed(*session->username)) disconnect(core, *c, ReasonCode::NotAuthorized, kWhy);
    }
    for (const HeldConnect& held : core.keeper.held_connects) {
        Connection* c = core.find(held.connection);
        if (!c || !core.listener(*c).check_password) continue;
        const auto user = waiting_username(core, *c);
        if (user && has_changed(*user)) refuse_connect(core, *c, ReasonCode::NotAuthorized, kWhy);
    }
}

}  // namespace godwit::broker
