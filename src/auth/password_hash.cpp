#include "auth/password_hash.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <charconv>
#include <optional>

#include "auth/base64.h"
#include "auth/scram.h"

namespace godwit::auth {
namespace {

constexpr uint32_t kOwnLog2N = 15, kOwnBlockSize = 8, kOwnParallel = 1;
constexpr size_t kOwnKeySize = 32;
constexpr size_t kSha512Size = 64;
constexpr size_t kKeySizeMin = 16;  // shorter ones could be guessed themselves
constexpr size_t kKeySizeMax = 128;
constexpr uint64_t kScryptMemoryMax = 256ull << 20;
constexpr uint64_t kScryptWorkMax = uint64_t(1) << 27;  // N * r * p: 512 times our own
constexpr uint32_t kIterationsMax = 10'000'000;

std::optional<uint32_t> to_number(std::string_view text) {
    uint32_t value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// Takes the text up to the separator off the front of `rest`, and the separator.
std::string_view take_until(std::string_view& rest, char separator) {
    const size_t end = rest.find(separator);
    const std::string_view front = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return front;
}

/// The number after `name` in "ln=15,r=8,p=1", where the parts stand in this order.
std::optional<uint32_t> take_parameter(std::string_view& rest, std::string_view name) {
    std::string_view part = take_until(rest, ',');
    if (!part.starts_with(name)) return std::nullopt;
    return to_number(part.substr(name.size()));
}

uint64_t scrypt_memory(const PasswordHash& hash) {
    // V, B and one block of working space; see RFC 7914 section 5.
    return 128ull * hash.block_size * ((uint64_t(1) << hash.log2_n) + hash.parallel + 2);
}

std::optional<HashError> read_scrypt_cost(std::string_view text, PasswordHash& hash) {
    const auto log2_n = take_parameter(text, "ln=");
    const auto block_size = take_parameter(text, "r=");
    const auto parallel = take_parameter(text, "p=");
    if (!log2_n || !block_size || !parallel || !text.empty()) return HashError::Malformed;
    if (*log2_n == 0 || *block_size == 0 || *parallel == 0) return HashError::Malformed;
    if (*log2_n > 24 || *block_size > 64 || *parallel > 64) return HashError::CostTooHigh;
    hash.log2_n = *log2_n;
    hash.block_size = *block_size;
    hash.parallel = *parallel;
    const uint64_t work = (uint64_t(1) << hash.log2_n) * hash.block_size * hash.parallel;
    if (scrypt_memory(hash) > kScryptMemoryMax || work > kScryptWorkMax)
        return HashError::CostTooHigh;
    return std::nullopt;
}

std::optional<HashError> read_cost(std::string_view& rest, PasswordHash& hash) {
    if (hash.method == HashMethod::Sha512) return std::nullopt;
    const std::string_view cost = take_until(rest, '$');
    if (hash.method == HashMethod::Scrypt) return read_scrypt_cost(cost, hash);
    const auto iterations = to_number(cost);
    if (!iterations || *iterations == 0) return HashError::Malformed;
    if (*iterations > kIterationsMax) return HashError::CostTooHigh;
    hash.iterations = *iterations;
    return std::nullopt;
}

bool key_size_fits(const PasswordHash& hash) {
    if (hash.method == HashMethod::Scrypt)
        return hash.key.size() >= kKeySizeMin && hash.key.size() <= kKeySizeMax;
    if (hash.method == HashMethod::ScramSha256)
        return hash.key.size() == kScramKeyBytes && hash.server_key.size() == kScramKeyBytes;
    return hash.key.size() == kSha512Size;
}

std::optional<HashMethod> take_method(std::string_view& text) {
    for (const auto& [prefix, method] : {std::pair{"$scrypt$", HashMethod::Scrypt},
                                         {"$scram-sha-256$", HashMethod::ScramSha256},
                                         {"$7$", HashMethod::Pbkdf2Sha512},
                                         {"$6$", HashMethod::Sha512}}) {
        if (!text.starts_with(prefix)) continue;
        text.remove_prefix(std::string_view(prefix).size());
        return method;
    }
    return std::nullopt;
}

Buffer derive_sha512(std::string_view password, Bytes salt) {
    Buffer input;
    put_text(input, password);
    put_bytes(input, salt);
    Buffer key(kSha512Size);
    const int done =
        EVP_Digest(input.data(), input.size(), key.data(), nullptr, EVP_sha512(), nullptr);
    GW_ASSERT(done == 1);
    OPENSSL_cleanse(input.data(), input.size());
    return key;
}

/// The key that password and the hash's salt make. OpenSSL can only fail here for want of memory.
Buffer derive(const PasswordHash& hash, std::string_view password, size_t key_size) {
    const Buffer& salt = hash.salt;
    Buffer key(key_size);
    int done = 1;
    switch (hash.method) {
        case HashMethod::Sha512:
            return derive_sha512(password, salt);
        case HashMethod::Pbkdf2Sha512:
            done = PKCS5_PBKDF2_HMAC(password.data(), int(password.size()), salt.data(),
                                     int(salt.size()), int(hash.iterations), EVP_sha512(),
                                     int(key.size()), key.data());
            break;
        case HashMethod::ScramSha256:
            return make_scram_secret(password, salt, hash.iterations).stored_key;
        case HashMethod::Scrypt:
            done = EVP_PBE_scrypt(password.data(), password.size(), salt.data(), salt.size(),
                                  uint64_t(1) << hash.log2_n, hash.block_size, hash.parallel,
                                  kScryptMemoryMax * 2, key.data(), key.size());
            break;
    }
    GW_ASSERT(done == 1);
    return key;
}

}  // namespace

Result<PasswordHash, HashError> parse_password_hash(std::string_view text) {
    PasswordHash hash;
    hash.text = text;
    const auto method = take_method(text);
    if (!method) return Err{HashError::UnknownMethod};
    hash.method = *method;
    if (const auto fault = read_cost(text, hash)) return Err{*fault};

    const auto salt = decode_base64(take_until(text, '$'));
    const bool is_scram = hash.method == HashMethod::ScramSha256;
    const auto key = decode_base64(is_scram ? take_until(text, '$') : text);
    const auto server_key = decode_base64(is_scram ? text : "");
    if (!salt || !key || !server_key) return Err{HashError::NotBase64};
    hash.salt = *salt;
    hash.key = *key;
    hash.server_key = *server_key;
    if (hash.salt.empty() || !key_size_fits(hash)) return Err{HashError::Malformed};
    return hash;
}

bool password_matches(const PasswordHash& hash, std::string_view password) {
    Buffer key = derive(hash, password, hash.key.size());
    const bool equal = CRYPTO_memcmp(key.data(), hash.key.data(), key.size()) == 0;
    OPENSSL_cleanse(key.data(), key.size());
    return equal;
}

std::string hash_password(std::string_view password, Bytes salt) {
    PasswordHash hash;
    hash.log2_n = kOwnLog2N;
    hash.block_size = kOwnBlockSize;
    hash.parallel = kOwnParallel;
    hash.salt.assign(salt.begin(), salt.end());
    const Buffer key = derive(hash, password, kOwnKeySize);
    return fmt::format("$scrypt$ln={},r={},p={}${}${}", kOwnLog2N, kOwnBlockSize, kOwnParallel,
                       encode_base64(salt), encode_base64(key));
}

std::string hash_password_for_scram(std::string_view password, Bytes salt) {
    const ScramSecret secret = make_scram_secret(password, salt, kScramIterations);
    return fmt::format("$scram-sha-256${}${}${}${}", secret.iterations, encode_base64(secret.salt),
                       encode_base64(secret.stored_key), encode_base64(secret.server_key));
}

std::string_view describe(HashError error) {
    switch (error) {
        case HashError::UnknownMethod:
            return "the password is not hashed in a known way ($scrypt$, $scram-sha-256$, $7$ or "
                   "$6$)";
        case HashError::Malformed:
            return "the password hash is not complete or has wrong numbers";
        case HashError::NotBase64:
            return "the password hash is not base64";
        case HashError::CostTooHigh:
            return "the password hash asks for too much work or memory";
    }
    return "";
}

}  // namespace godwit::auth
