// A new password: asked for by a command, and hashed to be kept.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace godwit::server {

/// From standard input: one line, or on a terminal typed twice and not shown.
/// @errors  a sentence: the two differ, or it is empty
Result<std::string, std::string> ask_password();

/// As auth/password_hash.h has it, with a salt of its own.
/// @param for_scram  in the form that SCRAM-SHA-256 needs
/// @cost             about 0.1 s
std::string hash_new_password(std::string_view password, bool for_scram);

}  // namespace godwit::server
