#include "broker/realms.h"

#include "broker/accepting.h"
#include "broker/scarcity.h"

#include <algorithm>
#include <functional>

namespace godwit::broker {

namespace {

std::string no_realm(std::string_view name) {
    return "there is no realm \"" + std::string(name) + "\"";
}

/// "acme" of "ACME.mqtt.example"; server names do not tell upper from lower case.
std::string first_label(std::string_view server_name) {
    std::string label(server_name.substr(0, server_name.find('.')));
    for (char& c : label)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return label;
}

/// Empty: it names none.
std::string named_by_client(const Core& core, const Connection& c, const mqtt::Connect& packet) {
    switch (core.listener(c).realm_by) {
        case RealmBy::Listener:
            break;
        case RealmBy::ServerName:
            return first_label(c.pending->server_name);
        case RealmBy::User:
            return std::string(
                realm_suffix(certificate_user(core, c).value_or(packet.username.value_or("")))
                    .value_or(""));
    }
    return "";
}

}  // namespace

std::optional<std::string_view> realm_suffix(std::string_view username) {
    const size_t at = username.rfind('@');
    return at == username.npos ? std::nullopt : std::optional(username.substr(at + 1));
}

std::vector<std::string> names_of(const std::vector<RealmOptions>& realms) {
    std::vector<std::string> names;
    names.reserve(realms.size());
    for (const RealmOptions& each : realms) names.push_back(each.name);
    return names;
}

void renumber_realms(BrokerOptions& options, const std::vector<std::string>& names) {
    const std::vector<RealmOptions> before = std::move(options.realms);
    const auto position = [](const auto& all, const auto& name, auto by) {
        return size_t(std::ranges::find(all, name, by) - all.begin());
    };
    options.realms.clear();
    for (const std::string& name : names) {
        const size_t at = position(before, name, &RealmOptions::name);
        options.realms.push_back(at < before.size() ? before[at] : RealmOptions{name, false});
    }
    for (ListenerPolicy& each : options.listeners)
        each.realm = uint16_t(position(names, before[each.realm].name, std::identity()));
}

std::optional<RealmId> find_realm(const BrokerOptions& options, std::string_view name) {
    const auto found = std::ranges::find(options.realms, name, &RealmOptions::name);
    if (found == options.realms.end() || !found->is_open) return std::nullopt;
    return RealmId{uint16_t(found - options.realms.begin())};
}

RealmId realm_of(const Core& core, const Connection& c) {
    if (c.pending) return c.pending->realm;
    const bool online = c.state == Connection::State::Online;
    const Session* session = online ? core.find(c.session) : nullptr;
    return session ? session->realm : RealmId{core.listener(c).realm};
}

RealmReport report_of(const Core& core, const Realm& realm) {
    RealmReport out{.realm = realm.name};
#define GW_SET(name, help) out.name = realm.refused.name;
    GW_REALM_COUNTERS(GW_SET)
#undef GW_SET
    const RealmUse& here = realm.here;
    out.connections = here.connections;
    out.sessions = here.sessions;
    out.subscriptions = here.subscriptions;
    out.queued = here.queued;
    out.queued_bytes = here.queued_bytes;
    out.retained = realm.retained.size();
    out.retained_bytes = realm.retained.memory_bytes();
    if (core.counts_memory) out.memory_bytes = realm.memory + realm.retained.memory_bytes();
    out.memory_scarce = memory_of(core, realm.id) != Memory::Ample;
    return out;
}

void choose_realm(const Core& core, Connection& c, const mqtt::Connect& packet) {
    PendingConnect& pending = *c.pending;
    const std::string name = named_by_client(core, c, packet);
    if (name.empty()) return;
    const auto found = find_realm(core.options, name);
    if (!found) {
        pending.realm_fault = no_realm(name);
        return;
    }
    pending.realm_chosen = *found != pending.realm;
    pending.realm = *found;
}

Result<RealmId, std::string> confirm_realm(const Core& core, const Connection& c,
                                           const Verdict& verdict,
                                           std::optional<std::string_view> username) {
    const PendingConnect& pending = *c.pending;
    const auto suffix = username ? realm_suffix(*username) : std::nullopt;
    const auto of_user = suffix ? find_realm(core.options, *suffix) : std::nullopt;
    RealmId realm = pending.realm;
    if (!verdict.realm.empty()) {
        const auto named = find_realm(core.options, verdict.realm);
        if (!named) return Err{no_realm(verdict.realm)};
        realm = *named;
    } else if (pending.realm_chosen && username && !of_user) {
        return Err{"user " + std::string(*username) + " is of no realm"};
    }
    const bool is_of_another =
        (of_user && *of_user != realm) || (pending.realm_chosen && realm != pending.realm);
    if (!is_of_another) return realm;
    return Err{"it is of realm " + core.realm(of_user.value_or(realm)).name};
}

}  // namespace godwit::broker
