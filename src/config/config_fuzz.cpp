// Any text as a configuration file. Properties: there are options or faults, never both or neither;
// what is accepted obeys the table's ranges and has a socket for each listener; no listener that
// other machines can reach is open to everybody unless the text says so.
#include "base/assert.h"
#include "base/bytes.h"
#include "config/config.h"
#include "config/schema.h"

using namespace godwit;
using namespace godwit::config;

namespace {

void check_listener(const ListenerOptions& listener, std::string_view text) {
    GW_ASSERT(parse_listen_url(listener.url_text).has_value());
    const bool exposed = listener.url.scheme != Scheme::Unix && !is_loopback(listener.url.host);
    const bool certificates = listener.url.verify == transport::PeerVerify::Required;
    if (exposed && listener.anonymous_allowed && !certificates)
        GW_ASSERT(text.find("anonymous") != text.npos);
}

void check_ranges(const Options& options) {
    for (const auto& [key, member] : option_rows()) {
        if (key.type != Type::Number) continue;
        const auto value = std::get<uint64_t>(member.get(options));
        GW_ASSERT(value >= key.range.min && value <= key.range.max);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Sources sources;
    sources.text = as_text(Bytes(data, size));
    const auto config = parse_config(sources);
    if (!config) {
        GW_ASSERT(!config.error().empty());
        for (const ConfigError& error : config.error()) GW_ASSERT(!to_text(error, "f").empty());
        return 0;
    }
    GW_ASSERT(!config->options.listeners.empty());
    GW_ASSERT(config->options.broker.listeners.size() == config->options.listeners.size());
    for (const ListenerOptions& listener : config->options.listeners)
        check_listener(listener, sources.text);
    check_ranges(config->options);
    return 0;
}
