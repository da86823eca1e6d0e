#include "auth/token_keys.h"

#include "auth/base64.h"
#include "auth/json.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

namespace godwit::auth {

namespace {

constexpr size_t kSecretBytesMin = 32;
constexpr int kRsaBitsMin = 2048, kRsaBitsMax = 8192;
constexpr size_t kRsaExponentBytesMax = 8;
constexpr size_t kCoordinateBytes = 32;  // of P-256

template <auto Free>
struct Freeing {
    template <class T>
    void operator()(T* object) const {
        Free(object);
    }
};
using PublicKey = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using Number = std::unique_ptr<BIGNUM, Freeing<BN_free>>;

Number to_number(Bytes big_endian) {
    return Number(BN_bin2bn(big_endian.data(), int(big_endian.size()), nullptr));
}

PublicKey make_key(const char* kind, OSSL_PARAM* parameters) {
    const std::unique_ptr<EVP_PKEY_CTX, Freeing<EVP_PKEY_CTX_free>> context(
        EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    GW_ASSERT(context && EVP_PKEY_fromdata_init(context.get()) == 1);
    EVP_PKEY* key = nullptr;
    if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) return {};
    return PublicKey(key);
}

PublicKey make_rsa(Bytes modulus, Bytes exponent) {
    if (modulus.size() > kRsaBitsMax / 8 || exponent.size() > kRsaExponentBytesMax) return {};
    const Number n = to_number(modulus), e = to_number(exponent);
    const std::unique_ptr<OSSL_PARAM_BLD, Freeing<OSSL_PARAM_BLD_free>> build(OSSL_PARAM_BLD_new());
    GW_ASSERT(build && OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1);
    GW_ASSERT(OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1);
    const std::unique_ptr<OSSL_PARAM, Freeing<OSSL_PARAM_free>> parameters(
        OSSL_PARAM_BLD_to_param(build.get()));
    return make_key("RSA", parameters.get());
}

PublicKey make_p256(Bytes x, Bytes y) {
    Buffer point{POINT_CONVERSION_UNCOMPRESSED};
    put_bytes(point, x);
    put_bytes(point, y);
    std::string group = "P-256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size()),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
        OSSL_PARAM_construct_end()};
    return make_key("EC", parameters);
}

bool is_p256(const EVP_PKEY* key) {
    std::array<char, 32> name{};
    size_t size = 0;
    return EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name.data(), name.size(),
                                          &size) == 1 &&
           std::string_view(name.data(), size) == "prime256v1";
}

/// What the key may check. @return nullopt: nothing here, or its size is out of range
std::optional<TokenAlgorithm> algorithm_of(const EVP_PKEY* key) {
    switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA: {
            const int bits = EVP_PKEY_get_bits(key);
            if (bits < kRsaBitsMin || bits > kRsaBitsMax) return std::nullopt;
            return TokenAlgorithm::Rs256;
        }
        case EVP_PKEY_EC:
            if (!is_p256(key)) return std::nullopt;
            return TokenAlgorithm::Es256;
        case EVP_PKEY_ED25519:
            return TokenAlgorithm::EdDsa;
        default:
            return std::nullopt;
    }
}

/// The two numbers of an ES256 signature in ASN.1, as OpenSSL wants them.
Buffer to_der(Bytes signature) {
    const std::unique_ptr<ECDSA_SIG, Freeing<ECDSA_SIG_free>> both(ECDSA_SIG_new());
    Number r = to_number(signature.first(kCoordinateBytes));
    Number s = to_number(signature.subspan(kCoordinateBytes));
    GW_ASSERT(both && r && s && ECDSA_SIG_set0(both.get(), r.release(), s.release()) == 1);
    uint8_t* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    GW_ASSERT(size > 0);
    Buffer out(der, der + size);
    OPENSSL_free(der);
    return out;
}

bool is_signed_by(EVP_PKEY* key, TokenAlgorithm algorithm, Bytes signed_part, Bytes signature) {
    Buffer der;
    if (algorithm == TokenAlgorithm::Es256) {
        if (signature.size() != 2 * kCoordinateBytes) return false;
        der = to_der(signature);
        signature = der;
    }
    const std::unique_ptr<EVP_MD_CTX, Freeing<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    const EVP_MD* hash = algorithm == TokenAlgorithm::EdDsa ? nullptr : EVP_sha256();
    return EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
           EVP_DigestVerify(context.get(), signature.data(), signature.size(), signed_part.data(),
                            signed_part.size()) == 1;
}

bool is_sealed_by(const Buffer& secret, Bytes signed_part, Bytes signature) {
    std::array<uint8_t, 32> sum;
    unsigned size = 0;
    HMAC(EVP_sha256(), secret.data(), int(secret.size()), signed_part.data(), signed_part.size(),
         sum.data(), &size);
    return signature.size() == sum.size() &&
           CRYPTO_memcmp(sum.data(), signature.data(), sum.size()) == 0;
}

std::string_view without_line_end(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
}

constexpr std::string_view kPemBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kPemEnd = "-----END PUBLIC KEY-----";

/// The DER in a PEM file. Not by OpenSSL's PEM functions, which reach for files.
std::optional<Buffer> decode_pem(std::string_view text) {
    const size_t begin = text.find(kPemBegin), end = text.find(kPemEnd);
    if (begin == text.npos || end == text.npos || end < begin) return std::nullopt;
    if (text.find("-----BEGIN", begin + 1) != text.npos) return std::nullopt;  // one key a file
    std::string digits;
    for (const char c : text.substr(begin + kPemBegin.size(), end - begin - kPemBegin.size()))
        if (c != '\n' && c != '\r' && c != ' ') digits += c;
    return decode_base64(digits);
}

/// A member that holds bytes. @return nullopt: it is missing, empty or no base64url
std::optional<Buffer> bytes_of(const Json& jwk, std::string_view name) {
    const std::string* text = jwk.find_text(name);
    auto bytes = text ? decode_base64url(*text) : std::nullopt;
    if (bytes && bytes->empty()) return std::nullopt;
    return bytes;
}

/// What a JWK says that it is for. @return nullopt: nothing that tokens here need
std::optional<TokenAlgorithm> purpose_of(const Json& jwk) {
    const auto says = [&](std::string_view name, std::string_view wanted) {
        const std::string* text = jwk.find_text(name);
        return text && *text == wanted;
    };
    std::optional<TokenAlgorithm> purpose;
    if (says("kty", "oct")) purpose = TokenAlgorithm::Hs256;
    if (says("kty", "RSA")) purpose = TokenAlgorithm::Rs256;
    if (says("kty", "EC") && says("crv", "P-256")) purpose = TokenAlgorithm::Es256;
    if (says("kty", "OKP") && says("crv", "Ed25519")) purpose = TokenAlgorithm::EdDsa;
    if (jwk.find("use") && !says("use", "sig")) return std::nullopt;
    const std::string* algorithm = jwk.find_text("alg");
    if (algorithm && purpose != parse_token_algorithm(*algorithm)) {
        const bool is_new_name = *algorithm == "Ed25519" && purpose == TokenAlgorithm::EdDsa;
        if (!is_new_name) return std::nullopt;
    }
    return purpose;
}

PublicKey public_key_of(const Json& jwk, TokenAlgorithm purpose) {
    if (purpose == TokenAlgorithm::Rs256) {
        const auto n = bytes_of(jwk, "n"), e = bytes_of(jwk, "e");
        return n && e ? make_rsa(*n, *e) : PublicKey();
    }
    const auto x = bytes_of(jwk, "x");
    if (!x || x->size() != kCoordinateBytes) return {};
    if (purpose == TokenAlgorithm::EdDsa)
        return PublicKey(
            EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, x->data(), x->size()));
    const auto y = bytes_of(jwk, "y");
    return y && y->size() == kCoordinateBytes ? make_p256(*x, *y) : PublicKey();
}

}  // namespace

struct TokenKeys::Key {
    TokenAlgorithm algorithm;
    std::optional<std::string> id;
    PublicKey public_key;  // null for Hs256
    Buffer secret;         // empty but for Hs256

    static std::optional<Key> of(const Json& jwk, TokenAlgorithm purpose) {
        Key key{.algorithm = purpose, .id = {}, .public_key = {}, .secret = {}};
        if (const std::string* id = jwk.find_text("kid")) key.id = *id;
        if (purpose == TokenAlgorithm::Hs256) {
            key.secret = bytes_of(jwk, "k").value_or(Buffer());
            if (key.secret.size() < kSecretBytesMin) return std::nullopt;
            return key;
        }
        key.public_key = public_key_of(jwk, purpose);
        if (!key.public_key || algorithm_of(key.public_key.get()) != purpose) return std::nullopt;
        return key;
    }
    bool has_signed(Bytes signed_part, Bytes signature) const {
        return algorithm == TokenAlgorithm::Hs256
                   ? is_sealed_by(secret, signed_part, signature)
                   : is_signed_by(public_key.get(), algorithm, signed_part, signature);
    }
};

TokenKeys::TokenKeys() = default;
TokenKeys::~TokenKeys() {
    for (Key& key : keys_) OPENSSL_cleanse(key.secret.data(), key.secret.size());
}
TokenKeys::TokenKeys(TokenKeys&&) noexcept = default;
TokenKeys& TokenKeys::operator=(TokenKeys&&) noexcept = default;

std::optional<TokenAlgorithm> parse_token_algorithm(std::string_view name) {
    if (name == "HS256") return TokenAlgorithm::Hs256;
    if (name == "RS256") return TokenAlgorithm::Rs256;
    if (name == "ES256") return TokenAlgorithm::Es256;
    if (name == "EdDSA") return TokenAlgorithm::EdDsa;
    return std::nullopt;
}

Result<TokenKeys, std::string> TokenKeys::parse(std::string_view text) {
    if (text.find("-----BEGIN") == text.npos) return parse_set(text, Secrets::Taken);
    const auto der = decode_pem(text);
    if (!der)
        return Err{std::string(
            "it is no PEM file of one public key (-----BEGIN PUBLIC KEY-----); a certificate's key "
            "is printed by openssl x509 -pubkey -noout")};
    const uint8_t* at = der->data();
    PublicKey key(d2i_PUBKEY(nullptr, &at, long(der->size())));
    const auto algorithm = key ? algorithm_of(key.get()) : std::nullopt;
    if (!algorithm || at != der->data() + der->size())
        return Err{
            std::string("it is no public key of use: RSA of 2048 to 8192 bits, P-256 or Ed25519")};
    TokenKeys keys;
    keys.keys_.push_back({*algorithm, {}, std::move(key), {}});
    return keys;
}

Result<TokenKeys, std::string> TokenKeys::parse_public(std::string_view text) {
    return parse_set(text, Secrets::LeftOut);
}

Result<TokenKeys, std::string> TokenKeys::parse_set(std::string_view text, Secrets secrets) {
    const auto set = parse_json(text);
    if (!set) return Err{"it is no JWK set: " + set.error()};
    const Json* list = set->find("keys");
    if (!list || list->kind != Json::Kind::List)
        return Err{std::string("it is no JWK set: it has no list \"keys\"")};
    TokenKeys keys;
    for (size_t i = 0; i < list->list.size(); ++i) {
        const auto purpose = purpose_of(list->list[i]);
        if (!purpose) continue;
        if (*purpose == TokenAlgorithm::Hs256 && secrets == Secrets::LeftOut) continue;
        auto key = Key::of(list->list[i], *purpose);
        if (!key)
            return Err{"key " + std::to_string(i + 1) +
                       " of the set is faulty: a part is missing, no base64url or out of range"};
        if (keys.size() == kKeysMax)
            return Err{"it has more than " + std::to_string(kKeysMax) + " keys"};
        keys.keys_.push_back(*std::move(key));
    }
    if (keys.keys_.empty())
        return Err{std::string("it has no key for HS256, RS256, ES256 or EdDSA")};
    return keys;
}

Result<TokenKeys, std::string> TokenKeys::from_secret(std::string_view text) {
    text = without_line_end(text);
    if (text.find("-----BEGIN") != text.npos || text.starts_with('{'))
        return Err{std::string(
            "it is no secret but a key file; public keys belong into auth.jwt_keys_file")};
    if (text.size() < kSecretBytesMin)
        return Err{
            std::string("the secret has less than 32 bytes; make one with openssl rand -hex 32")};
    TokenKeys keys;
    keys.keys_.push_back(
        {TokenAlgorithm::Hs256, {}, {}, Buffer(as_bytes(text).begin(), as_bytes(text).end())});
    return keys;
}

size_t TokenKeys::size() const {
    return keys_.size();
}

void TokenKeys::add(const TokenKeys& more) {
    for (const Key& key : more.keys_) {
        EVP_PKEY* const shared = key.public_key.get();
        if (shared) EVP_PKEY_up_ref(shared);
        keys_.push_back({key.algorithm, key.id, PublicKey(shared), key.secret});
    }
}

TokenKeys::Match TokenKeys::check(TokenAlgorithm algorithm, std::optional<std::string_view> key_id,
                                  Bytes signed_part, Bytes signature) const {
    Match match = Match::NoKey;
    for (const Key& key : keys_) {
        if (key.algorithm != algorithm) continue;
        if (key_id && key.id && *key.id != *key_id) continue;
        if (key.has_signed(signed_part, signature)) return Match::Good;
        match = Match::Bad;
    }
    return match;
}

}  // namespace godwit::auth
