// What somebody whom the broker trusts says of a client, as JSON: the claims of a token, or of the
// answer to a call-out.
#pragma once

#include "auth/json.h"
#include "auth/subject.h"

#include <vector>

namespace godwit::auth {

/// Texts, numbers as they were written, true and false; of lists each of these. Not exp, nbf, iat
/// and jti, which say nothing about the client, and nothing that is none of these.
/// @param object  its members are the claims
std::vector<Claim> claims_of(const Json& object);

}  // namespace godwit::auth
