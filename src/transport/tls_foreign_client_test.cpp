// What our own client never does but others do: resumption by ticket, renegotiation, key updates.
#include "transport/test_certificates.h"
#include "transport/wire.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace godwit::transport {
namespace {

/// A client made of OpenSSL alone, over memory BIOs.
class ForeignClient {
public:
    using Session = std::unique_ptr<SSL_SESSION, decltype(&SSL_SESSION_free)>;

    ForeignClient(const TlsContext& context, const TlsContext& server, SSL_SESSION* resume)
        : ssl_(SSL_new(context.native()), SSL_free), wire_(Wire::server({.tls = &server})) {
        SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
        SSL_set_connect_state(ssl_.get());
        if (resume != nullptr) SSL_set_session(ssl_.get(), resume);
    }

    /// Runs `act` on the client and delivers both ways until the client is content.
    template <class Act>
    int run(Act&& act) {
        int result = -1;
        for (int round = 0; round < 8; ++round) {
            ERR_clear_error();
            result = act(ssl_.get());
            exchange();
        }
        return result;
    }
    bool connect() {
        run([](SSL* ssl) { return SSL_do_handshake(ssl); });
        read();  // takes the tickets of TLS 1.3
        return SSL_is_init_finished(ssl_.get()) == 1 && wire_->ready();
    }
    int read() {
        char byte;
        return run([&](SSL* ssl) { return SSL_read(ssl, &byte, 1); });
    }
    int write(char byte) {
        const int written = SSL_write(ssl_.get(), &byte, 1);
        exchange();
        return written;
    }
    Session session() const { return {SSL_get1_session(ssl_.get()), SSL_SESSION_free}; }
    bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    SSL* native() const { return ssl_.get(); }
    const Wire& server() const { return *wire_; }
    std::string received() const { return std::string(as_text(mqtt_)); }
    std::string fault() const { return fault_; }

private:
    void exchange() {
        char* begin = nullptr;
        const long size = BIO_ctrl(SSL_get_wbio(ssl_.get()), BIO_CTRL_INFO, 0, &begin);
        Buffer reply;
        const auto step = wire_->receive(as_bytes({begin, size_t(size)}), mqtt_, reply);
        if (!step && fault_.empty()) fault_ = step.error().what;
        BIO_ctrl(SSL_get_wbio(ssl_.get()), BIO_CTRL_RESET, 0, nullptr);
        if (!reply.empty()) BIO_write(SSL_get_rbio(ssl_.get()), reply.data(), int(reply.size()));
    }

    std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
    std::unique_ptr<Wire> wire_;
    Buffer mqtt_;
    std::string fault_;
};

class TlsForeignClientBase : public testing::Test {
protected:
    explicit TlsForeignClientBase(TlsVersion version) : version_(version) {}

    TlsOptions server_options() const {
        return {.certificate_pem = identity_.certificate_pem,
                .private_key_pem = identity_.key_pem,
                .ca_pem = authority_.pem(),
                .peer_verify = PeerVerify::Required};
    }
    TlsContext server() const { return load(server_options()); }
    /// With tickets of these secrets, the last one first.
    TlsContext server(uint8_t secret, std::optional<uint8_t> previous = {},
                      const std::string& crl_pem = "") const {
        TlsOptions options = server_options();
        options.tickets.emplace().current.bytes.fill(secret);
        if (previous) options.tickets->previous.emplace().bytes.fill(*previous);
        options.crl_pem = crl_pem;
        return load(options);
    }
    /// Whether a ticket of the one is good with the other; where it is, it carries the identity.
    void expect_resumed(const TlsContext& from, const TlsContext& with, bool expected) {
        const TlsContext context = client();
        ForeignClient first(context, from, nullptr);
        ASSERT_TRUE(first.connect()) << first.fault();
        const auto ticket = first.session();
        ForeignClient second(context, with, ticket.get());
        ASSERT_TRUE(second.connect()) << second.fault();
        EXPECT_EQ(second.resumed(), expected);
        EXPECT_EQ(second.server().peer().certificate_name, "pump-7");
    }
    TlsContext client() const {
        TlsContext made = load({.role = TlsRole::Client,
                                .certificate_pem = pump_.certificate_pem,
                                .private_key_pem = pump_.key_pem});
        if (version_ == TlsVersion::Tls12)
            SSL_CTX_set_max_proto_version(made.native(), TLS1_2_VERSION);
        return made;
    }
    static TlsContext load(const TlsOptions& options) {
        auto loaded = TlsContext::load(options);
        GW_ASSERT(loaded.has_value());
        return std::move(*loaded);
    }

    TestAuthority authority_;
    TestIdentity identity_ = authority_.issue({});
    TestIdentity pump_ = authority_.issue({.common_name = "pump-7"});
    TlsVersion version_;
};
struct TlsForeignClient : TlsForeignClientBase, testing::WithParamInterface<TlsVersion> {
    TlsForeignClient() : TlsForeignClientBase(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(Version, TlsForeignClient,
                         testing::Values(TlsVersion::Tls12, TlsVersion::Tls13),
                         [](const auto& version) {
                             return version.param == TlsVersion::Tls12 ? "Tls12" : "Tls13";
                         });

TEST_P(TlsForeignClient, ResumesByTicketAndKeepsItsIdentity) {
    const TlsContext context = client(), listener = server();
    ForeignClient first(context, listener, nullptr);
    ASSERT_TRUE(first.connect()) << first.fault();
    EXPECT_FALSE(first.resumed());
    const auto ticket = first.session();
    ForeignClient second(context, listener, ticket.get());
    ASSERT_TRUE(second.connect()) << second.fault();
    EXPECT_TRUE(second.resumed());
    EXPECT_EQ(second.server().peer().certificate_name, "pump-7");
}
TEST_P(TlsForeignClient, ATicketDiesWithItsContext) {
    const TlsContext context = client(), listener = server(), reloaded = server();
    ForeignClient first(context, listener, nullptr);
    ASSERT_TRUE(first.connect()) << first.fault();
    const auto ticket = first.session();
    ForeignClient second(context, reloaded, ticket.get());
    ASSERT_TRUE(second.connect()) << second.fault();
    EXPECT_FALSE(second.resumed());
}
TEST_P(TlsForeignClient, ATicketIsGoodWhereverItsSecretIs) {  // in another shard, after a reload
    expect_resumed(server(1), server(1), true);
    expect_resumed(server(1), server(2), false);
}
TEST_P(TlsForeignClient, ATicketIsGoodForOneChangeOfTheSecret) {
    expect_resumed(server(1), server(2, 1), true);
    expect_resumed(server(1), server(3, 2), false);
    const TlsContext listener = server(1);
    TlsContext renewed = server(1);
    TicketSecrets secrets;
    secrets.current.bytes.fill(2);
    renewed.renew_tickets(secrets);
    expect_resumed(listener, renewed, false);
    secrets.previous.emplace().bytes.fill(1);
    renewed.renew_tickets(secrets);
    expect_resumed(listener, renewed, true);
}
TEST_P(TlsForeignClient, ATicketIsWorthNothingWhereTheTrustIsAnother) {
    // Who resumes shows no certificate that could be looked at again.
    expect_resumed(server(1), server(1, {}, authority_.revoke(identity_.serial)), false);
}
TEST_P(TlsForeignClient, ATicketIsRenewedWhenItsSecretIsThePrevious) {
    const TlsContext context = client(), before = server(1), after = server(2, 1),
                     later = server(3, 2);
    ForeignClient first(context, before, nullptr);
    ASSERT_TRUE(first.connect()) << first.fault();
    ForeignClient second(context, after, first.session().get());
    ASSERT_TRUE(second.connect()) << second.fault();
    ForeignClient third(context, later, second.session().get());
    ASSERT_TRUE(third.connect()) << third.fault();
    EXPECT_TRUE(third.resumed());
}
struct TlsForeignClient12 : TlsForeignClientBase {
    TlsForeignClient12() : TlsForeignClientBase(TlsVersion::Tls12) {}
};
TEST_F(TlsForeignClient12, IsRefusedARenegotiation) {
    const TlsContext context = client(), listener = server();
    SSL_CTX_clear_options(context.native(), SSL_OP_NO_RENEGOTIATION);
    ForeignClient peer(context, listener, nullptr);
    ASSERT_TRUE(peer.connect()) << peer.fault();
    ASSERT_EQ(SSL_renegotiate(peer.native()), 1);
    unsigned long refused = 0;
    peer.run([&](SSL* ssl) {
        const int result = SSL_do_handshake(ssl);
        if (refused == 0) refused = ERR_peek_error();
        return result;
    });
    EXPECT_EQ(ERR_GET_REASON(refused), SSL_R_NO_RENEGOTIATION);
}

struct TlsForeignClient13 : TlsForeignClientBase {
    TlsForeignClient13() : TlsForeignClientBase(TlsVersion::Tls13) {}
};
TEST_F(TlsForeignClient13, MayUpdateItsKeys) {
    const TlsContext context = client(), listener = server();
    ForeignClient peer(context, listener, nullptr);
    ASSERT_TRUE(peer.connect()) << peer.fault();
    ASSERT_EQ(SSL_key_update(peer.native(), SSL_KEY_UPDATE_REQUESTED), 1);
    EXPECT_EQ(peer.write('x'), 1);
    EXPECT_EQ(peer.write('y'), 1);
    EXPECT_EQ(peer.received(), "xy");
    EXPECT_EQ(peer.fault(), "");
}

}  // namespace
}  // namespace godwit::transport
