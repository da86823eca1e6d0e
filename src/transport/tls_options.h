// What a TLS endpoint is configured with. PEM contents, never paths: reading files is for src/os.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace godwit::transport {

enum class TlsRole : uint8_t { Server, Client };
enum class TlsVersion : uint8_t { Tls12, Tls13 };

/// What is asked of the peer's certificate.
enum class PeerVerify : uint8_t {
    None,      // not asked for; a client with None takes any server
    Optional,  // asked for; a peer may have none, but one that it shows must verify (server only)
    Required,
};

/// What a peer with a certificate is called by. A certificate that has no such name has none.
enum class CertificateName : uint8_t {
    CommonName,   // of its subject: "pump-7"
    Dns,          // first of its alternative names of this kind
    Uri,          // likewise: "urn:plant:pump-7"
    Email,        // likewise
    Fingerprint,  // SHA-256 of the whole certificate, 64 lower-case hex digits
};

/// A server's further certificate, for the names that stand in it.
struct TlsKeyPair {
    std::string certificate_pem;
    std::string private_key_pem;
    std::string private_key_password;
    std::string certificate_label = "certificate_pem";  // what errors call it: a file's name
    std::string private_key_label = "private_key_pem";
};

/// What session tickets are encrypted with, wiped when it goes. Whoever has it can read them.
struct TicketSecret {
    static constexpr size_t kBytes = 32;
    std::array<uint8_t, kBytes> bytes{};
    TicketSecret() = default;
    TicketSecret(const TicketSecret&) = default;
    TicketSecret& operator=(const TicketSecret&) = default;
    ~TicketSecret();
};
struct TicketSecrets {
    TicketSecret current;
    std::optional<TicketSecret> previous;  // its tickets are still taken, and replaced
};

struct TlsOptions {
    TlsRole role = TlsRole::Server;
    std::string certificate_pem;  // own certificate, then its intermediates; a client may have none
    std::string private_key_pem;
    std::string private_key_password;  // empty: the key is not encrypted
    std::vector<TlsKeyPair> others;    // server: for clients that ask for one of their names (SNI)
    std::string ca_pem;                // whom to trust for the peer's certificate
    std::string crl_pem;  // revocation lists of the peers' issuers; empty: none are checked
    PeerVerify peer_verify = PeerVerify::None;
    int verify_depth = 10;  // authorities between a peer's certificate and one of ca_pem, at most
    CertificateName peer_name = CertificateName::CommonName;
    /// Server: tickets are good with every context that has the same secrets, trust and wishes of
    /// the peer's certificate. nullopt: with this context alone.
    std::optional<TicketSecrets> tickets;
    TlsVersion version_min = TlsVersion::Tls12;
    std::string ciphers_tls12;  // OpenSSL notation; empty: ECDHE with AES-GCM or ChaCha20 only
    std::string ciphers_tls13;  // OpenSSL notation; empty: OpenSSL's choice
    // What errors call the texts above.
    std::string certificate_label = "certificate_pem";
    std::string private_key_label = "private_key_pem";
    std::string ca_label = "ca_pem";
    std::string crl_label = "crl_pem";
};

}  // namespace godwit::transport
