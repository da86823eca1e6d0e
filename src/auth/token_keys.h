// TokenKeys: the keys that tokens may be signed with. The kind of a key fixes the one algorithm it
// is for, so what a token says of its algorithm can never choose how a key is used: a public key is
// no secret for HS256, and "none" is no algorithm here.
//   a secret        HS256   HMAC with SHA-256; at least 32 bytes (RFC 7518 section 3.2)
//   RSA             RS256   RSASSA-PKCS1-v1_5 with SHA-256; 2048 to 8192 bits
//   EC on P-256     ES256   ECDSA with SHA-256
//   Ed25519         EdDSA   RFC 8037
// Source: RFC 7515, 7517, 7518, 8037.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

enum class TokenAlgorithm : uint8_t { Hs256, Rs256, Es256, EdDsa };

/// "HS256", "RS256", "ES256", "EdDSA", as written. @return nullopt for all others
std::optional<TokenAlgorithm> parse_token_algorithm(std::string_view name);

class TokenKeys {
public:
    static constexpr size_t kKeysMax = 64;

    TokenKeys();
    ~TokenKeys();
    TokenKeys(TokenKeys&&) noexcept;
    TokenKeys& operator=(TokenKeys&&) noexcept;

    /// A JWK set, or one public key in PEM (`-----BEGIN PUBLIC KEY-----`). Keys of a set that are
    /// for something else (other kinds, curves or algorithms, encryption) are left out.
    /// @errors  a sentence; also for a set without a key that is of use, for a key that claims to
    ///          be of use and is faulty, for more than kKeysMax, and for a private key in PEM
    static Result<TokenKeys, std::string> parse(std::string_view text);
    /// The same for sets that come over the network: secrets in them are left out.
    static Result<TokenKeys, std::string> parse_public(std::string_view text);
    /// One secret for HS256, all of the bytes but a line end at the end.
    /// @errors  shorter than 32 bytes; what looks like a PEM file or a JWK set, which would be a
    ///          public key for a secret
    static Result<TokenKeys, std::string> from_secret(std::string_view text);

    /// Has the keys of `more` besides its own. @cost a count is raised for each, secrets are copied
    void add(const TokenKeys& more);
    size_t size() const;

    /// NoKey: none for this algorithm with this id.
    enum class Match : uint8_t { Good, Bad, NoKey };
    /// Whether one of the keys has signed it. With an id, those with this id or without one are
    /// tried; without, all.
    /// @cost  a signature check each: 30 to 100 us. Not for a shard's thread
    Match check(TokenAlgorithm algorithm, std::optional<std::string_view> key_id, Bytes signed_part,
                Bytes signature) const;

private:
    struct Key;
    enum class Secrets : bool { LeftOut, Taken };
    static Result<TokenKeys, std::string> parse_set(std::string_view text, Secrets secrets);

    std::vector<Key> keys_;
};

}  // namespace godwit::auth
