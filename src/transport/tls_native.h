// Owners of OpenSSL's objects, and what a context carries besides OpenSSL's own. Internal to TLS.
#pragma once

#include "base/result.h"
#include "transport/tls_options.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::transport {

template <auto free>
struct FreeBy {
    template <class T>
    void operator()(T* object) const {
        free(object);
    }
};
inline void free_chain(STACK_OF(X509) * chain) {
    sk_X509_pop_free(chain, X509_free);
}
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Certificate = std::unique_ptr<X509, FreeBy<X509_free>>;
using Chain = std::unique_ptr<STACK_OF(X509), FreeBy<free_chain>>;
using Crl = std::unique_ptr<X509_CRL, FreeBy<X509_CRL_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;

/// A sentence, and in brackets what OpenSSL has to say, if anything.
Err<std::string> tls_load_fault(std::string_view what);
Bio read_only(const std::string& pem);
/// The next certificate; nullptr at the end, or where one is damaged.
Certificate next_certificate(BIO* pem);
/// True if reading stopped because there is nothing more, not because of rubbish.
bool at_end_of_pem();

/// A certificate with its intermediates and its key.
struct LoadedKeyPair {
    Certificate certificate;
    Key key;
    Chain chain;
};
/// All borrowed: no copy of a key is left behind.
struct KeyPairTexts {
    const std::string& certificate;
    const std::string& key;
    const std::string& password;
    const std::string& certificate_label;
    const std::string& key_label;
};
/// @errors  begin with one of the labels
Result<LoadedKeyPair, std::string> load_key_pair(const KeyPairTexts& pair);

/// Lives as long as the SSL_CTX, which its connections keep alive.
struct TlsExtras {
    std::vector<LoadedKeyPair> pairs;  // the first is what a client gets that asks for none of them
    std::vector<Crl> crls;
    CertificateName peer_name = CertificateName::CommonName;
    std::array<uint8_t, 32> trust{};  // digest: whom this context trusts, and what it asks for
    std::optional<TicketSecrets> tickets;
};
void attach_extras(SSL_CTX* context, std::unique_ptr<TlsExtras> extras);
TlsExtras& extras_of(const SSL_CTX* context);

/// Gives clients the certificates of the name that they ask for.
void install_server_names(SSL_CTX* context);
/// Encrypts tickets with the secrets in the extras.
void install_tickets(SSL_CTX* context);

/// "CN=pump-7,O=Plant"
std::string subject_text(const X509* certificate);
/// Empty if there is none, or if it holds a NUL, by which names are forged.
std::string name_of_certificate(const X509* certificate, CertificateName kind);

}  // namespace godwit::transport
