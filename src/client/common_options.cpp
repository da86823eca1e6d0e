#include "client/common_options.h"

#include "base/utf8.h"
#include "mqtt/encoder.h"
#include "os/entropy.h"
#include "topic/filter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>

namespace godwit::client {

namespace {

using Step = Result<Done, std::string>;
using mqtt::PropertyId;
using mqtt::Version;

Err<std::string> fault(std::string what) {
    return Err{std::move(what)};
}

/// What CONNECT can carry in a field.
Step check_field(std::string_view option, const std::string& text) {
    if (text.size() > 65535) return fault(fmt::format("{}: more than 65535 bytes", option));
    if (!is_mqtt_utf8(text)) return fault(fmt::format("{}: not UTF-8", option));
    return Done{};
}

// --- where ---

Step take_url(const CommonOptions& options, Endpoint& endpoint, Preparation& out) {
    if (options.host || options.port != 0 || options.unix_path)
        return fault("-L names the broker already: it excludes -h, -p and --unix");
    auto url = parse_endpoint_url(*options.url);
    if (!url) return Err{"-L: " + url.error()};
    endpoint = std::move(url->endpoint);
    out.url_topic = std::move(url->topic);
    out.runner.login.username = std::move(url->username);
    out.runner.login.password = std::move(url->password);
    return Done{};
}

Step take_websocket(const CommonOptions& options, Endpoint& endpoint) {
    endpoint.websocket = endpoint.websocket || options.websocket;
    if (!options.websocket_path.empty()) endpoint.websocket_path = options.websocket_path;
    for (const std::string& field : options.websocket_fields) {
        const size_t colon = field.find(':');
        if (colon == std::string::npos || colon == 0)
            return fault(fmt::format("--ws-header \"{}\": NAME: VALUE is expected", field));
        const size_t value = std::min(field.find_first_not_of(' ', colon + 1), field.size());
        endpoint.websocket_fields.emplace_back(field.substr(0, colon), field.substr(value));
    }
    return Done{};
}

bool wants_tls(const CommonOptions& options, const Endpoint& endpoint) {
    constexpr uint16_t kTlsPort = 8883;  // as mosquitto_pub has it
    const TlsFiles& files = options.tls_files;
    return options.tls || endpoint.tls || !files.cafile.empty() || !files.capath.empty() ||
           !files.cert.empty() || files.insecure || options.port == kTlsPort;
}

Step take_tls(const CommonOptions& options, Preparation& out) {
    Endpoint& endpoint = out.runner.endpoint;
    endpoint.tls = wants_tls(options, endpoint);
    if (!endpoint.tls) return Done{};
    endpoint.alpn = options.alpn;
    endpoint.tls_server_name = options.server_name;
    endpoint.tls_check_name = !options.tls_files.insecure;
    TlsFiles files = options.tls_files;
    if (options.tls_version == "tlsv1.3")
        files.tls13_only = true;
    else if (!options.tls_version.empty() && options.tls_version != "tlsv1.2")
        return fault("--tls-version: tlsv1.2 (and up) or tlsv1.3");
    auto context = load_tls(files);
    if (!context) return Err{context.error()};
    out.runner.tls = std::move(*context);
    return Done{};
}

Step take_endpoint(const CommonOptions& options, Preparation& out) {
    Endpoint& endpoint = out.runner.endpoint;
    if (options.url) {
        if (const Step url = take_url(options, endpoint, out); !url) return url;
    } else {
        if (options.host) endpoint.host = *options.host;
        if (options.unix_path) endpoint.unix_path = *options.unix_path;
        if (options.unix_path && options.unix_path->empty()) return fault("--unix: no path");
        if (endpoint.host.empty()) return fault("-h: no host");
        endpoint.port = options.port;
    }
    endpoint.bind_address = options.bind_address;
    if (const Step websocket = take_websocket(options, endpoint); !websocket) return websocket;
    return take_tls(options, out);
}

// --- who ---

std::string random_suffix() {
    std::array<uint8_t, 4> drawn;
    os::fill_random(drawn);
    return fmt::format("{:02x}{:02x}{:02x}{:02x}", drawn[0], drawn[1], drawn[2], drawn[3]);
}

Step take_client_id(const CommonOptions& options, Login& login) {
    if (options.client_id && options.id_prefix) return fault("-i and -I exclude each other");
    if (options.id_prefix) login.client_id = *options.id_prefix + std::to_string(::getpid());
    if (options.client_id) login.client_id = *options.client_id;
    if (!login.clean_start && login.client_id.empty())
        return fault("-c keeps a session, which needs a name: choose a client id with -i");
    if (login.client_id.empty() && login.version == Version::V31)  // 1 to 23 characters, never none
        login.client_id = "godwit-" + random_suffix();
    return check_field("-i", login.client_id);
}

Step take_user(const CommonOptions& options, Login& login) {
    if (options.username) login.username = options.username;
    if (options.password) login.password = options.password;
    if (login.username)
        if (const Step good = check_field("-u", *login.username); !good) return good;
    if (login.password && login.password->size() > 65535) return fault("-P: more than 65535 bytes");
    if (login.password && !login.username && login.version != Version::V5)
        return fault("-P needs -u: before MQTT 5 there is no password without a user name");
    return Done{};
}

Result<uint32_t, std::string> parse_session_expiry(const std::string& word) {
    if (word == "-1" || word == "∞") return mqtt::kNoExpiry;
    uint32_t seconds = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), seconds);
    if (failed != std::errc() || end != word.data() + word.size())
        return Err{fmt::format("-x {}: seconds up to 4294967294, or -1 for ever", word)};
    return seconds;
}

Step take_session(const CommonOptions& options, Login& login) {
    login.clean_start = !options.keep_session;
    const auto told = find_number(login.properties, PropertyId::SessionExpiryInterval);
    if (!options.session_expiry) {
        if (login.version != Version::V5 || !options.keep_session || told) return Done{};
        mqtt::put_property(login.properties,
                           {.id = PropertyId::SessionExpiryInterval, .number = mqtt::kNoExpiry});
        return Done{};
    }
    if (login.version != Version::V5) return fault("-x needs MQTT 5: -V 5");
    if (told) return fault("-x and -D connect session-expiry-interval say the same: give one");
    const auto seconds = parse_session_expiry(*options.session_expiry);
    if (!seconds) return Err{seconds.error()};
    mqtt::put_property(login.properties,
                       {.id = PropertyId::SessionExpiryInterval, .number = *seconds});
    return Done{};
}

Step take_will(const CommonOptions& options, const Buffer& properties, Login& login) {
    if (!options.will_topic) {
        const bool more = options.will_payload || options.will_qos != 0 || options.will_retain;
        if (more || !properties.empty()) return fault("a will needs --will-topic");
        return Done{};
    }
    if (const auto good = topic::check_name(*options.will_topic); !good)
        return fault(fmt::format("--will-topic {}: {}", *options.will_topic,
                                 topic::error_text(good.error())));
    login.will = WillMessage{.topic = *options.will_topic,
                             .payload = options.will_payload.value_or(""),
                             .qos = mqtt::Qos(options.will_qos),
                             .retain = options.will_retain,
                             .properties = properties};
    if (login.will->payload.size() > 65535) return fault("--will-payload: more than 65535 bytes");
    return Done{};
}

Step take_properties(const CommonOptions& options, Preparation& out) {
    auto lists = parse_properties(options.properties);
    if (!lists) return Err{lists.error()};
    out.properties = std::move(*lists);
    Login& login = out.runner.login;
    if (login.version != Version::V5 && !out.properties.empty())
        return fault("-D: properties need MQTT 5: -V 5");
    login.properties = out.properties.connect;
    out.runner.disconnect_properties = out.properties.disconnect;
    return Done{};
}

/// [MQTT5-3.14.2-2]: a session that ends with its connection cannot be prolonged at the end.
Step check_farewell(const RunnerOptions& runner) {
    const PropertyId id = PropertyId::SessionExpiryInterval;
    const uint32_t at_first = find_number(runner.login.properties, id).value_or(0);
    const uint32_t at_last = find_number(runner.disconnect_properties, id).value_or(0);
    if (at_first == 0 && at_last != 0)
        return fault("-D disconnect session-expiry-interval needs one above 0 at connect (-x)");
    return Done{};
}

}  // namespace

std::optional<Version> parse_version(std::string_view word) {
    if (word.starts_with("mqttv")) word.remove_prefix(5);
    if (word == "5" || word == "50") return Version::V5;
    if (word == "311") return Version::V311;
    if (word == "31") return Version::V31;
    return std::nullopt;
}

Result<Preparation, std::string> prepare(const CommonOptions& options) {
    Preparation out;
    Login& login = out.runner.login;
    const auto version = parse_version(options.version);
    if (!version) return fault(fmt::format("-V {}: 5, 311 or 31 is expected", options.version));
    login.version = *version;
    login.keepalive_s = options.keepalive_s;
    out.runner.limits.inflight_max = options.inflight_max;
    if (options.timeout_s > 0)
        out.runner.time_over =
            std::chrono::duration_cast<Duration>(std::chrono::duration<double>(options.timeout_s));
    if (const Step good = take_properties(options, out); !good) return Err{good.error()};
    if (const Step good = take_endpoint(options, out); !good) return Err{good.error()};
    if (const Step good = take_session(options, login); !good) return Err{good.error()};
    if (const Step good = take_client_id(options, login); !good) return Err{good.error()};
    if (const Step good = take_user(options, login); !good) return Err{good.error()};
    if (const Step good = take_will(options, out.properties.will, login); !good)
        return Err{good.error()};
    if (const Step good = check_farewell(out.runner); !good) return Err{good.error()};
    return out;
}

}  // namespace godwit::client
