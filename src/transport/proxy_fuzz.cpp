// Property: the shortest prefix that decides decides as the whole does, and no address can break a
// log line.
#include "transport/proxy.h"

#include <algorithm>

using namespace godwit;
using namespace godwit::transport;

namespace {

bool same(const Result<ProxyStatus, const char*>& a, const Result<ProxyStatus, const char*>& b) {
    if (a.has_value() != b.has_value()) return false;
    if (!a) return std::string_view(a.error()) == b.error();
    return a->complete == b->complete && a->header.size == b->header.size &&
           a->header.address == b->header.address;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    constexpr size_t kHeaderBytesMax = 600;
    const Bytes in(data, size);
    const auto whole = parse_proxy_header(in, kHeaderBytesMax);
    for (size_t cut = 0; cut <= size; ++cut) {
        const auto part = parse_proxy_header(in.first(cut), kHeaderBytesMax);
        if (part && !part->complete) continue;
        GW_ASSERT(same(part, whole));
        break;
    }
    if (!whole || !whole->complete) return 0;
    GW_ASSERT(whole->header.size <= size);
    GW_ASSERT(
        std::ranges::all_of(whole->header.address, [](char c) { return c > ' ' && c < 0x7f; }));
    return 0;
}
