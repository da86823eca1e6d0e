// What a secret is remembered by: a digest under a key of this process, which says only whether two
// texts are the same.
#pragma once

#include "base/bytes.h"
#include "base/hash.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <string>
#include <string_view>

namespace godwit::server {

/// HMAC-SHA256: 32 bytes. @param secret  nobody outside can foresee it
inline std::string keyed_digest(std::string_view text, const HashKey& secret) {
    uint8_t out[EVP_MAX_MD_SIZE];
    unsigned int bytes = 0;
    HMAC(EVP_sha256(), &secret, sizeof secret, as_bytes(text).data(), text.size(), out, &bytes);
    return std::string(as_text({out, bytes}));
}

}  // namespace godwit::server
