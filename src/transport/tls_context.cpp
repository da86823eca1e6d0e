#include "transport/tls_context.h"

#include "transport/tls_hooks.h"
#include "transport/tls_native.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace godwit::transport {

namespace {

using Step = Result<Done, std::string>;

constexpr const char* kCiphersTls12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr long kPeerChainBytesMax = 32 * 1024;

/// What the context refuses now it would refuse in every handshake: a key that is too short, a
/// signature of a kind that is not safe.
Step use_pair(SSL_CTX* context, TlsExtras& extras, const KeyPairTexts& texts) {
    auto pair = load_key_pair(texts);
    if (!pair) return Err{pair.error()};
    if (SSL_CTX_use_cert_and_key(context, pair->certificate.get(), pair->key.get(),
                                 pair->chain.get(), 1) != 1)
        return tls_load_fault(texts.certificate_label + " cannot be used");
    extras.pairs.push_back(std::move(*pair));
    return Done{};
}

Step use_identity(SSL_CTX* context, const TlsOptions& options) {
    const bool none = options.certificate_pem.empty() && options.private_key_pem.empty();
    if (none && options.role == TlsRole::Client) return Done{};
    auto done =
        use_pair(context, extras_of(context),
                 {options.certificate_pem, options.private_key_pem, options.private_key_password,
                  options.certificate_label, options.private_key_label});
    const std::unique_ptr<SSL_CTX, FreeBy<SSL_CTX_free>> trial(SSL_CTX_new(TLS_server_method()));
    GW_ASSERT(trial != nullptr);
    for (size_t i = 0; done && i < options.others.size(); ++i) {
        const TlsKeyPair& each = options.others[i];
        done = use_pair(trial.get(), extras_of(context),
                        {each.certificate_pem, each.private_key_pem, each.private_key_password,
                         each.certificate_label, each.private_key_label});
    }
    return done;
}

/// Trust for the peer's certificate; a server also tells clients the names of these issuers.
Step use_trust(SSL_CTX* context, const TlsOptions& options) {
    const bool wanted = options.peer_verify != PeerVerify::None;
    const std::string& label = options.ca_label;
    if (wanted && options.ca_pem.empty())
        return tls_load_fault(label + " is missing, and peers must verify");
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    const Bio pem = read_only(options.ca_pem);
    size_t count = 0;
    for (; const Certificate ca = next_certificate(pem.get()); ++count) {
        if (X509_STORE_add_cert(store, ca.get()) != 1)
            return tls_load_fault(label + " cannot be used");
        if (options.role == TlsRole::Server && SSL_CTX_add_client_CA(context, ca.get()) != 1)
            return tls_load_fault(label + " cannot be used");
    }
    if (!at_end_of_pem()) return tls_load_fault(label + ": a certificate is damaged");
    if (count == 0 && !options.ca_pem.empty())
        return tls_load_fault(label + " holds no certificate");
    return Done{};
}

/// The authority of that name among those that are trusted has signed the list. One whose authority
/// is an intermediate that peers show is only checked with them.
bool is_signed(const SSL_CTX* context, X509_CRL* crl) {
    const std::unique_ptr<X509_STORE_CTX, FreeBy<X509_STORE_CTX_free>> lookup(X509_STORE_CTX_new());
    GW_ASSERT(lookup != nullptr);
    X509_STORE_CTX_init(lookup.get(), SSL_CTX_get_cert_store(context), nullptr, nullptr);
    const std::unique_ptr<X509_OBJECT, FreeBy<X509_OBJECT_free>> found(
        X509_STORE_CTX_get_obj_by_subject(lookup.get(), X509_LU_X509, X509_CRL_get_issuer(crl)));
    ERR_clear_error();
    if (!found) return true;
    return X509_CRL_verify(crl, X509_get0_pubkey(X509_OBJECT_get0_X509(found.get()))) == 1;
}

Step use_revocations(SSL_CTX* context, const TlsOptions& options) {
    if (options.crl_pem.empty()) return Done{};
    const std::string& label = options.crl_label;
    X509_STORE* store = SSL_CTX_get_cert_store(context);
    const Bio pem = read_only(options.crl_pem);
    std::vector<Crl>& crls = extras_of(context).crls;
    while (Crl crl{PEM_read_bio_X509_CRL(pem.get(), nullptr, nullptr, nullptr)}) {
        if (!is_signed(context, crl.get()))
            return tls_load_fault(label + ": a revocation list is not signed by its authority");
        if (X509_STORE_add_crl(store, crl.get()) != 1)
            return tls_load_fault(label + " cannot be used");
        crls.push_back(std::move(crl));
    }
    if (!at_end_of_pem()) return tls_load_fault(label + ": a revocation list is damaged");
    if (crls.empty()) return tls_load_fault(label + " holds no revocation list");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return Done{};
}

Step use_policy(SSL_CTX* context, const TlsOptions& options) {
    const bool tls13_only = options.version_min == TlsVersion::Tls13;
    if (SSL_CTX_set_min_proto_version(context, tls13_only ? TLS1_3_VERSION : TLS1_2_VERSION) != 1)
        return tls_load_fault("version_min cannot be used");
    const char* tls12 =
        options.ciphers_tls12.empty() ? kCiphersTls12 : options.ciphers_tls12.c_str();
    if (SSL_CTX_set_cipher_list(context, tls12) != 1)
        return tls_load_fault("ciphers_tls12 names no cipher");
    if (!options.ciphers_tls13.empty() &&
        SSL_CTX_set_ciphersuites(context, options.ciphers_tls13.c_str()) != 1)
        return tls_load_fault("ciphers_tls13 names no cipher");
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
    SSL_CTX_set_verify_depth(context, options.verify_depth);
}

std::array<uint8_t, 32> trust_of(const TlsOptions& options) {
    const std::string text = fmt::format(
        "{} {} {} {}:{}{}:{}", int(options.role), int(options.peer_verify), options.verify_depth,
        options.ca_pem.size(), options.ca_pem, options.crl_pem.size(), options.crl_pem);
    std::array<uint8_t, 32> digest{};
    GW_ASSERT(EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) ==
              1);
    return digest;
}

int extras_index() {
    static const int index = SSL_CTX_get_ex_new_index(
        0, nullptr, nullptr, nullptr, [](void*, void* extras, CRYPTO_EX_DATA*, int, long, void*) {
            delete static_cast<TlsExtras*>(extras);
        });
    GW_ASSERT(index >= 0);
    return index;
}

/// Tickets keep the state at the client, encrypted; nothing is cached here. One ticket is enough.
void use_tickets(SSL_CTX* context) {
    static constexpr std::string_view kContextName = "godwit";
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_timeout(context, TlsContext::kTicketLifetime_s);
    GW_ASSERT(SSL_CTX_set_session_id_context(context,
                                             reinterpret_cast<const uint8_t*>(kContextName.data()),
                                             unsigned(kContextName.size())) == 1);
}

}  // namespace

void attach_extras(SSL_CTX* context, std::unique_ptr<TlsExtras> extras) {
    GW_ASSERT(SSL_CTX_set_ex_data(context, extras_index(), extras.release()) == 1);
}

TlsExtras& extras_of(const SSL_CTX* context) {
    return *static_cast<TlsExtras*>(SSL_CTX_get_ex_data(context, extras_index()));
}

void TlsContext::Free::operator()(SSL_CTX* context) const {
    SSL_CTX_free(context);
}

TlsContext::TlsContext(Owned context, const TlsOptions& options)
    : context_(std::move(context)), role_(options.role), peer_verify_(options.peer_verify) {}
TlsContext::TlsContext(TlsContext&&) noexcept = default;
TlsContext& TlsContext::operator=(TlsContext&&) noexcept = default;
TlsContext::~TlsContext() = default;

void TlsContext::renew_tickets(const TicketSecrets& secrets) {
    TlsExtras& extras = extras_of(context_.get());
    if (extras.tickets) extras.tickets = secrets;
}

const std::array<uint8_t, 32>& TlsContext::trust() const {
    return extras_of(context_.get()).trust;
}

Result<TlsContext, std::string> TlsContext::load(const TlsOptions& options) {
    ERR_clear_error();
    const bool server = options.role == TlsRole::Server;
    Owned context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
    GW_ASSERT(context != nullptr);
    auto extras = std::make_unique<TlsExtras>();
    extras->peer_name = options.peer_name;
    extras->trust = trust_of(options);
    extras->tickets = options.tickets;
    attach_extras(context.get(), std::move(extras));
    for (const auto step : {use_policy, use_identity, use_trust, use_revocations}) {
        const Step done = step(context.get(), options);
        if (!done) return Err{done.error()};
    }
    use_verify(context.get(), options);
    use_tickets(context.get());
    if (server) {
        install_server_hooks(context.get());
        install_server_names(context.get());
        install_tickets(context.get());
    }
    return TlsContext(std::move(context), options);
}

}  // namespace godwit::transport
