// An answer to a call-out: any bytes. Property: nothing crashes, and what lets somebody in says so
// in these words, with times that are times and claims that are bounded.
#include "auth/callout.h"
#include "base/assert.h"
#include "base/bytes.h"

using namespace godwit;
using namespace godwit::auth;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = as_text(Bytes(data, size));
    const auto answer = parse_callout(text);
    if (!answer) {
        GW_ASSERT(!answer.error().empty());
        return 0;
    }
    GW_ASSERT(text.find("result") != text.npos || text.find('\\') != text.npos);
    GW_ASSERT(!answer->expires_in_s || *answer->expires_in_s >= 0);
    GW_ASSERT(!answer->cache_s || *answer->cache_s >= 0);
    size_t bytes = 0;
    for (const Claim& each : answer->claims) bytes += each.name.size() + each.value.size();
    GW_ASSERT(bytes <= kCalloutClaimsBytesMax);
    return 0;
}
