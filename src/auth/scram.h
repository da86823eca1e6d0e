// SCRAM-SHA-256: a login in which the password never crosses the wire, and the client learns that
// the broker knows it too. Four messages:
//   client-first  "n,,n=ann,r=<nonce>"          server-first  "r=<both nonces>,s=<salt>,i=<count>"
//   client-final  "c=biws,r=<both nonces>,p=<proof>"          server-final  "v=<signature>"
// Of a user who is not there, or whose password is kept otherwise, the exchange is the same up to a
// proof that cannot be right. Channel binding is refused, user names are compared byte by byte
// (no SASLprep). Source: RFC 5802, RFC 7677.
#pragma once

#include "base/bytes.h"
#include "base/hash.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace godwit::auth {

inline constexpr std::string_view kScramMethod = "SCRAM-SHA-256";
inline constexpr size_t kScramKeyBytes = 32;
inline constexpr size_t kScramMessageBytesMax = 2048;
inline constexpr uint32_t kScramIterations = 32'768;  // of our own, and of those who are not there

/// What the broker keeps of a password.
struct ScramSecret {
    Buffer salt;
    uint32_t iterations = 0;
    Buffer stored_key, server_key;  // kScramKeyBytes each
};

/// @param salt  random bytes of the caller's
/// @cost        `iterations` HMACs: some 10 ms for kScramIterations
ScramSecret make_scram_secret(std::string_view password, Bytes salt, uint32_t iterations);

/// For a user who has none: always the same for a name, and nobody without `key` can tell it from a
/// real one. No password is right for it.
ScramSecret made_up_scram_secret(std::string_view username, const HashKey& key);

/// The client's first message.
struct ScramFirst {
    std::string username;
    std::string gs2_header;  // "n,," or with an identity that is the user's own
    std::string bare;        // what the proof is about
    std::string nonce;
};

/// @errors  half a sentence: malformed, channel binding, an extension, another identity
Result<ScramFirst, const char*> parse_scram_first(std::string_view message);

/// One login under way, between server-first and client-final.
class ScramLogin {
public:
    /// @param nonce   of the broker: random, printable, without ','
    ScramLogin(const ScramFirst& first, ScramSecret secret, std::string_view nonce);

    /// server-first.
    const std::string& challenge() const { return challenge_; }
    /// @return  server-final, if the proof is right
    /// @errors  half a sentence; compares in constant time
    Result<std::string, const char*> finish(std::string_view message) const;
    const std::string& username() const { return username_; }

private:
    std::string username_, gs2_header_, client_bare_, nonce_, challenge_;
    ScramSecret secret_;
};

}  // namespace godwit::auth
