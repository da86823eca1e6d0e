#include "auth/jwt.h"

#include "auth/base64.h"
#include "auth/claims.h"
#include "auth/json.h"
#include "base/utf8.h"

#include <algorithm>

namespace godwit::auth {

namespace {

constexpr size_t kUserNameBytesMax = 65535;  // what CONNECT can carry
constexpr double kSecondsMax = 1e12;         // beyond the year 30000

using Checked = Result<Done, TokenFault>;

Err<TokenFault> refused(const char* why) {
    return Err{TokenFault{TokenFault::Kind::Refused, why}};
}

/// The parts as they stand in the token, without the dots.
struct Parts {
    std::string_view header, claims, signature;
    std::string_view signed_part;  // header and claims, with the dot between them
};

std::optional<Parts> cut(std::string_view token) {
    const size_t first = token.find('.');
    if (first == token.npos) return std::nullopt;
    const size_t second = token.find('.', first + 1);
    if (second == token.npos || token.find('.', second + 1) != token.npos) return std::nullopt;
    return Parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
                 token.substr(second + 1), token.substr(0, second)};
}

/// nullopt: no base64url, no JSON, or no object.
std::optional<Json> decode_object(std::string_view part) {
    const auto bytes = decode_base64url(part);
    if (!bytes) return std::nullopt;
    auto object = parse_json(as_text(*bytes));
    if (!object || object->kind != Json::Kind::Object) return std::nullopt;
    return *std::move(object);
}

Checked check_signature(const Parts& parts, const TokenKeys& keys) {
    const auto header = decode_object(parts.header);
    const auto signature = decode_base64url(parts.signature);
    if (!header || !signature) return refused("it is malformed");
    if (header->find("crit")) return refused("it has critical extensions");
    const std::string* name = header->find_text("alg");
    const auto algorithm = name ? parse_token_algorithm(*name) : std::nullopt;
    if (!algorithm) return refused("its algorithm is none of HS256, RS256, ES256 and EdDSA");
    const Json* id = header->find("kid");
    if (id && id->kind != Json::Kind::Text) return refused("it is malformed");
    const auto match =
        keys.check(*algorithm, id ? std::optional<std::string_view>(id->text) : std::nullopt,
                   as_bytes(parts.signed_part), *signature);
    if (match == TokenKeys::Match::Good) return Done{};
    if (match == TokenKeys::Match::Bad) return refused("its signature is wrong");
    return Err{TokenFault{TokenFault::Kind::UnknownKey, "no key has its id and algorithm"}};
}

/// Milliseconds of a NumericDate. @return nullopt: no number, or no date
std::optional<int64_t> date_of(const Json& value) {
    const auto seconds = value.number();
    if (!seconds || !(*seconds >= 0 && *seconds <= kSecondsMax)) return std::nullopt;
    return int64_t(*seconds * 1000);
}

Checked check_time(const Json& claims, const TokenRules& rules, WallTime now) {
    if (const Json* expires = claims.find("exp")) {
        const auto at = date_of(*expires);
        if (!at) return refused("its exp is no date");
        if (*at <= now.unix_ms) return refused("it has expired");
    } else if (rules.expiry_required) {
        return refused("it has no exp, and would never end");
    }
    if (const Json* begins = claims.find("nbf")) {
        const auto at = date_of(*begins);
        if (!at) return refused("its nbf is no date");
        if (*at > now.unix_ms + kTokenLeewayMs) return refused("it is not valid yet");
    }
    return Done{};
}

bool says(const Json& value, std::string_view wanted) {
    return value.kind == Json::Kind::Text && value.text == wanted;
}

Checked check_names(const Json& claims, const TokenRules& rules) {
    const Json* issuer = claims.find("iss");
    if (!rules.issuer.empty() && !(issuer && says(*issuer, rules.issuer)))
        return refused("it is of another issuer");
    if (rules.audience.empty()) return Done{};
    const Json* audience = claims.find("aud");
    const auto is_meant = [&](const Json& each) { return says(each, rules.audience); };
    if (audience && (is_meant(*audience) || std::ranges::any_of(audience->list, is_meant)))
        return Done{};
    return refused("it is for another audience");
}

}  // namespace

bool looks_like_token(std::string_view password) {
    return password.starts_with("eyJ") && cut(password).has_value();
}

Result<Token, TokenFault> check_token(std::string_view token, const TokenKeys& keys,
                                      const TokenRules& rules, WallTime now) {
    if (token.size() > kTokenBytesMax) return refused("it is longer than 8 KiB");
    const auto parts = cut(token);
    if (!parts) return refused("it is malformed");
    if (const auto good = check_signature(*parts, keys); !good) return Err{good.error()};
    const auto claims = decode_object(parts->claims);
    if (!claims) return refused("its claims are no JSON object without repetitions");
    if (const auto good = check_time(*claims, rules, now); !good) return Err{good.error()};
    if (const auto good = check_names(*claims, rules); !good) return Err{good.error()};
    const std::string* user = claims->find_text(rules.username_claim);
    if (!user || user->empty() || user->size() > kUserNameBytesMax || !is_mqtt_utf8(*user))
        return refused("the claim of the user name is missing or no text");
    Token out{.username = *user, .claims = claims_of(*claims), .expires = {}, .realm = {}};
    if (const Json* expires = claims->find("exp")) out.expires = WallTime{*date_of(*expires)};
    if (rules.realm_claim.empty()) return out;
    const std::string* realm = claims->find_text(rules.realm_claim);
    if (!realm || realm->empty()) return refused("the claim of the realm is missing or no text");
    out.realm = *realm;
    return out;
}

Result<Token, TokenFault> check_token_login(std::string_view username, std::string_view token,
                                            const TokenKeys& keys, const TokenRules& rules,
                                            WallTime now) {
    auto good = check_token(token, keys, rules, now);
    if (good && !username.empty() && username != good->username)
        return refused("it is of another user than CONNECT names");
    return good;
}

}  // namespace godwit::auth
