// Subject: who asks, for every question about what a client may do. A policy reads it by attribute;
// what a client does not have is absent, not empty.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

/// One value that a token says of the client; a claim with several values is there several times.
struct Claim {
    std::string name;
    std::string value;
};

/// What a client has shown besides its user name.
struct Identity {
    std::string common_name;  // of its certificate; empty: none
    std::vector<Claim> claims;
};

/// All borrowed.
struct Subject {
    std::string_view client_id;
    std::optional<std::string_view> username;  // nullopt: anonymous
    std::string_view realm = "default";
    std::string_view common_name;  // of its certificate; empty: it showed none
    std::span<const Claim> claims;
};

/// What can be asked of a subject, by the word that a policy file has for it.
struct Attribute {
    enum class Kind : uint8_t { Client, User, Realm, CommonName, Claim };
    Kind kind = Kind::Client;
    std::string claim;  // its name, for Claim

    friend bool operator==(const Attribute&, const Attribute&) = default;
};

/// What only a certificate or a token says.
constexpr bool is_credential(Attribute::Kind kind) {
    return kind == Attribute::Kind::CommonName || kind == Attribute::Kind::Claim;
}

/// "client", "user", "realm", "cn", "claim.area".
/// @return  nullopt: no such word, or "claim." without a name
std::optional<Attribute> parse_attribute(std::string_view word);

/// How many values the subject has for it: 0 or 1, of a claim any number.
size_t value_count(const Subject& subject, const Attribute& attribute);
/// @param nth  below value_count()
std::string_view value_of(const Subject& subject, const Attribute& attribute, size_t nth);

/// A subject that owns its values.
struct OwnedSubject {
    std::string client_id;
    std::optional<std::string> username;
    std::string realm = "default";
    std::string common_name;
    std::vector<Claim> claims;

    Subject view() const;
    /// `value` becomes what `attribute` says of it; a claim is added to those there are.
    void set(const Attribute& attribute, std::string value);
};

}  // namespace godwit::auth
