// TlsContext: certificate, key, trust and policy of a TLS endpoint, checked once and shared by all
// its connections. This file and tls_session are the inside of TLS: the only part of this module
// that reaches a clock and randomness, through OpenSSL.
#pragma once

#include "base/result.h"
#include "transport/tls_options.h"

#include <openssl/types.h>
#include <array>
#include <memory>
#include <string>

namespace godwit::transport {

/// Thread: one at a time makes connections and handshakes from it; where these go later is free. A
/// connection keeps what it needs alive: the context may be replaced and destroyed while
/// connections made from it live on.
class TlsContext {
public:
    /// Policy: TLS 1.2 and up, ECDHE only, X25519 before P-256, no renegotiation, no compression,
    /// stateless session tickets, good for kTicketLifetime_s at most.
    /// @errors  a sentence that begins with the label and says the fault: "private_key_pem does not
    ///          belong to the certificate", "ca_pem holds no certificate", ...
    static Result<TlsContext, std::string> load(const TlsOptions& options);

    TlsContext(TlsContext&&) noexcept;
    TlsContext& operator=(TlsContext&&) noexcept;
    ~TlsContext();

    static constexpr long kTicketLifetime_s = 2 * 60 * 60;

    /// From now on tickets are made with these. Only where the options had some.
    void renew_tickets(const TicketSecrets& secrets);
    /// Two contexts with one digest trust the same authorities, refuse the same revoked ones, and
    /// ask their peers for the same.
    const std::array<uint8_t, 32>& trust() const;

    TlsRole role() const { return role_; }
    PeerVerify peer_verify() const { return peer_verify_; }
    SSL_CTX* native() const { return context_.get(); }

private:
    struct Free {
        void operator()(SSL_CTX* context) const;
    };
    using Owned = std::unique_ptr<SSL_CTX, Free>;
    TlsContext(Owned context, const TlsOptions& options);

    Owned context_;
    TlsRole role_;
    PeerVerify peer_verify_;
};

}  // namespace godwit::transport
