// TlsSession: one TLS connection between two byte streams, without a socket and without buffers of
// its own: OpenSSL reads from the bytes at hand and writes into the caller's buffer.
// Source: RFC 8446, RFC 5246, RFC 7301 (ALPN), RFC 6066 section 3 (SNI).
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "transport/tls_context.h"

#include <memory>
#include <string>
#include <string_view>

namespace godwit::transport {

/// What the handshake told.
struct TlsPeer {
    std::string version;              // "TLSv1.3"
    std::string cipher;               // "TLS_AES_256_GCM_SHA384"
    std::string sni;                  // as the client sent it
    std::string alpn;                 // as agreed; empty if none was
    std::string certificate_subject;  // RFC 2253: "CN=pump-7,O=Plant"; empty without certificate
    std::string certificate_name;     // "pump-7"; which of its names, TlsOptions::peer_name says
};

/// Why a session ends.
struct TlsEnd {
    bool by_peer = false;  // a proper close_notify
    std::string what;
};

struct TlsSessionOptions {
    /// Server: chosen if the client offers it; an offer without it is ignored, never a failure.
    /// Client: offered if not empty.
    std::string_view alpn;
    /// Client only: the name or IP address the certificate must have, and the SNI if it is a name.
    /// Empty: no SNI, and the certificate's name is not checked.
    std::string_view server_name;
    /// Client only: false takes a verified certificate of any name.
    bool check_name = true;
};

/// Thread: any, one at a time.
class TlsSession {
public:
    TlsSession(const TlsContext& context, const TlsSessionOptions& options);
    ~TlsSession();
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;

    /// Appends a client's first bytes; a server has none.
    void start(Buffer& out);
    /// Takes bytes from the front of `raw` and decrypts at most one record into `plain`, which must
    /// hold 16 KiB. What has to be sent (handshake, alerts) is appended to `out`.
    /// @return  plaintext bytes; 0: `raw` is used up and more is needed
    /// @errors  by_peer after close_notify; else the handshake's or a record's fault, its alert in
    ///          `out`
    Result<size_t, TlsEnd> read(Bytes& raw, std::span<uint8_t> plain, Buffer& out);
    /// Appends the records for `plain`. Before ready() nothing may be written.
    /// @errors  the peer began a message of TLS and withholds its end while too much waits for it
    Result<Done, TlsEnd> write(Bytes plain, Buffer& out);
    /// Appends close_notify.
    void close(Buffer& out);

    /// The handshake is done.
    bool ready() const { return ready_; }
    /// Copies the facts of the handshake; call it once ready().
    TlsPeer peer() const;
    /// The peer showed a certificate that stands in a revocation list of this context.
    /// @cost  a binary search in each list
    bool is_revoked_by(const TlsContext& context) const;
    /// An estimate, measured with bench_transport: what OpenSSL holds for an idle connection.
    size_t memory_bytes() const;

private:
    struct Free {
        void operator()(SSL* ssl) const;
    };
    friend struct TlsHooks;  // OpenSSL's callbacks: BIO, ALPN, SNI

    void set_client_options(const TlsSessionOptions& options);
    TlsEnd failure(int result);
    Result<Done, TlsEnd> write_waiting();

    std::unique_ptr<SSL, Free> ssl_;
    Bytes input_;               // only during a call
    Buffer* output_ = nullptr;  // only during a call
    Buffer waiting_;            // plaintext held back while OpenSSL is inside a handshake message
    std::string alpn_wanted_;
    std::string sni_;
    // Not asked of OpenSSL: it says "not ready" again inside each later message of TLS itself.
    bool ready_ = false;
};

}  // namespace godwit::transport
