// OpenSSL's callbacks into a TlsSession. Internal to TLS.
#pragma once

#include <openssl/types.h>

namespace godwit::transport {

/// Records the SNI and chooses the ALPN protocol for sessions made from this context.
void install_server_hooks(SSL_CTX* context);

}  // namespace godwit::transport
