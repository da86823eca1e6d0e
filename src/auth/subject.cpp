#include "auth/subject.h"

#include "base/assert.h"

namespace godwit::auth {

std::optional<Attribute> parse_attribute(std::string_view word) {
    using Kind = Attribute::Kind;
    static constexpr std::string_view kClaim = "claim.";
    if (word == "client") return Attribute{Kind::Client, {}};
    if (word == "user") return Attribute{Kind::User, {}};
    if (word == "realm") return Attribute{Kind::Realm, {}};
    if (word == "cn") return Attribute{Kind::CommonName, {}};
    if (!word.starts_with(kClaim) || word.size() == kClaim.size()) return std::nullopt;
    return Attribute{Kind::Claim, std::string(word.substr(kClaim.size()))};
}

size_t value_count(const Subject& subject, const Attribute& attribute) {
    switch (attribute.kind) {
        case Attribute::Kind::Client:
        case Attribute::Kind::Realm:
            return 1;
        case Attribute::Kind::User:
            return subject.username ? 1 : 0;
        case Attribute::Kind::CommonName:
            return subject.common_name.empty() ? 0 : 1;
        case Attribute::Kind::Claim:
            break;
    }
    size_t count = 0;
    for (const Claim& claim : subject.claims) count += claim.name == attribute.claim;
    return count;
}

std::string_view value_of(const Subject& subject, const Attribute& attribute, size_t nth) {
    switch (attribute.kind) {
        case Attribute::Kind::Client:
            return subject.client_id;
        case Attribute::Kind::Realm:
            return subject.realm;
        case Attribute::Kind::User:
            return *subject.username;
        case Attribute::Kind::CommonName:
            return subject.common_name;
        case Attribute::Kind::Claim:
            break;
    }
    for (const Claim& claim : subject.claims)
        if (claim.name == attribute.claim && nth-- == 0) return claim.value;
    GW_ASSERT(false);
    return {};
}

Subject OwnedSubject::view() const {
    const auto user =
        username ? std::optional<std::string_view>(*username) : std::optional<std::string_view>();
    return {client_id, user, realm, common_name, claims};
}

void OwnedSubject::set(const Attribute& attribute, std::string value) {
    switch (attribute.kind) {
        case Attribute::Kind::Client:
            client_id = std::move(value);
            return;
        case Attribute::Kind::User:
            username = std::move(value);
            return;
        case Attribute::Kind::Realm:
            realm = std::move(value);
            return;
        case Attribute::Kind::CommonName:
            common_name = std::move(value);
            return;
        case Attribute::Kind::Claim:
            claims.push_back({attribute.claim, std::move(value)});
            return;
    }
}

}  // namespace godwit::auth
