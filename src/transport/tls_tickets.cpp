// Session tickets: what a returning client shows instead of a full handshake. Their keys come from
// the secrets and from what the context asks of its peers, so that a ticket is worth nothing where
// another trust, another revocation list or another wish for certificates is in force.
// Source: RFC 5077 section 4 (what a ticket looks like), RFC 8446 section 4.6.1.
#include "base/bytes.h"
#include "transport/tls_native.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <algorithm>

namespace godwit::transport {

namespace {

constexpr size_t kNameBytes = 16;
constexpr int kFailed = -1, kUnknown = 0, kTaken = 1, kTakenAndRenewed = 2;  // as OpenSSL has it

/// One key of a secret, wiped when it goes.
struct TicketKey {
    std::array<uint8_t, EVP_MAX_MD_SIZE> bytes{};
    TicketKey(const TicketSecret& secret, const std::array<uint8_t, 32>& trust, uint8_t purpose) {
        std::array<uint8_t, 33> text{};
        std::copy(trust.begin(), trust.end(), text.begin());
        text.back() = purpose;
        unsigned size = 0;
        HMAC(EVP_sha256(), secret.bytes.data(), int(secret.bytes.size()), text.data(), text.size(),
             bytes.data(), &size);
    }
    TicketKey(const TicketKey&) = delete;
    TicketKey& operator=(const TicketKey&) = delete;
    ~TicketKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

/// What OpenSSL asks about one ticket.
struct Ticket {
    uint8_t* name;
    uint8_t* iv;
    EVP_CIPHER_CTX* cipher;
    EVP_MAC_CTX* mac;
    int encrypt;
};

bool set_keys(const TlsExtras& extras, const TicketSecret& secret, const Ticket& ticket) {
    const TicketKey cipher_key(secret, extras.trust, 'c');
    TicketKey mac_key(secret, extras.trust, 'm');
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, mac_key.bytes.data(),
                                          TicketSecret::kBytes),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(ticket.mac, params) == 1 &&
           EVP_CipherInit_ex(ticket.cipher, EVP_aes_256_cbc(), nullptr, cipher_key.bytes.data(),
                             ticket.iv, ticket.encrypt) == 1;
}

int begin_ticket(const TlsExtras& extras, const Ticket& ticket) {
    const TicketSecret& secret = extras.tickets->current;
    const TicketKey name(secret, extras.trust, 'n');
    std::copy_n(name.bytes.begin(), kNameBytes, ticket.name);
    if (RAND_bytes(ticket.iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return kFailed;
    return set_keys(extras, secret, ticket) ? kTaken : kFailed;
}

int take_ticket(const TlsExtras& extras, const Ticket& ticket) {
    const TicketSecrets& secrets = *extras.tickets;
    const auto is_of = [&](const TicketSecret& secret) {
        const TicketKey name(secret, extras.trust, 'n');
        return CRYPTO_memcmp(name.bytes.data(), ticket.name, kNameBytes) == 0;
    };
    const bool current = is_of(secrets.current);
    if (!current && !(secrets.previous && is_of(*secrets.previous))) return kUnknown;
    if (!set_keys(extras, current ? secrets.current : *secrets.previous, ticket)) return kFailed;
    return current ? kTaken : kTakenAndRenewed;
}

}  // namespace

TicketSecret::~TicketSecret() {
    OPENSSL_cleanse(bytes.data(), bytes.size());
}

void install_tickets(SSL_CTX* context) {
    if (!extras_of(context).tickets) return;
    SSL_CTX_set_tlsext_ticket_key_evp_cb(
        context,
        // The signature is OpenSSL's. NOLINTNEXTLINE(readability-non-const-parameter)
        [](SSL* ssl, uint8_t* name, uint8_t* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
           int encrypt) {
            const TlsExtras& extras = extras_of(SSL_get_SSL_CTX(ssl));
            const Ticket ticket{name, iv, cipher, mac, encrypt};
            return encrypt == 1 ? begin_ticket(extras, ticket) : take_ticket(extras, ticket);
        });
}

}  // namespace godwit::transport
