// What a TLS endpoint is configured with. PEM contents, never paths: reading files is for src/os.
#pragma once

#include <cstdint>
#include <string>

namespace godwit::transport {

enum class TlsRole : uint8_t { Server, Client };
enum class TlsVersion : uint8_t { Tls12, Tls13 };

/// What is asked of the peer's certificate.
enum class PeerVerify : uint8_t {
    None,      // not asked for; a client with None takes any server
    Optional,  // asked for; a peer may have none, but one that it shows must verify (server only)
    Required,
};

struct TlsOptions {
    TlsRole role = TlsRole::Server;
    std::string certificate_pem;  // own certificate, then its intermediates; a client may have none
    std::string private_key_pem;
    std::string private_key_password;  // empty: the key is not encrypted
    std::string ca_pem;                // whom to trust for the peer's certificate
    std::string crl_pem;  // revocation lists of the peers' issuers; empty: none are checked
    PeerVerify peer_verify = PeerVerify::None;
    TlsVersion version_min = TlsVersion::Tls12;
    std::string ciphers_tls12;  // OpenSSL notation; empty: ECDHE with AES-GCM or ChaCha20 only
    std::string ciphers_tls13;  // OpenSSL notation; empty: OpenSSL's choice
};

}  // namespace godwit::transport
