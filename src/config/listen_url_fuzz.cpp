// Any text as a listen URL. Property: the full form of what was read reads as the same socket.
#include "base/assert.h"
#include "base/bytes.h"
#include "config/listen_url.h"

using namespace godwit;
using namespace godwit::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = as_text(Bytes(data, size));
    if (const auto place = parse_host_port(text)) GW_ASSERT(!place->host.empty());
    const auto url = parse_listen_url(text);
    if (!url) {
        GW_ASSERT(!url.error().message.empty());
        return 0;
    }
    if (url->scheme == Scheme::Unix) {
        GW_ASSERT(!url->path.empty() && url->path.size() <= 107);
        return 0;
    }
    const auto again = parse_listen_url(to_text(*url));
    GW_ASSERT(again && to_text(*again) == to_text(*url));
    GW_ASSERT(again->scheme == url->scheme && again->port == url->port);
    GW_ASSERT(is_loopback(again->host) == is_loopback(url->host));
    return 0;
}
