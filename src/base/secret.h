// Secrets of others, compared so that the time tells nothing of where they differ.
#pragma once

#include <cstdint>
#include <string_view>

namespace godwit {

/// @cost  one pass over `given`, whatever is in it; only its length shows
inline bool is_same_secret(std::string_view given, std::string_view secret) {
    uint8_t difference = given.size() == secret.size() ? 0 : 1;
    for (size_t i = 0; i < given.size(); ++i) {
        const char wanted = secret.empty() ? '\0' : secret[i % secret.size()];
        difference = uint8_t(difference | uint8_t(given[i] ^ wanted));
    }
    return difference == 0;
}

}  // namespace godwit
