// Whose certificate a client is shown, by the name it asks for; and what a client's certificate
// calls it.
#include "transport/test_certificates.h"
#include "transport/test_link.h"
#include "transport/tls_native.h"
#include "transport/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

namespace godwit::transport {
namespace {

using testing::StartsWith;

TlsContext load(const TlsOptions& options) {
    auto loaded = TlsContext::load(options);
    GW_ASSERT(loaded.has_value());
    return std::move(*loaded);
}

struct TlsNames : testing::TestWithParam<TlsVersion> {
    TestIdentity issue(const std::string& name, const std::string& alternatives,
                       TestKey key = TestKey::Ecdsa) {
        return authority_.issue(
            {.common_name = name, .alternative_names = alternatives, .key = key});
    }
    static TlsKeyPair pair(const TestIdentity& identity) {
        return {.certificate_pem = identity.certificate_pem, .private_key_pem = identity.key_pem};
    }
    TlsOptions server(const TestIdentity& first, std::vector<TlsKeyPair> others) const {
        return {.certificate_pem = first.certificate_pem,
                .private_key_pem = first.key_pem,
                .others = std::move(others)};
    }
    /// The common name of the certificate that a client is shown which asks for `sni`, and which
    /// takes no other one. Anything else is a fault's text.
    std::string shown(const TlsOptions& options, const std::string& sni,
                      const char* ciphers_tls12 = nullptr, const char* signatures = nullptr) {
        const TlsContext listener = load(options);
        TlsContext client = load({.role = TlsRole::Client,
                                  .ca_pem = authority_.pem(),
                                  .peer_verify = PeerVerify::Required});
        if (GetParam() == TlsVersion::Tls12)
            SSL_CTX_set_max_proto_version(client.native(), TLS1_2_VERSION);
        if (ciphers_tls12) SSL_CTX_set_cipher_list(client.native(), ciphers_tls12);
        if (signatures) SSL_CTX_set1_sigalgs_list(client.native(), signatures);
        TestLink link({.tls = &client, .tls_server_name = sni, .tls_check_name = false},
                      {.tls = &listener});
        link.pump();
        if (!link.ready()) return link.client.fault + " / " + link.server.fault;
        return link.client.wire->peer().certificate_name;
    }

    TestAuthority authority_;
};
INSTANTIATE_TEST_SUITE_P(Version, TlsNames, testing::Values(TlsVersion::Tls12, TlsVersion::Tls13),
                         [](const auto& version) {
                             return version.param == TlsVersion::Tls12 ? "Tls12" : "Tls13";
                         });

TEST_P(TlsNames, AClientGetsTheCertificateOfTheNameItAsksFor) {
    const TestIdentity first = issue("first", "DNS:a.example");
    const TestIdentity second = issue("second", "DNS:b.example,DNS:c.example");
    const TlsOptions options = server(first, {pair(second)});
    EXPECT_EQ(shown(options, "a.example"), "first");
    EXPECT_EQ(shown(options, "b.example"), "second");
    EXPECT_EQ(shown(options, "C.EXAMPLE"), "second");
}
TEST_P(TlsNames, WhoAsksForNoneOfThemGetsTheFirst) {
    const TlsOptions options =
        server(issue("first", "DNS:a.example"), {pair(issue("second", "DNS:b.example"))});
    EXPECT_EQ(shown(options, "z.example"), "first");
    EXPECT_EQ(shown(options, ""), "first");
}
TEST_P(TlsNames, AnExactNameGoesBeforeAWildcard) {
    const TlsOptions options =
        server(issue("any", "DNS:*.plant.example"), {pair(issue("one", "DNS:b.plant.example"))});
    EXPECT_EQ(shown(options, "b.plant.example"), "one");
    EXPECT_EQ(shown(options, "x.plant.example"), "any");
    EXPECT_EQ(shown(options, "x.y.plant.example"), "any")
        << "for want of a better one: it is the first";
    const TlsOptions behind =
        server(issue("one", "DNS:b.other"), {pair(issue("any", "DNS:*.plant.example"))});
    EXPECT_EQ(shown(behind, "x.plant.example"), "any");
    EXPECT_EQ(shown(behind, "x.y.plant.example"), "one") << "a wildcard stands for one label";
}
TEST_P(TlsNames, OneNameMayHaveACertificateOfEachKind) {
    const TestIdentity ecdsa = issue("ecdsa", "DNS:b.example");
    const TestIdentity rsa = issue("rsa", "DNS:b.example", TestKey::Rsa);
    const TlsOptions options = server(issue("first", "DNS:a.example"), {pair(ecdsa), pair(rsa)});
    const char* both = "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256";
    EXPECT_EQ(shown(options, "b.example", "ECDHE-RSA-AES128-GCM-SHA256",
                    "RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384"),
              "rsa");
    EXPECT_EQ(shown(options, "b.example", "ECDHE-ECDSA-AES128-GCM-SHA256", both), "ecdsa");
}
TEST_P(TlsNames, AKindThatTheNameLacksIsNotTakenFromTheFirst) {
    const TlsOptions options = server(issue("first", "DNS:a.example"),
                                      {pair(issue("rsa", "DNS:b.example", TestKey::Rsa))});
    EXPECT_EQ(shown(options, "b.example"), "rsa");
}
TEST_P(TlsNames, AClientIsCalledByTheNameThatIsWanted) {
    const TestIdentity pump = issue(
        "pump-7", "email:pump@plant.example,DNS:pump.example,DNS:other.example,URI:urn:plant:7");
    const auto name = [&](CertificateName wanted) {
        TlsOptions options = server(issue("first", "DNS:a.example"), {});
        options.ca_pem = authority_.pem();
        options.peer_verify = PeerVerify::Required;
        options.peer_name = wanted;
        const TlsContext listener = load(options);
        const TlsContext client = load({.role = TlsRole::Client,
                                        .certificate_pem = pump.certificate_pem,
                                        .private_key_pem = pump.key_pem});
        TestLink link({.tls = &client}, {.tls = &listener});
        link.pump();
        return link.server.wire->peer().certificate_name;
    };
    EXPECT_EQ(name(CertificateName::CommonName), "pump-7");
    EXPECT_EQ(name(CertificateName::Dns), "pump.example");
    EXPECT_EQ(name(CertificateName::Uri), "urn:plant:7");
    EXPECT_EQ(name(CertificateName::Email), "pump@plant.example");
    EXPECT_EQ(name(CertificateName::Fingerprint).size(), 64u);
}

TEST(TlsPeerNames, OfAKindThatIsNotThereIsEmpty) {
    TestAuthority authority;
    const TestIdentity plain = authority.issue({.alternative_names = "IP:127.0.0.1"});
    const Bio pem = read_only(plain.certificate_pem);
    const Certificate certificate = next_certificate(pem.get());
    for (const CertificateName kind :
         {CertificateName::Dns, CertificateName::Uri, CertificateName::Email})
        EXPECT_EQ(name_of_certificate(certificate.get(), kind), "");
    EXPECT_EQ(name_of_certificate(certificate.get(), CertificateName::Fingerprint)
                  .find_first_not_of("0123456789abcdef"),
              std::string::npos);
}

TEST(TlsPairs, AreRefusedByTheLabelOfWhatIsWrong) {
    TestAuthority authority;
    const TestIdentity first = authority.issue({}), second = authority.issue({});
    TlsOptions options{.certificate_pem = first.certificate_pem, .private_key_pem = first.key_pem};
    options.others.push_back({.certificate_pem = second.certificate_pem,
                              .private_key_pem = first.key_pem,
                              .certificate_label = "/etc/b.pem",
                              .private_key_label = "/etc/b.key"});
    EXPECT_THAT(TlsContext::load(options).error(),
                StartsWith("/etc/b.key does not belong to the certificate"));
    options.others[0].private_key_pem = second.key_pem;
    options.others[0].certificate_pem = "rubbish";
    EXPECT_THAT(TlsContext::load(options).error(), StartsWith("/etc/b.pem holds no certificate"));
}

// --- revocation ---

TEST(TlsRevocation, IsSeenOfALivingConnection) {
    TestAuthority authority, other("Somebody else");
    const TestIdentity own = authority.issue({}), pump = authority.issue({});
    TlsOptions options{.certificate_pem = own.certificate_pem,
                       .private_key_pem = own.key_pem,
                       .ca_pem = authority.pem(),
                       .peer_verify = PeerVerify::Required};
    const TlsContext listener = load(options);
    const TlsContext client = load({.role = TlsRole::Client,
                                    .certificate_pem = pump.certificate_pem,
                                    .private_key_pem = pump.key_pem});
    TestLink link({.tls = &client}, {.tls = &listener});
    link.pump();
    ASSERT_TRUE(link.ready());
    const auto is_revoked_by = [&](const std::string& crl_pem) {
        options.crl_pem = crl_pem;
        return link.server.wire->is_revoked_by(load(options));
    };
    EXPECT_FALSE(link.server.wire->is_revoked_by(listener));
    EXPECT_FALSE(is_revoked_by(authority.revoke(own.serial)));
    EXPECT_FALSE(is_revoked_by(other.revoke(pump.serial))) << "the serial of another authority";
    EXPECT_TRUE(is_revoked_by(authority.revoke(pump.serial)));
    EXPECT_TRUE(is_revoked_by(other.revoke(1) + authority.revoke(pump.serial)));
}
TEST(TlsRevocation, ByAListThatItsAuthorityHasNotSignedIsRefused) {
    TestAuthority authority, forger;  // of one name, with two keys
    const TestIdentity own = authority.issue({});
    TlsOptions options{.certificate_pem = own.certificate_pem,
                       .private_key_pem = own.key_pem,
                       .ca_pem = authority.pem(),
                       .crl_pem = forger.revoke(1),
                       .peer_verify = PeerVerify::Required,
                       .crl_label = "/etc/crl.pem"};
    EXPECT_THAT(TlsContext::load(options).error(),
                StartsWith("/etc/crl.pem: a revocation list is not signed by its authority"));
}
TEST(TlsTrust, IsTheSameForTheSameAuthoritiesListsAndWishes) {
    TestAuthority authority;
    const TestIdentity own = authority.issue({}), renewed = authority.issue({});
    const TlsOptions options{.certificate_pem = own.certificate_pem,
                             .private_key_pem = own.key_pem,
                             .ca_pem = authority.pem(),
                             .peer_verify = PeerVerify::Required};
    TlsOptions other = options;
    other.certificate_pem = renewed.certificate_pem;
    other.private_key_pem = renewed.key_pem;
    EXPECT_EQ(load(options).trust(), load(other).trust());
    other.crl_pem = authority.revoke(1);
    EXPECT_NE(load(options).trust(), load(other).trust());
    other = options;
    other.peer_verify = PeerVerify::Optional;
    EXPECT_NE(load(options).trust(), load(other).trust());
    other = options;
    other.verify_depth = 1;
    EXPECT_NE(load(options).trust(), load(other).trust());
}

}  // namespace
}  // namespace godwit::transport
