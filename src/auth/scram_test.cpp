#include "auth/scram.h"

#include "auth/base64.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

// RFC 7677 section 3: user "user", password "pencil".
constexpr const char* kFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr const char* kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr const char* kChallenge =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
constexpr const char* kFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
constexpr const char* kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

ScramSecret secret_of(std::string_view password) {
    return make_scram_secret(password, decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096);
}

ScramLogin login(ScramSecret secret) {
    return {parse_scram_first(kFirst).value(), std::move(secret), kServerNonce};
}

std::string outcome(std::string_view final, ScramSecret secret) {
    const auto answer = login(std::move(secret)).finish(final);
    return answer ? *answer : answer.error();
}

std::string fault_of(std::string_view first) {
    const auto parsed = parse_scram_first(first);
    return parsed ? "" : parsed.error();
}

TEST(Scram, TakesTheExchangeOfRfc7677) {
    const ScramLogin under_way = login(secret_of("pencil"));
    EXPECT_EQ(under_way.username(), "user");
    EXPECT_EQ(under_way.challenge(), kChallenge);
    EXPECT_EQ(under_way.finish(kFinal).value(), kServerFinal);
}

TEST(Scram, RefusesAnotherPassword) {
    EXPECT_EQ(outcome(kFinal, secret_of("pencil ")), "a wrong proof");
    EXPECT_EQ(outcome(kFinal, made_up_scram_secret("user", {1, 2})), "a wrong proof");
}

TEST(Scram, RefusesAnAnswerToAnotherChallenge) {
    std::string final(kFinal);
    EXPECT_EQ(outcome(std::string(final).replace(2, 4, "eSws"), secret_of("pencil")),
              "an answer to another challenge");
    EXPECT_EQ(outcome(std::string(final).replace(9, 1, "R"), secret_of("pencil")),
              "an answer to another challenge");
    EXPECT_EQ(outcome(std::string(final).insert(final.find(",p="), ",x=1"), secret_of("pencil")),
              "a wrong proof")
        << "the proof is about all that stands before it";
    for (const char* text : {"", ",p=", "c=biws,r=x", "r=x,c=biws,p=AAAA", "c=biws,r=x,p=AAAA",
                             "c=biws,r=x,p=*", "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="})
        EXPECT_EQ(outcome(text, secret_of("pencil")), "a malformed message") << text;
    final.insert(0, std::string(kScramMessageBytesMax, 'c'));
    EXPECT_EQ(outcome(final, secret_of("pencil")), "a malformed message");
}

TEST(Scram, ReadsTheFirstMessage) {
    const auto named = parse_scram_first("y,a=a=2Cb=3D,n=a=2Cb=3D,r=x,ext=1").value();
    EXPECT_EQ(named.username, "a,b=");
    EXPECT_EQ(named.gs2_header, "y,a=a=2Cb=3D,");
    EXPECT_EQ(named.bare, "n=a=2Cb=3D,r=x,ext=1");
    EXPECT_EQ(named.nonce, "x");
    EXPECT_EQ(fault_of("p=tls-unique,,n=u,r=x"), "channel binding, which is not supported");
    EXPECT_EQ(fault_of("n,,m=1,n=u,r=x"), "an extension, which is not supported");
    EXPECT_EQ(fault_of("n,a=v,n=u,r=x"), "a user who wants to act as another");
    for (const char* text : {"", "n", "n,", "n,,", "x,,n=u,r=x", "n,,n=u", "n,,n=,r=x",
                             "n,,n=u,r=", "n,,r=x,n=u", "n,,n=a=b,r=x", "n,,n==2c,r=x",
                             "n,,n=\xff,r=x", "n,,n=u,r=a b", "n,,n=u,r=\x01", "n,n=u,r=x"})
        EXPECT_EQ(fault_of(text), "a malformed message") << text;
    EXPECT_EQ(fault_of("n,,n=u,r=" + std::string(kScramMessageBytesMax, 'x')),
              "a malformed message");
}

TEST(Scram, WhoIsNotThereHasAlwaysTheSameSalt) {
    const HashKey key{1, 2};
    const ScramSecret once = made_up_scram_secret("eve", key);
    EXPECT_EQ(once.salt, made_up_scram_secret("eve", key).salt);
    EXPECT_NE(once.salt, made_up_scram_secret("eva", key).salt);
    EXPECT_NE(once.salt, made_up_scram_secret("eve", {1, 3}).salt);
    EXPECT_EQ(once.salt.size(), 16u);
    EXPECT_EQ(once.iterations, kScramIterations);
}

}  // namespace
}  // namespace godwit::auth
