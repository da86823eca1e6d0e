#include "transport/tls_context.h"

#include "transport/tls_hooks.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

namespace godwit::transport {

namespace {

using Step = Result<Done, std::string>;

template <auto free>
struct FreeBy {
    template <class T>
    void operator()(T* object) const {
        free(object);
    }
};
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Crl = std::unique_ptr<X509_CRL, FreeBy<X509_CRL_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

constexpr const char* kCiphersTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kPeerChainBytesMax = 32 * 1024;

/// A sentence, and in brackets what OpenSSL has to say, if anything.
Err<std::string> fault(std::string_view what) {
    const unsigned long code = ERR_peek_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    return Err{reason == nullptr ? std::string(what) : fmt::format("{} ({})", what, reason)};
}

Bio read_only(const std::string& pem) {
    return Bio(BIO_new_mem_buf(pem.data(), int(pem.size())));
}

/// Gives the password to OpenSSL's PEM reader; without this it would ask on the terminal.
int give_password(char* into, int size, int /*writing*/, void* password) {
    const auto& text = *static_cast<const std::string*>(password);
    if (text.empty() || text.size() > size_t(size)) return -1;
    text.copy(into, text.size());
    return int(text.size());
}

/// The next certificate; nullptr at the end.
Certificate next_certificate(BIO* pem) {
    return Certificate(PEM_read_bio_X509_AUX(pem, nullptr, nullptr, nullptr));
}

/// True if reading stopped because there is nothing more, not because of rubbish.
bool at_end_of_pem() {
    const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (end) ERR_clear_error();
    return end;
}

Step use_certificate(SSL_CTX* context, const TlsOptions& options) {
    const Bio pem = read_only(options.certificate_pem);
    const Certificate own = next_certificate(pem.get());
    if (!own) return fault("certificate_pem holds no certificate");
    if (SSL_CTX_use_certificate(context, own.get()) != 1)
        return fault("certificate_pem cannot be used");
    while (Certificate issuer = next_certificate(pem.get())) {
        if (SSL_CTX_add0_chain_cert(context, issuer.get()) != 1)
            return fault("certificate_pem: an intermediate certificate cannot be used");
        static_cast<void>(issuer.release());  // the context owns it now
    }
    if (!at_end_of_pem()) return fault("certificate_pem: an intermediate certificate is damaged");
    return Done{};
}

Step use_key(SSL_CTX* context, const TlsOptions& options) {
    const Bio pem = read_only(options.private_key_pem);
    auto* password = const_cast<std::string*>(&options.private_key_password);
    const Key key(PEM_read_bio_PrivateKey(pem.get(), nullptr, give_password, password));
    if (!key && options.private_key_pem.find("ENCRYPTED") != std::string::npos)
        return fault(options.private_key_password.empty()
                         ? "private_key_pem is encrypted and private_key_password is missing"
                         : "private_key_pem cannot be decrypted with private_key_password");
    if (!key) return fault("private_key_pem holds no private key");
    if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
        return fault("private_key_pem does not belong to the certificate");
    return Done{};
}

Step use_identity(SSL_CTX* context, const TlsOptions& options) {
    const bool none = options.certificate_pem.empty() && options.private_key_pem.empty();
    if (none && options.role == TlsRole::Client) return Done{};
    if (options.certificate_pem.empty()) return fault("certificate_pem is missing");
    if (options.private_key_pem.empty()) return fault("private_key_pem is missing");
    const Step certificate = use_certificate(context, options);
    return certificate ? use_key(context, options) : certificate;
}

/// Trust for the peer's certificate; a server also tells clients the names of these issuers.
Step use_trust(SSL_CTX* context, const TlsOptions& options) {
    const bool wanted = options.peer_verify != PeerVerify::None;
    if (wanted && options.ca_pem.empty()) return fault("ca_pem is missing, and peers must verify");
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    const Bio pem = read_only(options.ca_pem);
    size_t count = 0;
    for (; const Certificate ca = next_certificate(pem.get()); ++count) {
        if (X509_STORE_add_cert(store, ca.get()) != 1) return fault("ca_pem cannot be used");
        if (options.role == TlsRole::Server && SSL_CTX_add_client_CA(context, ca.get()) != 1)
            return fault("ca_pem cannot be used");
    }
    if (!at_end_of_pem()) return fault("ca_pem: a certificate is damaged");
    if (count == 0 && !options.ca_pem.empty()) return fault("ca_pem holds no certificate");
    return Done{};
}

Step use_revocations(SSL_CTX* context, const TlsOptions& options) {
    if (options.crl_pem.empty()) return Done{};
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    const Bio pem = read_only(options.crl_pem);
    size_t count = 0;
    for (;; ++count) {
        const Crl crl(PEM_read_bio_X509_CRL(pem.get(), nullptr, nullptr, nullptr));
        if (!crl) break;
        if (X509_STORE_add_crl(store, crl.get()) != 1) return fault("crl_pem cannot be used");
    }
    if (!at_end_of_pem()) return fault("crl_pem: a revocation list is damaged");
    if (count == 0) return fault("crl_pem holds no revocation list");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return Done{};
}

Step use_policy(SSL_CTX* context, const TlsOptions& options) {
    const bool tls13_only = options.version_min == TlsVersion::Tls13;
    if (SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
        return fault("version_min cannot be used");
    const char* tls12 =
        options.ciphers_tls12.empty() ? kCiphersTls12 : options.ciphers_tls12.c_str();
    if (SSL_CTX_set_cipher_list(context, tls12) != 1) return fault("ciphers_tls12 names no cipher");
    if (!options.ciphers_tls13.empty() &&
        SSL_CTX_set_ciphersuites(context, options.ciphers_tls13.c_str()) != 1)
        return fault("ciphers_tls13 names no cipher");
    GW_ASSERT(SSL_CTX_set1_groups_list(context, kGroups) == 1);

    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_max_cert_list(context, kPeerChainBytesMax);
    return Done{};
}

void use_verify(SSL_CTX* context, const TlsOptions& options) {
    int mode = SSL_VERIFY_NONE;
    if (options.peer_verify != PeerVerify::None) mode = SSL_VERIFY_PEER;
    if (options.peer_verify == PeerVerify::Required) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, mode, nullptr);
}

/// Tickets keep the state at the client, encrypted; nothing is cached here. One ticket is enough.
void use_tickets(SSL_CTX* context) {
    static constexpr std::string_view kContextName = "godwit";
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    GW_ASSERT(SSL_CTX_set_session_id_context(context,
                                             reinterpret_cast<const uint8_t*>(kContextName.data()),
                                             unsigned(kContextName.size())) == 1);
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

TlsContext::TlsContext(Owned context, const TlsOptions& options)
    : context_(std::move(context)), role_(options.role), peer_verify_(options.peer_verify) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

Result<TlsContext, std::string> TlsContext::load(const TlsOptions& options) {
    ERR_clear_error();
    const bool server = options.role == TlsRole::Server;
    Owned context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    GW_ASSERT(context != nullptr);
    for (const auto step : {use_policy, use_identity, use_trust, use_revocations}) {
        const Step done = step(context.get(), options);
        if (!done) return Err{done.error()};
    }
    use_verify(context.get(), options);
    use_tickets(context.get());
    if (server) install_server_hooks(context.get());
    return TlsContext(std::move(context), options);
}

}  // namespace godwit::transport
