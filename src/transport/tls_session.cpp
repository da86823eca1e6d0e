#include "transport/tls_session.h"

#include "transport/tls_hooks.h"
#include "transport/tls_native.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <algorithm>
#include <utility>

namespace godwit::transport {

namespace {

// Measured by bench_transport (idle_tls_bytes) with OpenSSL 3.0: half of it is the SSL object
// itself.
constexpr size_t kIdleSessionBytes = 14'200;
constexpr size_t kPeerCertificateBytes = 4'700;
constexpr size_t kWaitingBytesMax = 64 * 1024;

const uint8_t* as_openssl(std::string_view text) {
    return reinterpret_cast<const uint8_t*>(text.data());
}

std::string fault_text(const SSL* ssl) {
    const unsigned long code = ERR_peek_last_error();  // the outermost layer speaks last
    switch (ERR_GET_REASON(code)) {
        case SSL_R_CERTIFICATE_VERIFY_FAILED:
            return fmt::format("the peer's certificate is refused: {}",
                               X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return "the client shows no certificate";
        case SSL_R_HTTP_REQUEST:
        case SSL_R_HTTPS_PROXY_REQUEST:
        case SSL_R_WRONG_VERSION_NUMBER:
            return "the peer does not speak TLS";
        default:
            break;
    }
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    return reason == nullptr ? "the connection is broken" : reason;
}

}  // namespace

// --- OpenSSL's way back to us ---

struct TlsHooks {
    static TlsSession& session(const SSL* ssl) {
        return *static_cast<TlsSession*>(SSL_get_app_data(ssl));
    }

    static int read(BIO* bio, char* into, int size) {
        Bytes& input = static_cast<TlsSession*>(BIO_get_data(bio))->input_;
        BIO_clear_retry_flags(bio);
        if (input.empty()) {
            BIO_set_retry_read(bio);
            return -1;
        }
        const size_t taken = std::min(input.size(), size_t(size));
        std::memcpy(into, input.data(), taken);
        input = input.subspan(taken);
        return int(taken);
    }

    static int write(BIO* bio, const char* from, int size) {
        Buffer* output = static_cast<TlsSession*>(BIO_get_data(bio))->output_;
        GW_ASSERT(output != nullptr);
        put_text(*output, {from, size_t(size)});
        return size;
    }

    static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

    static int create(BIO* bio) {
        BIO_set_init(bio, 1);
        return 1;
    }

    static BIO_METHOD* make_method() {
        BIO_METHOD* made =
            BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bytes at hand");
        GW_ASSERT(made != nullptr);
        BIO_meth_set_read(made, read);
        BIO_meth_set_write(made, write);
        BIO_meth_set_ctrl(made, control);
        BIO_meth_set_create(made, create);
        return made;
    }
    /// Made once for the process and never freed, as OpenSSL's own are.
    static const BIO_METHOD* method() {
        static const BIO_METHOD* const made = make_method();
        return made;
    }

    static int on_server_name(SSL* ssl, int*, void*) {
        const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
        if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
        session(ssl).sni_ = name;
        return SSL_TLSEXT_ERR_OK;
    }

    /// The wanted name where it stands in the offer; empty if it is not offered.
    /// @param offer  names, each behind a length byte; OpenSSL has checked that
    static Bytes choose_alpn(const TlsSession& session, Bytes offer) {
        for (Bytes rest = offer; !rest.empty(); rest = rest.subspan(1u + rest[0])) {
            const Bytes name = rest.subspan(1, rest[0]);
            if (as_text(name) == session.alpn_wanted_) return name;
        }
        return {};
    }
};

void install_server_hooks(SSL_CTX* context) {
    // The macro for this, as the one for the client's SNI below, holds a cast of C.
    SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                          reinterpret_cast<void (*)()>(TlsHooks::on_server_name));
    SSL_CTX_set_alpn_select_cb(
        context,
        [](SSL* ssl, const uint8_t** chosen, uint8_t* chosen_size, const uint8_t* offer,
           unsigned offer_size, void*) {
            const Bytes name = TlsHooks::choose_alpn(TlsHooks::session(ssl), {offer, offer_size});
            if (name.empty()) return SSL_TLSEXT_ERR_NOACK;
            *chosen = name.data();
            *chosen_size = uint8_t(name.size());
            return SSL_TLSEXT_ERR_OK;
        },
        nullptr);
}

// --- the session ---

void TlsSession::Free::operator()(SSL* ssl) const {
    SSL_free(ssl);
}

TlsSession::TlsSession(const TlsContext& context, const TlsSessionOptions& options)
    : ssl_(SSL_new(context.native())) {
    BIO* bio = BIO_new(TlsHooks::method());
    GW_ASSERT(ssl_ != nullptr && bio != nullptr);
    BIO_set_data(bio, this);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    if (context.role() == TlsRole::Server) {
        alpn_wanted_ = options.alpn;
        SSL_set_accept_state(ssl_.get());
        return;
    }
    SSL_set_connect_state(ssl_.get());
    set_client_options(options);
}

TlsSession::~TlsSession() = default;

void TlsSession::set_client_options(const TlsSessionOptions& options) {
    SSL* ssl = ssl_.get();
    if (!options.alpn.empty()) {
        GW_ASSERT(options.alpn.size() < 256);
        const std::string offer = char(options.alpn.size()) + std::string(options.alpn);
        GW_ASSERT(SSL_set_alpn_protos(ssl, as_openssl(offer), unsigned(offer.size())) == 0);
    }
    if (options.server_name.empty()) return;
    const std::string name(options.server_name);
    const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> ip(
        a2i_IPADDRESS(name.c_str()), ASN1_OCTET_STRING_free);
    ERR_clear_error();  // "not an address" is no fault
    if (!ip)            // RFC 6066: a name, never an address
        SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(name.c_str()));
    if (!options.check_name) return;
    if (ip)
        X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), ip->data, size_t(ip->length));
    else
        SSL_set1_host(ssl, name.c_str());
}

void TlsSession::start(Buffer& out) {
    if (SSL_is_server(ssl_.get())) return;
    output_ = &out;
    ERR_clear_error();
    SSL_do_handshake(ssl_.get());
    output_ = nullptr;
}

Result<size_t, TlsEnd> TlsSession::read(Bytes& raw, std::span<uint8_t> plain, Buffer& out) {
    input_ = raw;
    output_ = &out;
    ERR_clear_error();
    size_t size = 0;
    const int result = SSL_read_ex(ssl_.get(), plain.data(), plain.size(), &size);
    const bool hungry = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
    const bool stuck = hungry && !input_.empty() && input_.size() == raw.size();
    raw = std::exchange(input_, {});
    ready_ = ready_ || SSL_is_init_finished(ssl_.get()) == 1;
    Result<size_t, TlsEnd> outcome = size;
    if ((result != 1 && !hungry) || stuck) outcome = Err{failure(result)};
    if (outcome && !waiting_.empty()) {
        const auto written = write_waiting();
        if (!written) outcome = Err{written.error()};
    }
    output_ = nullptr;
    return outcome;
}

Result<Done, TlsEnd> TlsSession::write(Bytes plain, Buffer& out) {
    GW_ASSERT(ready_);
    if (plain.empty()) return Done{};
    if (waiting_.size() + plain.size() > kWaitingBytesMax && !waiting_.empty())
        return Err{TlsEnd{false, "the peer withholds the end of a TLS message"}};
    if (!waiting_.empty()) {
        put_bytes(waiting_, plain);
        return Done{};
    }
    output_ = &out;
    ERR_clear_error();
    size_t size = 0;
    const int result = SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &size);
    output_ = nullptr;
    if (result == 1) return Done{};
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) return Err{failure(result)};
    put_bytes(waiting_, plain);
    return Done{};
}

Result<Done, TlsEnd> TlsSession::write_waiting() {
    size_t size = 0;
    const int result = SSL_write_ex(ssl_.get(), waiting_.data(), waiting_.size(), &size);
    if (result == 1) {
        waiting_ = {};
        return Done{};
    }
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ) return Done{};
    return Err{failure(result)};
}

void TlsSession::close(Buffer& out) {
    if (!ready_) return;
    output_ = &out;
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    output_ = nullptr;
}

TlsEnd TlsSession::failure(int result) {
    const bool closed = SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN;
    TlsEnd end{closed, closed ? "the peer closed TLS" : fault_text(ssl_.get())};
    ERR_clear_error();
    return end;
}

TlsPeer TlsSession::peer() const {
    TlsPeer peer{.version = SSL_get_version(ssl_.get()),
                 .cipher = SSL_get_cipher_name(ssl_.get()),
                 .sni = sni_};
    const uint8_t* alpn = nullptr;
    unsigned alpn_size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &alpn, &alpn_size);
    peer.alpn = as_text({alpn, alpn_size});
    if (const X509* certificate = SSL_get0_peer_certificate(ssl_.get())) {
        peer.certificate_subject = subject_text(certificate);
        peer.certificate_name =
            name_of_certificate(certificate, extras_of(SSL_get_SSL_CTX(ssl_.get())).peer_name);
    }
    return peer;
}

bool TlsSession::is_revoked_by(const TlsContext& context) const {
    X509* certificate = SSL_get0_peer_certificate(ssl_.get());
    if (certificate == nullptr) return false;
    for (const Crl& crl : extras_of(context.native()).crls) {
        X509_REVOKED* entry = nullptr;
        constexpr int kRevoked = 1;  // 2: it was, and is not any more
        if (X509_CRL_get0_by_cert(crl.get(), &entry, certificate) == kRevoked) return true;
    }
    return false;
}

size_t TlsSession::memory_bytes() const {
    const bool shown = SSL_get0_peer_certificate(ssl_.get()) != nullptr;
    return sizeof *this + kIdleSessionBytes + (shown ? kPeerCertificateBytes : 0) +
           waiting_.capacity() + alpn_wanted_.capacity() + sni_.capacity();
}

}  // namespace godwit::transport
