// How a password is kept: one line of text that names the method, its cost, a salt and the result.
//   $scrypt$ln=15,r=8,p=1$<salt>$<hash>   ours: scrypt (RFC 7914), N = 2^ln, base64 without '='
//   $scram-sha-256$<iterations>$<salt>$<stored key>$<server key>
//                                         ours too: what SCRAM-SHA-256 needs (scram.h)
//   $7$<iterations>$<salt>$<hash>         mosquitto_passwd: PBKDF2 with HMAC-SHA-512
//   $6$<salt>$<hash>                      mosquitto_passwd before 2.0: SHA-512 of password and salt
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace godwit::auth {

enum class HashMethod : uint8_t { Sha512, Pbkdf2Sha512, Scrypt, ScramSha256 };

/// Why text is no password hash. CostTooHigh: more than 256 MiB or 10,000,000 iterations, which
/// would turn every login into an attack on ourselves.
enum class HashError : uint8_t { UnknownMethod, Malformed, NotBase64, CostTooHigh };

struct PasswordHash {
    HashMethod method = HashMethod::Scrypt;
    uint32_t iterations = 0;                            // Pbkdf2Sha512, ScramSha256
    uint32_t log2_n = 0, block_size = 0, parallel = 0;  // Scrypt
    Buffer salt;
    Buffer key;         // what the method makes of password and salt
    Buffer server_key;  // ScramSha256
    std::string text;   // as it was read, to be written again unchanged
};

/// @errors  HashError; also for an empty salt or key, or a key that is too short to mean anything
Result<PasswordHash, HashError> parse_password_hash(std::string_view text);

/// Whether `password` is the one that was hashed; compares in constant time.
/// @cost  what the method costs: 32 MiB and about 0.1 s for our own. Never call it in a turn of a
///        shard: it belongs on a thread of its own.
bool password_matches(const PasswordHash& hash, std::string_view password);

/// Hashes with our own method ($scrypt$ln=15,r=8,p=1).
/// @param salt  16 random bytes of the caller's, never used for another password
/// @cost        as password_matches
std::string hash_password(std::string_view password, Bytes salt);

/// The same in the form that SCRAM-SHA-256 needs; good for a password in CONNECT too.
/// @cost  some 10 ms: cheaper to guess from a stolen file than scrypt
std::string hash_password_for_scram(std::string_view password, Bytes salt);

/// The error as half a sentence: "the hash method is not known (...)".
std::string_view describe(HashError error);

}  // namespace godwit::auth
