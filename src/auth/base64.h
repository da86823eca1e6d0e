// Base64 as password files and tokens carry it: the standard alphabet, '=' at the end allowed but
// not needed.
#pragma once

#include "base/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace godwit::auth {

/// nullopt for a foreign character, a length that no bytes encode to, or bits left over.
std::optional<Buffer> decode_base64(std::string_view text);

/// Without '=' at the end.
std::string encode_base64(Bytes bytes);

/// As tokens carry it: '-' and '_' for the last two digits, never a '='.
std::optional<Buffer> decode_base64url(std::string_view text);

}  // namespace godwit::auth
