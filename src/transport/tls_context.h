// TlsContext: certificate, key, trust and policy of a TLS endpoint, checked once and shared by all
// its connections. This file and tls_session are the inside of TLS: the only part of this module
// that reaches a clock and randomness, through OpenSSL.
#pragma once

#include "base/result.h"
#include "transport/tls_options.h"

#include <openssl/types.h>
#include <memory>
#include <string>

namespace godwit::transport {

/// Thread: shared by connections on several threads once loaded. A connection keeps what it needs
/// alive: the context may be replaced and destroyed while connections made from it live on.
class TlsContext {
public:
    /// Policy: TLS 1.2 and up, ECDHE only, X25519 before P-256, no renegotiation, no compression,
    /// stateless session tickets whose keys live and die with the context.
    /// @errors  a sentence that names the field and the fault: "private_key_pem does not belong to
    ///          the certificate", "ca_pem holds no certificate", ...
    static Result<TlsContext, std::string> load(const TlsOptions& options);

    TlsContext(TlsContext&&) noexcept;
    TlsContext& operator=(TlsContext&&) noexcept;
    ~TlsContext();

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
