// A line of keys (a JWK set or the text of a secret), then a token: any
// bytes. Property: nothing crashes, what is good is good again and has a user name, and no token is
// good without a signature. Vectors of RFC 7515 and 8037 in the corpus are good.
#include "auth/jwt.h"
#include "base/assert.h"

using namespace godwit;
using namespace godwit::auth;

namespace {

void check(std::string_view token, const TokenKeys& keys) {
    TokenRules rules;
    rules.username_claim = "iss";  // what the vectors have
    const WallTime now{1'300'819'379'000};
    const auto once = check_token(token, keys, rules, now);
    const auto again = check_token(token, keys, rules, now);
    GW_ASSERT(once.has_value() == again.has_value());
    if (!once) return;
    GW_ASSERT(looks_like_token(token) || !token.starts_with("eyJ"));
    GW_ASSERT(!once->username.empty() && once->username == again->username);
    GW_ASSERT(once->expires && once->expires->unix_ms > now.unix_ms);
    const std::string_view unsigned_part = token.substr(0, token.rfind('.') + 1);
    GW_ASSERT(!check_token(unsigned_part, keys, rules, now));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = as_text(Bytes(data, size));
    const size_t end = text.find('\n');
    if (end == text.npos) return 0;
    const std::string_view keys_text = text.substr(0, end), token = text.substr(end + 1);
    for (auto* read : {TokenKeys::parse, TokenKeys::parse_public, TokenKeys::from_secret}) {
        const auto keys = read(keys_text);
        if (!keys)
            GW_ASSERT(!keys.error().empty());
        else
            check(token, *keys);
    }
    return 0;
}
