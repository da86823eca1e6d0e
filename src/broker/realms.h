// Realms: which one a connection is for. It is decided before its session is looked up, and in two
// steps: what the client itself names, by the server name it asked TLS for or by its user name,
// finds the shard where it is judged; whoever judges it confirms the realm, or names one. Only
// realms of the configuration are taken; all else is refused by name, and nobody is in two.
#pragma once

#include "broker/core.h"
#include "mqtt/decoder.h"

#include <optional>
#include <string>
#include <string_view>

namespace godwit::broker {

/// What comes after the last '@' of a user name. @return  nullopt: there is no '@'
std::optional<std::string_view> realm_suffix(std::string_view username);

std::vector<std::string> names_of(const std::vector<RealmOptions>& realms);

/// Realms get the numbers that a store knows them by; listeners stay in theirs.
/// @param names  by number; those of all realms that there are, and maybe others, which nobody can
///               be in then
void renumber_realms(BrokerOptions& options, const std::vector<std::string>& names);

/// nullopt: the configuration names no such realm.
std::optional<RealmId> find_realm(const BrokerOptions& options, std::string_view name);

/// That of its session; of a client that connects, as far as it is known.
RealmId realm_of(const Core& core, const Connection& c);

/// What is held for it on this shard.
RealmReport report_of(const Core& core, const Realm& realm);

/// Keeps what the connection's listener says that its client names, or that it names nothing, in
/// c.pending.
void choose_realm(const Core& core, Connection& c, const mqtt::Connect& packet);

/// The realm of a client that was let in.
/// @param username  as the policy will see it; nullopt: none
/// @errors          why it is refused: nobody has such a realm; it is of another one than the
///                  client named, by its authenticator or by the realm that its user name ends
///                  with; or the client named it, and nobody says that it belongs there
Result<RealmId, std::string> confirm_realm(const Core& core, const Connection& c,
                                           const Verdict& verdict,
                                           std::optional<std::string_view> username);

}  // namespace godwit::broker
