#include "auth/scram.h"

#include "auth/base64.h"
#include "base/utf8.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace godwit::auth {

namespace {

constexpr size_t kSaltBytes = 16;
constexpr const char* kMalformed = "a malformed message";

Buffer hmac(Bytes key, std::string_view text) {
    Buffer sum(kScramKeyBytes);
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), int(key.size()), as_bytes(text).data(), text.size(), sum.data(),
         &size);
    GW_ASSERT(size == sum.size());
    return sum;
}

Buffer hash(Bytes bytes) {
    Buffer sum(kScramKeyBytes);
    GW_ASSERT(EVP_Digest(bytes.data(), bytes.size(), sum.data(), nullptr, EVP_sha256(), nullptr) ==
              1);
    return sum;
}

std::string padded_base64(Bytes bytes) {
    std::string text = encode_base64(bytes);
    text.append((4 - text.size() % 4) % 4, '=');
    return text;
}

/// The value of "n=value" at the front of `rest`, and the ',' after it; nullopt: another name.
std::optional<std::string_view> take_attribute(std::string_view& rest, char name) {
    if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
    const size_t end = std::min(rest.find(','), rest.size());
    const std::string_view value = rest.substr(2, end - 2);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return value;
}

/// "=2C" is a ',' and "=3D" is a '='. nullopt: another '=', or no name that CONNECT could carry.
std::optional<std::string> decode_name(std::string_view text) {
    std::string name;
    while (!text.empty()) {
        if (text.front() != '=') {
            name += text.front();
            text.remove_prefix(1);
            continue;
        }
        if (!text.starts_with("=2C") && !text.starts_with("=3D")) return std::nullopt;
        name += text[1] == '2' ? ',' : '=';
        text.remove_prefix(3);
    }
    if (name.empty() || !is_mqtt_utf8(name)) return std::nullopt;
    return name;
}

bool is_nonce(std::string_view text) {
    return !text.empty() &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != ','; });
}

}  // namespace

ScramSecret make_scram_secret(std::string_view password, Bytes salt, uint32_t iterations) {
    Buffer salted(kScramKeyBytes);
    GW_ASSERT(PKCS5_PBKDF2_HMAC(password.data(), int(password.size()), salt.data(),
                                int(salt.size()), int(iterations), EVP_sha256(), int(salted.size()),
                                salted.data()) == 1);
    Buffer client_key = hmac(salted, "Client Key");
    ScramSecret secret{.salt = Buffer(salt.begin(), salt.end()),
                       .iterations = iterations,
                       .stored_key = hash(client_key),
                       .server_key = hmac(salted, "Server Key")};
    OPENSSL_cleanse(client_key.data(), client_key.size());
    OPENSSL_cleanse(salted.data(), salted.size());
    return secret;
}

ScramSecret made_up_scram_secret(std::string_view username, const HashKey& key) {
    Buffer raw;
    put_u64(raw, key.k0);
    put_u64(raw, key.k1);
    const auto made_up = [&](const char* what) { return hmac(raw, what + std::string(username)); };
    Buffer salt = made_up("salt ");
    salt.resize(kSaltBytes);
    return {.salt = std::move(salt),
            .iterations = kScramIterations,
            .stored_key = made_up("stored "),
            .server_key = made_up("server ")};
}

Result<ScramFirst, const char*> parse_scram_first(std::string_view message) {
    if (message.size() > kScramMessageBytesMax) return Err{kMalformed};
    std::string_view rest = message;
    if (rest.starts_with("p=")) return Err{"channel binding, which is not supported"};
    if (!rest.starts_with("n,") && !rest.starts_with("y,")) return Err{kMalformed};
    rest.remove_prefix(2);
    const auto identity = take_attribute(rest, 'a');
    if (!identity) {
        if (!rest.starts_with(',')) return Err{kMalformed};
        rest.remove_prefix(1);
    }
    ScramFirst out;
    out.gs2_header = message.substr(0, message.size() - rest.size());
    out.bare = rest;
    if (rest.starts_with("m=")) return Err{"an extension, which is not supported"};
    const auto name = take_attribute(rest, 'n');
    const auto nonce = take_attribute(rest, 'r');
    const auto username = name ? decode_name(*name) : std::nullopt;
    if (!username || !nonce || !is_nonce(*nonce)) return Err{kMalformed};
    if (identity && decode_name(*identity) != username)
        return Err{"a user who wants to act as another"};
    out.username = *username;
    out.nonce = *nonce;
    return out;
}

ScramLogin::ScramLogin(const ScramFirst& first, ScramSecret secret, std::string_view nonce)
    : username_(first.username),
      gs2_header_(first.gs2_header),
      client_bare_(first.bare),
      nonce_(first.nonce + std::string(nonce)),
      challenge_(
          fmt::format("r={},s={},i={}", nonce_, padded_base64(secret.salt), secret.iterations)),
      secret_(std::move(secret)) {}

Result<std::string, const char*> ScramLogin::finish(std::string_view message) const {
    const size_t proof_at = message.rfind(",p=");
    if (message.size() > kScramMessageBytesMax || proof_at == message.npos) return Err{kMalformed};
    std::string_view rest = message.substr(0, proof_at);
    const std::string signed_text = fmt::format("{},{},{}", client_bare_, challenge_, rest);
    const auto binding = take_attribute(rest, 'c');
    const auto nonce = take_attribute(rest, 'r');
    const auto proof = decode_base64(message.substr(proof_at + 3));
    if (!binding || !nonce || !proof || proof->size() != kScramKeyBytes) return Err{kMalformed};
    if (*binding != padded_base64(as_bytes(gs2_header_)) || *nonce != nonce_)
        return Err{"an answer to another challenge"};
    Buffer client_key = hmac(secret_.stored_key, signed_text);
    for (size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= (*proof)[i];
    const Buffer stored_key = hash(client_key);
    OPENSSL_cleanse(client_key.data(), client_key.size());
    if (CRYPTO_memcmp(stored_key.data(), secret_.stored_key.data(), kScramKeyBytes) != 0)
        return Err{"a wrong proof"};
    return "v=" + padded_base64(hmac(secret_.server_key, signed_text));
}

}  // namespace godwit::auth
