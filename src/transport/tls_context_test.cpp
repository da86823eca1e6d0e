#include "transport/tls_context.h"

#include "transport/test_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::transport {
namespace {

using testing::StartsWith;

class TlsContextTest : public testing::Test {
protected:
    TlsOptions good() const {
        return {.certificate_pem = identity_.certificate_pem, .private_key_pem = identity_.key_pem};
    }
    static std::string refusal_of(const TlsOptions& options) {
        const auto loaded = TlsContext::load(options);
        return loaded ? "loaded" : loaded.error();
    }

    TestAuthority authority_;
    TestIdentity identity_ = authority_.issue({});
};

TEST_F(TlsContextTest, LoadsAServersCertificateAndKey) {
    EXPECT_EQ(refusal_of(good()), "loaded");
}
TEST_F(TlsContextTest, LoadsRsaToo) {
    const TestIdentity rsa = authority_.issue({.key = TestKey::Rsa});
    EXPECT_EQ(refusal_of({.certificate_pem = rsa.certificate_pem, .private_key_pem = rsa.key_pem}),
              "loaded");
}
TEST_F(TlsContextTest, TakesIntermediatesBehindTheCertificate) {
    TlsOptions options = good();
    options.certificate_pem += authority_.pem();
    EXPECT_EQ(refusal_of(options), "loaded");
}
TEST_F(TlsContextTest, AClientNeedsNoCertificate) {
    EXPECT_EQ(refusal_of({.role = TlsRole::Client}), "loaded");
}
TEST_F(TlsContextTest, AServerNeedsBoth) {
    TlsOptions options = good();
    options.certificate_pem.clear();
    EXPECT_EQ(refusal_of(options), "certificate_pem is missing");
    options = good();
    options.private_key_pem.clear();
    EXPECT_EQ(refusal_of(options), "private_key_pem is missing");
    EXPECT_EQ(refusal_of({}), "certificate_pem is missing");
}
TEST_F(TlsContextTest, AKeyMustBelongToTheCertificate) {
    for (const TestKey kind : {TestKey::Ecdsa, TestKey::Rsa}) {
        TlsOptions options = good();
        options.private_key_pem = authority_.issue({.key = kind}).key_pem;
        EXPECT_THAT(refusal_of(options),
                    StartsWith("private_key_pem does not belong to the certificate"));
    }
}
TEST_F(TlsContextTest, RubbishIsToldFromTheRightField) {
    TlsOptions options = good();
    options.certificate_pem = "rubbish";
    EXPECT_THAT(refusal_of(options), StartsWith("certificate_pem holds no certificate"));
    options = good();
    options.private_key_pem = identity_.certificate_pem;
    EXPECT_THAT(refusal_of(options), StartsWith("private_key_pem holds no private key"));
    options = good();
    options.ca_pem = "rubbish";
    EXPECT_EQ(refusal_of(options), "ca_pem holds no certificate");
    options = good();
    options.crl_pem = "rubbish";
    EXPECT_EQ(refusal_of(options), "crl_pem holds no revocation list");
}
TEST_F(TlsContextTest, DamageBehindAGoodPartIsTold) {
    const std::string damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    TlsOptions options = good();
    options.certificate_pem += damaged;
    EXPECT_THAT(refusal_of(options),
                StartsWith("certificate_pem: an intermediate certificate is damaged"));
    options = good();
    options.ca_pem = authority_.pem() + damaged;
    EXPECT_THAT(refusal_of(options), StartsWith("ca_pem: a certificate is damaged"));
    options = good();
    options.crl_pem =
        authority_.revoke(1) + "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
    EXPECT_THAT(refusal_of(options), StartsWith("crl_pem: a revocation list is damaged"));
}
TEST_F(TlsContextTest, AnEncryptedKeyNeedsItsPassword) {
    TlsOptions options = good();
    options.private_key_pem = TestAuthority::encrypt_key(identity_.key_pem, "secret");
    EXPECT_THAT(refusal_of(options),
                StartsWith("private_key_pem is encrypted and private_key_password is missing"));
    options.private_key_password = "wrong";
    EXPECT_THAT(refusal_of(options),
                StartsWith("private_key_pem cannot be decrypted with private_key_password"));
    options.private_key_password = "secret";
    EXPECT_EQ(refusal_of(options), "loaded");
}
TEST_F(TlsContextTest, VerifyingPeersNeedsSomebodyToTrust) {
    for (const PeerVerify verify : {PeerVerify::Optional, PeerVerify::Required}) {
        TlsOptions options = good();
        options.peer_verify = verify;
        EXPECT_EQ(refusal_of(options), "ca_pem is missing, and peers must verify");
        options.ca_pem = authority_.pem();
        EXPECT_EQ(refusal_of(options), "loaded");
    }
}
TEST_F(TlsContextTest, UnknownCiphersAreTold) {
    TlsOptions options = good();
    options.ciphers_tls12 = "NO-SUCH-CIPHER";
    EXPECT_THAT(refusal_of(options), StartsWith("ciphers_tls12 names no cipher"));
    options = good();
    options.ciphers_tls13 = "NO-SUCH-CIPHER";
    EXPECT_THAT(refusal_of(options), StartsWith("ciphers_tls13 names no cipher"));
}

}  // namespace
}  // namespace godwit::transport
