#include "auth/jwt.h"

#include "auth/testing/sealed_token.h"
#include "auth/testing/token_vectors.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::auth {
namespace {

constexpr int64_t kSecond = 1000;
constexpr WallTime kNow{1'750'000'000 * kSecond};
const std::string kHs256 = R"({"alg":"HS256"})";

TokenKeys keys_of(const std::string& jwk) {
    return TokenKeys::parse("{\"keys\":[" + jwk + "]}").value();
}

TokenKeys secret() {
    return TokenKeys::from_secret(kJoseSecret).value();
}

/// The fault's reason; the user name where there is none.
std::string outcome(std::string_view token, const TokenKeys& keys, const TokenRules& rules = {},
                    WallTime now = kNow) {
    const auto good = check_token(token, keys, rules, now);
    return good ? good->username : good.error().why;
}

std::string outcome_of_claims(std::string_view claims, const TokenRules& rules = {}) {
    return outcome(seal(kHs256, claims), secret(), rules);
}

std::vector<std::string> values_of(const Token& token, std::string_view name) {
    std::vector<std::string> values;
    for (const Claim& each : token.claims)
        if (each.name == name) values.push_back(each.value);
    return values;
}

TEST(Jwt, TakesTheVectorsOfRfc7515) {
    TokenRules rules;
    rules.username_claim = "iss";
    const WallTime before{1'300'819'379 * kSecond}, at{1'300'819'380 * kSecond};
    for (const auto& [set, token] :
         {std::pair{kRfcHs256Key, kRfcHs256}, {kRfcEs256Key, kRfcEs256}}) {
        const TokenKeys keys = TokenKeys::parse(set).value();
        EXPECT_EQ(outcome(token, keys, rules, before), "joe");
        EXPECT_EQ(outcome(token, keys, rules, at), "it has expired");
    }
    EXPECT_EQ(outcome(kRfcEdDsa, TokenKeys::parse(kRfcEdDsaKey).value()),
              "its claims are no JSON object without repetitions")
        << "the signature of RFC 8037's text is good";
}

TEST(Jwt, TakesTokensOfJose) {
    for (const auto& [token, jwk, pem] : {std::tuple{kJoseRs256, kJoseRs256Jwk, kJoseRs256Pem},
                                          {kJoseEs256, kJoseEs256Jwk, kJoseEs256Pem},
                                          {kJoseEdDsa, kJoseEdDsaJwk, kJoseEdDsaPem}}) {
        EXPECT_EQ(outcome(token, keys_of(jwk)), "pump-7");
        EXPECT_EQ(outcome(token, TokenKeys::parse(pem).value()), "pump-7");
    }
    EXPECT_EQ(outcome(kJoseHs256, secret()), "pump-7");
}

TEST(Jwt, GivesClaimsThatAPolicyCanCompare) {
    const Token token = check_token(kJoseHs256, secret(), {}, kNow).value();
    using Values = std::vector<std::string>;
    EXPECT_EQ(values_of(token, "site"), Values{"north"});
    EXPECT_EQ(values_of(token, "level"), Values{"7"});
    EXPECT_EQ(values_of(token, "admin"), Values{"true"});
    EXPECT_EQ(values_of(token, "topics"), (Values{"a/b", "c/+"}));
    EXPECT_EQ(values_of(token, "aud"), (Values{"godwit", "other"}));
    for (const char* silent : {"address", "exp", "nbf", "jti"})
        EXPECT_EQ(values_of(token, silent), Values{}) << silent;
    EXPECT_EQ(token.expires->unix_ms, 1'800'000'000 * kSecond);
}

TEST(Jwt, TheKeyFixesTheAlgorithm) {
    const std::string claims = R"({"sub":"a","exp":1800000000})";
    for (const char* alg : {"RS256", "ES256", "EdDSA"})
        EXPECT_EQ(outcome(seal(R"({"alg":")" + std::string(alg) + "\"}", claims), secret()),
                  "no key has its id and algorithm");
    for (const char* alg : {"none", "None", "", "hs256", "HS384", "PS256", "RS512", "HS256 "})
        EXPECT_EQ(outcome(seal(R"({"alg":")" + std::string(alg) + "\"}", claims), secret()),
                  "its algorithm is none of HS256, RS256, ES256 and EdDSA");
    EXPECT_EQ(outcome(seal("{}", claims), secret()),
              "its algorithm is none of HS256, RS256, ES256 and EdDSA");
    // PS256 with the very same key as RS256.
    EXPECT_EQ(outcome(kJosePs256, keys_of(kJosePs256Jwk)),
              "its algorithm is none of HS256, RS256, ES256 and EdDSA");
}

// The classic: HS256 with the text of the public key for a secret.
TEST(Jwt, APublicKeyIsNoSecret) {
    const std::string claims = R"({"sub":"a","exp":1800000000})";
    for (const char* pem : {kJoseRs256Pem, kJoseEs256Pem, kJoseEdDsaPem}) {
        const TokenKeys keys = TokenKeys::parse(pem).value();
        EXPECT_EQ(outcome(seal(kHs256, claims, pem), keys), "no key has its id and algorithm");
    }
}

TEST(Jwt, ATokenWithoutSignatureIsRefused) {
    const std::string claims = base64url(R"({"sub":"a","exp":1800000000})");
    EXPECT_EQ(outcome(base64url(R"({"alg":"none"})") + "." + claims + ".", secret()),
              "its algorithm is none of HS256, RS256, ES256 and EdDSA");
    EXPECT_EQ(outcome(base64url(kHs256) + "." + claims + ".", secret()), "its signature is wrong");
}

TEST(Jwt, AnyChangeBreaksTheSignature) {
    for (const auto& [text, jwk] : {std::pair{kJoseRs256, kJoseRs256Jwk},
                                    {kJoseEs256, kJoseEs256Jwk},
                                    {kJoseEdDsa, kJoseEdDsaJwk}}) {
        const TokenKeys keys = keys_of(jwk);
        const std::string token(text);
        for (size_t at = 0; at < token.size(); at += 7) {
            std::string changed = token;
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            EXPECT_FALSE(check_token(changed, keys, {}, kNow)) << at;
        }
        EXPECT_EQ(outcome(token.substr(0, token.rfind('.') + 1), keys), "its signature is wrong");
    }
}

TEST(Jwt, AnotherKeyIsRefused) {
    EXPECT_EQ(outcome(kJoseRs256, keys_of(kJosePs256Jwk)), "its signature is wrong");
    EXPECT_EQ(
        outcome(kJoseHs256, TokenKeys::from_secret("fedcba9876543210fedcba9876543210").value()),
        "its signature is wrong");
}

TEST(Jwt, TheKeyIdChoosesTheKey) {
    const auto named = [](const std::string& jwk, const std::string& id) {
        return keys_of(std::string(jwk).replace(0, 1, R"({"kid":")" + id + "\","));
    };
    EXPECT_EQ(outcome(kJoseEs256, named(kJoseEs256Jwk, "k-ES256")), "pump-7");
    const auto other = check_token(kJoseEs256, named(kJoseEs256Jwk, "k-2"), {}, kNow);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, TokenFault::Kind::UnknownKey);
    TokenKeys both = named(kJoseEs256Jwk, "k-2");
    both.add(named(kJoseEs256Jwk, "k-ES256"));
    EXPECT_EQ(outcome(kJoseEs256, both), "pump-7");
    EXPECT_EQ(outcome(seal(R"({"alg":"HS256","kid":7})", "{}"), secret()), "it is malformed");
    TokenKeys none;
    EXPECT_EQ(outcome(kJoseEs256, none), "no key has its id and algorithm");
}

TEST(Jwt, EndsWhenItSaysAndBeginsWithLeeway) {
    const TokenKeys keys = secret();
    const auto at = [&](int64_t ms) { return outcome(kJoseHs256, keys, {}, {ms}); };
    EXPECT_EQ(at(1'800'000'000 * kSecond - 1), "pump-7");
    EXPECT_EQ(at(1'800'000'000 * kSecond), "it has expired");
    EXPECT_EQ(at(1'700'000'000 * kSecond - kTokenLeewayMs), "pump-7");
    EXPECT_EQ(at(1'700'000'000 * kSecond - kTokenLeewayMs - 1), "it is not valid yet");
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","exp":1750000000.5})"), "a");
}

TEST(Jwt, MustEndUnlessToldOtherwise) {
    TokenRules rules;
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a"})", rules), "it has no exp, and would never end");
    rules.expiry_required = false;
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a"})", rules), "a");
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","exp":1})", rules), "it has expired");
    for (const char* exp :
         {"\"1800000000\"", "-1", "1e300", "1e13", "null", "true", "[1800000000]"})
        EXPECT_EQ(outcome_of_claims(R"({"sub":"a","exp":)" + std::string(exp) + "}", rules),
                  "its exp is no date")
            << exp;
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","nbf":"now"})", rules), "its nbf is no date");
}

TEST(Jwt, IssuerAndAudienceAreAsked) {
    TokenRules rules;
    rules.issuer = "https://issuer.test";
    rules.audience = "godwit";
    EXPECT_EQ(outcome(kJoseHs256, secret(), rules), "pump-7");
    rules.issuer = "https://issuer.tes";
    EXPECT_EQ(outcome(kJoseHs256, secret(), rules), "it is of another issuer");
    rules.issuer = "";
    rules.audience = "godwi";
    EXPECT_EQ(outcome(kJoseHs256, secret(), rules), "it is for another audience");
    rules.audience = "godwit";
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","exp":1800000000,"aud":"godwit"})", rules), "a");
    for (const char* aud : {"\"x\"", "[]", "[[\"godwit\"]]", "{\"godwit\":1}", "7"})
        EXPECT_EQ(outcome_of_claims(
                      R"({"sub":"a","exp":1800000000,"aud":)" + std::string(aud) + "}", rules),
                  "it is for another audience");
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","exp":1800000000})", rules),
              "it is for another audience");
    rules.issuer = "i";
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","exp":1800000000,"aud":"godwit"})", rules),
              "it is of another issuer");
}

TEST(Jwt, NamesItsUser) {
    TokenRules rules;
    const std::string none = "the claim of the user name is missing or no text";
    for (const char* sub :
         {"", "\"sub\":\"\",", "\"sub\":7,", "\"sub\":[\"a\"],", "\"Sub\":\"a\","})
        EXPECT_EQ(outcome_of_claims("{" + std::string(sub) + "\"exp\":1800000000}"), none) << sub;
    EXPECT_EQ(outcome_of_claims(R"({"sub":")" + std::string(3000, 'a') + R"(","exp":1800000000})"),
              std::string(3000, 'a'));
    rules.username_claim = "site";
    EXPECT_EQ(outcome(kJoseHs256, secret(), rules), "north");
}

TEST(Jwt, NamesItsRealmWhereItMust) {
    TokenRules rules;
    rules.realm_claim = "tenant";
    const auto realm = [&](const std::string& claims) {
        const auto token = check_token(seal(R"({"alg":"HS256"})", claims), secret(), rules, kNow);
        return token ? token->realm : token.error().why;
    };
    EXPECT_EQ(realm(R"({"sub":"a","exp":1800000000,"tenant":"acme"})"), "acme");
    for (const char* tenant : {"", ",\"tenant\":\"\"", ",\"tenant\":7", ",\"tenant\":[\"acme\"]"})
        EXPECT_EQ(realm("{\"sub\":\"a\",\"exp\":1800000000" + std::string(tenant) + "}"),
                  "the claim of the realm is missing or no text");
    rules.realm_claim = "";
    EXPECT_EQ(realm(R"({"sub":"a","exp":1800000000,"tenant":"acme"})"), "");
}

TEST(Jwt, ConnectNamesItsUserOrNobody) {
    const auto login = [](std::string_view username) {
        const auto good = check_token_login(username, kJoseHs256, secret(), {}, kNow);
        return good ? good->username : good.error().why;
    };
    EXPECT_EQ(login(""), "pump-7");
    EXPECT_EQ(login("pump-7"), "pump-7");
    EXPECT_EQ(login("pump-8"), "it is of another user than CONNECT names");
    EXPECT_EQ(login("pump"), "it is of another user than CONNECT names");
}

TEST(Jwt, TwoReadingsAreNone) {
    EXPECT_EQ(outcome(seal(R"({"alg":"HS256","alg":"none"})", "{}"), secret()), "it is malformed");
    EXPECT_EQ(outcome_of_claims(R"({"sub":"a","sub":"b","exp":1800000000})"),
              "its claims are no JSON object without repetitions");
    EXPECT_EQ(outcome(seal(R"({"alg":"HS256","crit":["b64"],"b64":false})", "{}"), secret()),
              "it has critical extensions");
}

TEST(Jwt, WhatIsNoTokenIsRefused) {
    for (const char* token : {"", ".", "..", "a.b", "a.b.c", "....", "e30.e30.e30.e30",
                              "e30=.e30.e30", "W10.e30.e30", "e30.e30.*"})
        EXPECT_FALSE(check_token(token, secret(), {}, kNow)) << token;
    const std::string long_claims =
        R"({"sub":"a","exp":1800000000,"x":")" + std::string(kTokenBytesMax, 'x') + "\"}";
    EXPECT_EQ(outcome_of_claims(long_claims), "it is longer than 8 KiB");
}

TEST(Jwt, IsToldFromAPassword) {
    for (const char* token : {kJoseRs256, kJoseHs256, kRfcHs256, "eyJ.x.y", "eyJ.."})
        EXPECT_TRUE(looks_like_token(token)) << token;
    for (const char* password : {"", "secret", "eyJ", "eyJ.x", "eyJ.x.y.z", "a.b.c", "xeyJ.b.c"})
        EXPECT_FALSE(looks_like_token(password)) << password;
}

}  // namespace
}  // namespace godwit::auth
