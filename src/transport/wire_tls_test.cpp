#include "transport/test_certificates.h"
#include "transport/test_link.h"
#include "transport/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <optional>
#include <thread>

namespace godwit::transport {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TlsContext load(const TlsOptions& options) {
    auto loaded = TlsContext::load(options);
    GW_ASSERT(loaded.has_value());
    return std::move(*loaded);
}

class WireTlsBase : public testing::Test {
protected:
    explicit WireTlsBase(TlsVersion version) : version_(version) {}

    TlsOptions server_options(const TestIdentity& identity) const {
        return {.certificate_pem = identity.certificate_pem,
                .private_key_pem = identity.key_pem,
                .ca_pem = authority_.pem()};
    }
    TlsOptions server_options() const { return server_options(identity_); }
    TlsOptions client_options() const {
        return {.role = TlsRole::Client,
                .ca_pem = authority_.pem(),
                .peer_verify = PeerVerify::Required};
    }
    TlsOptions client_options(const TestIdentity& identity) const {
        TlsOptions options = client_options();
        options.certificate_pem = identity.certificate_pem;
        options.private_key_pem = identity.key_pem;
        return options;
    }
    /// Both ends with the version of the test, pumped until the handshake has ended somehow.
    TestLink connect(const TlsOptions& client, const TlsOptions& server,
                     ClientWireOptions wire = {.tls_server_name = "localhost"},
                     ServerWireOptions listener = {}, size_t piece_bytes_max = 1 << 20) {
        client_ = load(client);
        server_ = load(server);
        if (version_ == TlsVersion::Tls12)
            SSL_CTX_set_max_proto_version(client_->native(), TLS1_2_VERSION);
        wire.tls = &*client_;
        listener.tls = &*server_;
        TestLink link(wire, listener);
        link.pump(piece_bytes_max);
        return link;
    }
    void expect_talk(TestLink& link, size_t piece_bytes_max = 1 << 20, uint64_t seed = 1) {
        ASSERT_TRUE(link.ready()) << link.client.fault << " / " << link.server.fault;
        const std::string large(70000, 'x');
        for (const std::string& text : {std::string("one"), large, std::string("three")}) {
            EXPECT_TRUE(link.send(link.client, text));
            EXPECT_TRUE(link.send(link.server, text));
        }
        link.pump(piece_bytes_max, seed);
        EXPECT_EQ(link.server.text(), "one" + large + "three") << "seed " << seed;
        EXPECT_EQ(link.client.text(), "one" + large + "three") << "seed " << seed;
    }

    TestAuthority authority_, stranger_{"Stranger"};
    TestIdentity identity_ = authority_.issue({});
    std::optional<TlsContext> client_, server_;
    TlsVersion version_;
};
struct WireTls : WireTlsBase, testing::WithParamInterface<TlsVersion> {
    WireTls() : WireTlsBase(GetParam()) {}
};

INSTANTIATE_TEST_SUITE_P(Version, WireTls, testing::Values(TlsVersion::Tls12, TlsVersion::Tls13),
                         [](const auto& version) {
                             return version.param == TlsVersion::Tls12 ? "Tls12" : "Tls13";
                         });

TEST_P(WireTls, ClientAndServerTalk) {
    TestLink link = connect(client_options(), server_options());
    expect_talk(link);
    const PeerIdentity& peer = link.server.wire->peer();
    EXPECT_EQ(peer.tls_version, GetParam() == TlsVersion::Tls12 ? "TLSv1.2" : "TLSv1.3");
    EXPECT_FALSE(peer.tls_cipher.empty());
    EXPECT_EQ(peer.certificate_subject, "");
    EXPECT_EQ(link.client.wire->peer().certificate_name, "localhost");
}
TEST_P(WireTls, RsaCertificatesWork) {
    TestLink link =
        connect(client_options(), server_options(authority_.issue({.key = TestKey::Rsa})));
    expect_talk(link);
}
TEST_P(WireTls, BytesMayComeOneByOne) {
    TestLink link =
        connect(client_options(), server_options(), {.tls_server_name = "localhost"}, {}, 1);
    ASSERT_TRUE(link.ready());
    link.send(link.client, "up");
    link.send(link.server, "down");
    link.pump(1);
    EXPECT_EQ(link.server.text(), "up");
    EXPECT_EQ(link.client.text(), "down");
}
TEST_P(WireTls, RandomCuttingChangesNothing) {
    for (uint64_t seed = 1; seed <= 3; ++seed) {
        TestLink link = connect(client_options(), server_options(),
                                {.tls_server_name = "localhost"}, {}, 1 + 400 * seed);
        expect_talk(link, 1 + 3000 * seed, seed);
    }
}
TEST_P(WireTls, AWebSocketRunsInside) {
    for (const size_t piece_bytes : {3u, 1000u, 1u << 20}) {
        TestLink link = connect(client_options(), server_options(),
                                {.tls_server_name = "localhost",
                                 .alpn = "http/1.1",
                                 .websocket = true,
                                 .websocket_path = "/mqtt?x=1",
                                 .websocket_host = "localhost:8084",
                                 .mask_key = {7, 8}},
                                {.websocket = true}, piece_bytes);
        expect_talk(link, piece_bytes);
        EXPECT_EQ(link.server.wire->peer().http_target, "/mqtt?x=1");
        EXPECT_EQ(link.server.wire->peer().alpn, "http/1.1");
        link.close(link.server, CloseCode::GoingAway);
        link.pump(piece_bytes);
        EXPECT_EQ(link.client.fault, "the peer closed the WebSocket: code 1001");
    }
}
TEST_P(WireTls, AWebSocketRefusalTravelsEncrypted) {
    TestLink link = connect(client_options(), server_options(),
                            {.tls_server_name = "localhost",
                             .websocket = true,
                             .websocket_path = "/other",
                             .websocket_host = "localhost"},
                            {.websocket = true});
    EXPECT_EQ(link.server.fault_kind, WireErrorKind::Http);
    EXPECT_EQ(link.client.fault, "HTTP: the server refuses the WebSocket: 404 Not Found");
}
TEST_P(WireTls, AProxyHeaderComesBeforeTls) {
    server_ = load(server_options());
    client_ = load(client_options());
    TestLink link({.tls = &*client_, .tls_server_name = "localhost"},
                  {.proxy_protocol = true, .tls = &*server_});
    const std::string header = "PROXY TCP4 203.0.113.7 10.0.0.1 49152 8883\r\n";
    link.server.incoming.insert(link.server.incoming.begin(), header.begin(), header.end());
    link.pump(1);
    expect_talk(link);
    EXPECT_EQ(link.server.wire->peer().address, "203.0.113.7:49152");
}

// --- names ---

TEST_P(WireTls, TheServerNameIsSentAndTold) {
    EXPECT_EQ(connect(client_options(), server_options()).server.wire->peer().sni, "localhost");
}
TEST_P(WireTls, AnAddressIsVerifiedButNotSentAsName) {
    TestLink link = connect(client_options(), server_options(), {.tls_server_name = "127.0.0.1"});
    EXPECT_TRUE(link.ready());
    EXPECT_EQ(link.server.wire->peer().sni, "");
}
TEST_P(WireTls, ACertificateOfAnotherNameIsRefused) {
    TestLink link =
        connect(client_options(), server_options(), {.tls_server_name = "other.example"});
    EXPECT_EQ(link.client.fault, "TLS: the peer's certificate is refused: hostname mismatch");
    EXPECT_THAT(link.server.fault, AllOf(StartsWith("TLS: "), HasSubstr("alert")));
    EXPECT_FALSE(link.server.wire->ready());
}
TEST_P(WireTls, ACertificateOfAnotherAddressIsRefused) {
    TestLink link = connect(client_options(), server_options(), {.tls_server_name = "127.0.0.2"});
    EXPECT_EQ(link.client.fault, "TLS: the peer's certificate is refused: IP address mismatch");
}
TEST_P(WireTls, AnyNameWillDoWhenAskedFor) {
    EXPECT_TRUE(connect(client_options(), server_options(),
                        {.tls_server_name = "other.example", .tls_check_name = false})
                    .ready());
    EXPECT_TRUE(connect(client_options(), server_options(), {}).ready());
}

// --- trust ---

TEST_P(WireTls, AServerOfAStrangerIsRefused) {
    TestLink link = connect(client_options(), server_options(stranger_.issue({})));
    EXPECT_EQ(link.client.fault,
              "TLS: the peer's certificate is refused: unable to get local issuer certificate");
    EXPECT_EQ(link.server.fault, "TLS: tlsv1 alert unknown ca");
}
TEST_P(WireTls, AClientThatVerifiesNothingTakesAnyServer) {
    TestLink link =
        connect({.role = TlsRole::Client}, server_options(stranger_.issue({.expired = true})));
    EXPECT_TRUE(link.ready());
}
TEST_P(WireTls, AnExpiredServerIsRefused) {
    TestLink link = connect(client_options(), server_options(authority_.issue({.expired = true})));
    EXPECT_EQ(link.client.fault, "TLS: the peer's certificate is refused: certificate has expired");
}
TEST_P(WireTls, AClientsCertificateIsTold) {
    for (const TestKey key : {TestKey::Ecdsa, TestKey::Rsa}) {
        const TestIdentity pump = authority_.issue(
            {.common_name = "pump-7 \xc3\xa4", .organization = "Plant", .key = key});
        for (const PeerVerify verify : {PeerVerify::Optional, PeerVerify::Required}) {
            TlsOptions server = server_options();
            server.peer_verify = verify;
            TestLink link = connect(client_options(pump), server);
            expect_talk(link);
            EXPECT_EQ(link.server.wire->peer().certificate_name, "pump-7 \xc3\xa4");
            EXPECT_EQ(link.server.wire->peer().certificate_subject, "CN=pump-7 \xc3\xa4,O=Plant");
        }
    }
}
TEST_P(WireTls, ANameWithANulIsNoName) {
    TlsOptions server = server_options();
    server.peer_verify = PeerVerify::Required;
    const TestIdentity forged = authority_.issue({.common_name = std::string("admin\0.x", 8)});
    TestLink link = connect(client_options(forged), server);
    EXPECT_TRUE(link.ready());
    EXPECT_EQ(link.server.wire->peer().certificate_name, "");
}
TEST_P(WireTls, AClientMayHaveNoneWhereItIsOptional) {
    TlsOptions server = server_options();
    server.peer_verify = PeerVerify::Optional;
    TestLink link = connect(client_options(), server);
    EXPECT_TRUE(link.ready());
    EXPECT_EQ(link.server.wire->peer().certificate_subject, "");
}
TEST_P(WireTls, AClientWithoutCertificateIsRefusedWhereItIsRequired) {
    TlsOptions server = server_options();
    server.peer_verify = PeerVerify::Required;
    TestLink link = connect(client_options(), server);
    EXPECT_EQ(link.server.fault, "TLS: the client shows no certificate");
    EXPECT_THAT(link.client.fault, AllOf(StartsWith("TLS: "), HasSubstr("alert")));
}
TEST_P(WireTls, AClientsBadCertificateIsRefused) {
    for (const PeerVerify verify : {PeerVerify::Optional, PeerVerify::Required}) {
        TlsOptions server = server_options();
        server.peer_verify = verify;
        EXPECT_EQ(connect(client_options(stranger_.issue({})), server).server.fault,
                  "TLS: the peer's certificate is refused: unable to get local issuer certificate");
        EXPECT_EQ(connect(client_options(authority_.issue({.expired = true})), server).server.fault,
                  "TLS: the peer's certificate is refused: certificate has expired");
    }
}
TEST_P(WireTls, ARevokedClientIsRefused) {
    const TestIdentity good = authority_.issue({}), revoked = authority_.issue({});
    TlsOptions server = server_options();
    server.peer_verify = PeerVerify::Required;
    server.crl_pem = authority_.revoke(revoked.serial);
    EXPECT_TRUE(connect(client_options(good), server).ready());
    EXPECT_EQ(connect(client_options(revoked), server).server.fault,
              "TLS: the peer's certificate is refused: certificate revoked");
}

// --- ALPN and versions ---

TEST_P(WireTls, MqttIsChosenWhenOffered) {
    TestLink link = connect(client_options(), server_options(), {.alpn = "mqtt"});
    EXPECT_EQ(link.server.wire->peer().alpn, "mqtt");
    EXPECT_EQ(link.client.wire->peer().alpn, "mqtt");
}
TEST_P(WireTls, AnOfferThatMatchesNothingIsIgnored) {
    for (const char* offer : {"x-amzn-mqtt-ca", "http/1.1", "h2", "mqt"}) {
        TestLink link = connect(client_options(), server_options(), {.alpn = offer});
        EXPECT_TRUE(link.ready()) << offer;
        EXPECT_EQ(link.server.wire->peer().alpn, "");
    }
}
TEST_P(WireTls, AServerOfOnly13RefusesOlderClients) {
    TlsOptions server = server_options();
    server.version_min = TlsVersion::Tls13;
    TestLink link = connect(client_options(), server);
    EXPECT_EQ(link.ready(), GetParam() == TlsVersion::Tls13);
    EXPECT_EQ(link.server.fault,
              GetParam() == TlsVersion::Tls13 ? "" : "TLS: unsupported protocol");
}
TEST_P(WireTls, X25519AndEphemeralKeysAreUsed) {
    TestLink link = connect(client_options(), server_options());
    EXPECT_THAT(link.server.wire->peer().tls_cipher,
                GetParam() == TlsVersion::Tls12 ? StartsWith("ECDHE-ECDSA-") : StartsWith("TLS_"));
}

// --- ends ---

TEST_P(WireTls, ThePeersCloseIsNoFault) {
    TestLink link = connect(client_options(), server_options());
    link.send(link.client, "last");
    link.close(link.client, CloseCode::Normal);
    link.pump();
    EXPECT_EQ(link.server.text(), "last");
    EXPECT_EQ(link.server.fault, "the peer closed TLS");
    EXPECT_EQ(link.server.fault_kind, WireErrorKind::PeerClosed);
}
TEST_P(WireTls, ADamagedRecordIsRefusedWithAnAlert) {
    TestLink link = connect(client_options(), server_options());
    link.send(link.client, "MQTT");
    link.server.incoming.back() ^= 1;
    link.pump();
    EXPECT_EQ(link.server.text(), "");
    EXPECT_EQ(link.server.fault, "TLS: decryption failed or bad record mac");
    EXPECT_THAT(link.client.fault, HasSubstr("alert bad record mac"));
}
TEST_P(WireTls, APeerWithoutTlsIsTold) {
    const TlsContext context = load(server_options());
    for (const char* text : {"\x10\x0c\x01\x04MQTT\x04", "GET / HTTP/1.1\r\n", "PROXY TCP4 "}) {
        const auto wire = Wire::server({.tls = &context});
        Buffer mqtt, reply;
        const auto step = wire->receive(as_bytes(text), mqtt, reply);
        ASSERT_FALSE(step);
        EXPECT_EQ(step.error().what, "TLS: the peer does not speak TLS");
    }
}
TEST_P(WireTls, MemoryOfAnIdleConnectionIsToldAndSmall) {
    TestLink link = connect(client_options(), server_options());
    EXPECT_GT(link.server.wire->memory_bytes(), 14'000u);
    EXPECT_LE(link.server.wire->memory_bytes(), 16u * 1024);
}
TEST_P(WireTls, ConnectionsOutliveTheirContext) {
    TestLink link = connect(client_options(), server_options());
    client_.reset();
    server_.reset();
    expect_talk(link);
}
TEST_P(WireTls, OneContextServesSeveralThreads) {
    const TlsContext server = load(server_options()), client = load(client_options());
    std::vector<std::thread> threads;
    std::array<std::string, 4> received;
    for (std::string& text : received)
        threads.emplace_back([&] {
            for (int i = 0; i < 5; ++i) {
                TestLink link({.tls = &client, .tls_server_name = "localhost"}, {.tls = &server});
                link.pump();
                link.send(link.client, "x");
                link.pump();
                text += link.server.text();
            }
        });
    for (std::thread& thread : threads) thread.join();
    for (const std::string& text : received) EXPECT_EQ(text, "xxxxx");
}

/// Takes one whole TLS record from the front of `from`.
Buffer take_record(Buffer& from) {
    const auto size = ptrdiff_t(5 + (from[3] << 8 | from[4]));
    const Buffer record(from.begin(), from.begin() + size);
    from.erase(from.begin(), from.begin() + size);
    return record;
}

/// A client that has got the first record of a ticket cut into several: it holds the certificate.
struct WireTlsInsideAMessage : WireTlsBase {
    WireTlsInsideAMessage() : WireTlsBase(TlsVersion::Tls13) {
        TlsOptions server = server_options();
        server.peer_verify = PeerVerify::Required;
        client_ = load(client_options(identity_));
        server_ = load(server);
        SSL_CTX_set_max_send_fragment(server_->native(), 512);
        link_.emplace(ClientWireOptions{.tls = &*client_, .tls_server_name = "localhost"},
                      ServerWireOptions{.tls = &*server_});
        deliver(link_->server, link_->client, std::exchange(link_->server.incoming, {}));
        deliver(link_->client, link_->server, std::exchange(link_->client.incoming, {}));
        deliver(link_->server, link_->client, std::exchange(link_->server.incoming, {}));
        GW_ASSERT(link_->ready());
        deliver(link_->client, link_->server, take_record(link_->client.incoming));
        GW_ASSERT(!link_->client.incoming.empty());
    }
    static void deliver(TestEnd& to, TestEnd& from, const Buffer& raw) {
        GW_ASSERT(to.wire->receive(raw, to.mqtt, from.incoming).has_value());
    }
    std::optional<TestLink> link_;
};

TEST_F(WireTlsInsideAMessage, WhatIsSentFollowsIt) {
    EXPECT_TRUE(link_->send(link_->client, "MQ"));
    EXPECT_TRUE(link_->send(link_->client, "TT"));
    EXPECT_TRUE(link_->server.incoming.empty());
    link_->pump();
    EXPECT_EQ(link_->server.text(), "MQTT");
    EXPECT_EQ(link_->client.fault, "");
}
TEST_F(WireTlsInsideAMessage, WhatWaitsIsBounded) {
    const std::string part(30000, 'x');
    Buffer raw;
    EXPECT_TRUE(link_->client.wire->send(as_bytes(part), raw));
    EXPECT_TRUE(link_->client.wire->send(as_bytes(part), raw));
    const auto refused = link_->client.wire->send(as_bytes(part), raw);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "TLS: the peer withholds the end of a TLS message");
    EXPECT_FALSE(link_->client.wire->ready());
}

}  // namespace
}  // namespace godwit::transport
