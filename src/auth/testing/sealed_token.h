// Tokens that say whatever a test wants, sealed by HS256.
#pragma once

#include "auth/base64.h"
#include "auth/testing/token_vectors.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace godwit::auth {

inline std::string base64url(std::string_view text) {
    std::string out = encode_base64(as_bytes(text));
    std::ranges::replace(out, '+', '-');
    std::ranges::replace(out, '/', '_');
    return out;
}

/// Any header and claims, with a good HMAC of the key.
inline std::string seal(std::string_view header, std::string_view claims,
                        std::string_view key = kJoseSecret) {
    const std::string front = base64url(header) + "." + base64url(claims);
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), int(key.size()), as_bytes(front).data(), front.size(), sum,
         &size);
    return front + "." + base64url(as_text({sum, size}));
}

}  // namespace godwit::auth
