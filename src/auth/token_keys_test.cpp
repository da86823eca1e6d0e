#include "auth/token_keys.h"

#include "auth/testing/token_vectors.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

std::string set_of(const std::vector<std::string>& keys) {
    std::string text = "{\"keys\":[";
    for (const std::string& key : keys) text += (text.back() == '[' ? "" : ",") + key;
    return text + "]}";
}

/// A JWK with one more member, or another value for it.
std::string with(std::string jwk, const std::string& member) {
    return jwk.replace(0, 1, "{" + member + ",");
}

std::string fault_of(std::string_view text) {
    const auto keys = TokenKeys::parse(text);
    return keys ? "" : keys.error();
}

TEST(TokenKeys, OfASetAreThoseOfUse) {
    const auto keys = TokenKeys::parse(set_of(
        {kJoseRs256Jwk, kJoseEs256Jwk, kJoseEdDsaJwk, kJoseEs384Jwk, R"({"kty":"new","x":"1"})",
         with(kJoseRs256Jwk, R"("use":"enc")"), with(kJoseRs256Jwk, R"("alg":"RS512")"),
         with(kJosePs256Jwk, R"("alg":"PS256")"), with(kJoseEs256Jwk, R"("alg":"HS256")")}));
    ASSERT_TRUE(keys) << keys.error();
    EXPECT_EQ(keys->size(), 3u);
    const auto marked =
        TokenKeys::parse(set_of({with(kJoseRs256Jwk, R"("alg":"RS256","use":"sig")"),
                                 with(kJoseEdDsaJwk, R"("alg":"Ed25519")")}));
    ASSERT_TRUE(marked) << marked.error();
    EXPECT_EQ(marked->size(), 2u);
}

TEST(TokenKeys, FromPemAreThoseOfTheSet) {
    for (const char* pem : {kJoseRs256Pem, kJoseEs256Pem, kJoseEdDsaPem}) {
        const auto keys = TokenKeys::parse(pem);
        ASSERT_TRUE(keys) << keys.error();
        EXPECT_EQ(keys->size(), 1u);
    }
}

TEST(TokenKeys, RefuseWhatIsNoKeyFile) {
    for (const char* text : {"", "{}", "[]", "x", R"({"keys":{}})", R"({"keys":[],"keys":[]})"})
        EXPECT_TRUE(fault_of(text).starts_with("it is no JWK set")) << text << fault_of(text);
    const std::string nothing = "it has no key for HS256, RS256, ES256 or EdDSA";
    EXPECT_EQ(fault_of(set_of({})), nothing);
    EXPECT_EQ(fault_of(set_of({kJoseEs384Jwk})), nothing);
    EXPECT_EQ(fault_of(set_of({"7", "null", "[]"})), nothing);
}

TEST(TokenKeys, RefuseAFaultyKeyOfASet) {
    const std::string x = R"("x":"ZViWK7UcyOGe1MVJfd1ROyrj60zZcx3760QKioeV_oo")";
    for (const std::string& key :
         {std::string(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"),  // 17 bits
          std::string(R"({"kty":"RSA","e":"AQAB"})"), std::string(R"({"kty":"oct","k":"c2hvcnQ"})"),
          std::string(R"({"kty":"OKP","crv":"Ed25519","x":"AAAA"})"),
          std::string(R"({"kty":"OKP","crv":"Ed25519","x":"+"})"),
          R"({"kty":"EC","crv":"P-256",)" + x + "}",
          R"({"kty":"EC","crv":"P-256",)" + x +  // not on the curve
              R"(,"y":"ZViWK7UcyOGe1MVJfd1ROyrj60zZcx3760QKioeV_oo"})"})
        EXPECT_TRUE(
            fault_of(set_of({kJoseRs256Jwk, key})).starts_with("key 2 of the set is faulty"))
            << key << ": " << fault_of(set_of({kJoseRs256Jwk, key}));
    const std::vector<std::string> many(TokenKeys::kKeysMax + 1, kJoseEdDsaJwk);
    EXPECT_EQ(fault_of(set_of(many)), "it has more than 64 keys");
}

TEST(TokenKeys, RefusePemFilesOfSomethingElse) {
    const std::string one(kJoseEdDsaPem);
    for (const std::string& text :
         {one + one, one.substr(0, 60), std::string("-----BEGIN PRIVATE KEY-----\nMC4=\n"),
          std::string("-----BEGIN CERTIFICATE-----\nMC4=\n-----END CERTIFICATE-----\n"),
          std::string("-----END PUBLIC KEY----------BEGIN PUBLIC KEY-----")})
        EXPECT_TRUE(fault_of(text).starts_with("it is no PEM file of one public key")) << text;
    EXPECT_TRUE(fault_of(kJoseEs384Pem).starts_with("it is no public key of use"));
    EXPECT_TRUE(fault_of("-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----")
                    .starts_with("it is no public key of use"));
}

TEST(TokenKeys, NoPublicKeyBecomesASecret) {
    for (const char* text : {kJoseRs256Pem, kJoseEs256Pem, kRfcEs256Key, kJoseRs256Jwk})
        EXPECT_FALSE(TokenKeys::from_secret(text)) << text;
    EXPECT_FALSE(TokenKeys::from_secret(std::string("# my key\n") + kJoseRs256Pem));
}

TEST(TokenKeys, ASecretHasAtLeast32Bytes) {
    const std::string secret(kJoseSecret);
    EXPECT_TRUE(TokenKeys::from_secret(secret));
    EXPECT_TRUE(TokenKeys::from_secret(secret + "\n"));
    EXPECT_FALSE(TokenKeys::from_secret(secret.substr(1)));
    EXPECT_FALSE(TokenKeys::from_secret(secret.substr(1) + "\n"));
    EXPECT_FALSE(TokenKeys::from_secret(""));
}

TEST(TokenKeys, OfTheNetworkHoldNoSecrets) {
    EXPECT_TRUE(TokenKeys::parse(kRfcHs256Key));
    EXPECT_FALSE(TokenKeys::parse_public(kRfcHs256Key));
    EXPECT_TRUE(TokenKeys::parse_public(kRfcEs256Key));
    EXPECT_FALSE(TokenKeys::parse_public(kJoseEdDsaPem)) << "a set alone comes that way";
}

}  // namespace
}  // namespace godwit::auth
