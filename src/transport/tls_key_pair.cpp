// Certificates with their keys: read from PEM, and chosen by the name that a client asks for.
#include "transport/tls_native.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace godwit::transport {

namespace {

/// Gives the password to OpenSSL's PEM reader; without this it would ask on the terminal.
int give_password(char* into, int size, int /*writing*/, void* password) {
    const auto& text = *static_cast<const std::string*>(password);
    if (text.empty() || text.size() > size_t(size)) return -1;
    text.copy(into, text.size());
    return int(text.size());
}

Result<Done, std::string> read_certificates(const KeyPairTexts& pair, LoadedKeyPair& into) {
    const Bio pem = read_only(pair.certificate);
    into.certificate = next_certificate(pem.get());
    if (!into.certificate) return tls_load_fault(pair.certificate_label + " holds no certificate");
    into.chain.reset(sk_X509_new_null());
    GW_ASSERT(into.chain != nullptr);
    while (Certificate issuer = next_certificate(pem.get()))
        GW_ASSERT(sk_X509_push(into.chain.get(), issuer.release()) > 0);
    if (!at_end_of_pem())
        return tls_load_fault(pair.certificate_label + ": an intermediate certificate is damaged");
    return Done{};
}

Result<Done, std::string> read_key(const KeyPairTexts& pair, LoadedKeyPair& into) {
    const std::string& label = pair.key_label;
    const Bio pem = read_only(pair.key);
    auto* password = const_cast<std::string*>(&pair.password);
    into.key.reset(PEM_read_bio_PrivateKey(pem.get(), nullptr, give_password, password));
    if (!into.key && pair.key.find("ENCRYPTED") != std::string::npos)
        return tls_load_fault(label + (pair.password.empty()
                                           ? " is encrypted and private_key_password is missing"
                                           : " cannot be decrypted with private_key_password"));
    if (!into.key) return tls_load_fault(label + " holds no private key");
    if (X509_check_private_key(into.certificate.get(), into.key.get()) != 1)
        return tls_load_fault(label + " does not belong to the certificate");
    return Done{};
}

bool is_named(const LoadedKeyPair& pair, std::string_view name, unsigned flags) {
    return X509_check_host(pair.certificate.get(), name.data(), name.size(), flags, nullptr) == 1;
}

/// All pairs that fit go in, since a client may take ECDSA alone or RSA alone. A pair that cannot
/// be used was refused when it was loaded.
bool use_named(SSL* ssl, const std::vector<LoadedKeyPair>& pairs, std::string_view name,
               unsigned flags) {
    bool found = false;
    for (const LoadedKeyPair& pair : pairs) {
        if (!is_named(pair, name, flags)) continue;
        if (!found) SSL_certs_clear(ssl);
        // Of two that fit and have keys of one kind the first is used.
        found = true;
        static_cast<void>(
            SSL_use_cert_and_key(ssl, pair.certificate.get(), pair.key.get(), pair.chain.get(), 0));
    }
    ERR_clear_error();
    return found;
}

int choose_certificate(SSL* ssl, void*) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return 1;
    const auto& pairs = extras_of(SSL_get_SSL_CTX(ssl)).pairs;
    if (!use_named(ssl, pairs, name, X509_CHECK_FLAG_NO_WILDCARDS))
        use_named(ssl, pairs, name, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return 1;
}

}  // namespace

Bio read_only(const std::string& pem) {
    return Bio(BIO_new_mem_buf(pem.data(), int(pem.size())));
}

Certificate next_certificate(BIO* pem) {
    return Certificate(PEM_read_bio_X509_AUX(pem, nullptr, nullptr, nullptr));
}

bool at_end_of_pem() {
    const bool end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (end) ERR_clear_error();
    return end;
}

Err<std::string> tls_load_fault(std::string_view what) {
    const unsigned long code = ERR_peek_error();
    const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
    ERR_clear_error();
    return Err{reason == nullptr ? std::string(what) : fmt::format("{} ({})", what, reason)};
}

Result<LoadedKeyPair, std::string> load_key_pair(const KeyPairTexts& pair) {
    if (pair.certificate.empty()) return tls_load_fault(pair.certificate_label + " is missing");
    if (pair.key.empty()) return tls_load_fault(pair.key_label + " is missing");
    LoadedKeyPair loaded;
    if (auto read = read_certificates(pair, loaded); !read) return Err{read.error()};
    if (auto read = read_key(pair, loaded); !read) return Err{read.error()};
    return loaded;
}

void install_server_names(SSL_CTX* context) {
    if (extras_of(context).pairs.size() > 1)
        SSL_CTX_set_cert_cb(context, choose_certificate, nullptr);
}

}  // namespace godwit::transport
