// JWT: a token that a client sends as its password, signed by somebody the broker trusts.
//   token = base64url(header) '.' base64url(claims) '.' base64url(signature)
// Everything about a token is hostile until its signature has been checked, and the header after
// that is used for two things only: it names the algorithm, which must be that of the key, and the
// key. Source: RFC 7515 (JWS), RFC 7519 (JWT), RFC 8725 (best practices).
#pragma once

#include "auth/subject.h"
#include "auth/token_keys.h"
#include "base/instant.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

inline constexpr size_t kTokenBytesMax = 8 * 1024;
/// How far ahead the issuer's clock may be, for `nbf`. `exp` is taken at its word: a token may end
/// a little early, never late.
inline constexpr int64_t kTokenLeewayMs = 5000;

/// What a token must say besides having a good signature.
struct TokenRules {
    std::string issuer;                  // iss must be this; empty: anything
    std::string audience;                // aud must be this or have it in its list; empty: anything
    std::string username_claim = "sub";  // a text, it names the user
    bool expiry_required = true;         // exp must be there
    std::string realm_claim;             // a text, it names the realm; empty: tokens name none
};

/// What a good token says.
struct Token {
    std::string username;       // fit for MQTT, not empty
    std::vector<Claim> claims;  // texts, numbers as they were written, true and false; of lists
                                // each of these. Not exp, nbf, iat and jti, which say nothing
                                // about the client
    std::optional<WallTime> expires;
    std::string realm;  // empty: it names none
};

struct TokenFault {
    enum class Kind : uint8_t { UnknownKey, Refused };
    Kind kind = Kind::Refused;
    const char* why = "";  // half a sentence for the log: "it has expired"; nothing of the token
};

/// Whether a password is to be taken for a token: three parts between dots, of which the first
/// begins like a JSON object in base64url ("eyJ").
bool looks_like_token(std::string_view password);

/// @param now  exp and nbf are measured by it
/// @errors     UnknownKey: no key with the token's id and algorithm, perhaps not yet; all else is
///             Refused: too long, malformed, a member twice, an algorithm that is none of ours,
///             critical extensions, a bad signature, expired or without exp, not valid yet, another
///             issuer or audience, no user name, no realm where it must name one
/// @cost       a signature check (TokenKeys::check): not for a shard's thread
/// @source     [RFC7519 section 7.2] [RFC8725 sections 3.1, 3.9, 3.11]
Result<Token, TokenFault> check_token(std::string_view token, const TokenKeys& keys,
                                      const TokenRules& rules, WallTime now);

/// A login whose password is a token: it names the user, and CONNECT names the same one or none.
/// @param username  empty: none
/// @errors          as check_token; another user name
Result<Token, TokenFault> check_token_login(std::string_view username, std::string_view token,
                                            const TokenKeys& keys, const TokenRules& rules,
                                            WallTime now);

}  // namespace godwit::auth
