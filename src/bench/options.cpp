#include "bench/options.h"

#include "bench/publish_template.h"
#include "topic/filter.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::bench {

namespace {

using Step = Result<Done, std::string>;

constexpr uint32_t kWindowMax = 60000;
constexpr uint32_t kPayloadBytesMax = 64 << 20;
constexpr uint32_t kSourcesMax = 62500;
constexpr uint32_t kClientsPerSource = 5000;

Err<std::string> fault(std::string what) {
    return Err{std::move(what)};
}

std::optional<mqtt::Version> parse_version(std::string_view word) {
    if (word == "5") return mqtt::Version::V5;
    if (word == "311") return mqtt::Version::V311;
    if (word == "31") return mqtt::Version::V31;
    return std::nullopt;
}

/// The schedule alone decides when a message goes, as far as the broker's receive maximum allows
/// it.
uint32_t open_loop_window(uint32_t publishers) {
    return std::clamp(4'000'000 / publishers, 16u, 1000u);
}

Step check_traffic(const Options& o) {
    if (o.qos < 0 || o.qos > 2) return fault("--qos: 0, 1 or 2");
    if (o.payload_bytes < kStampBytes || o.payload_bytes > kPayloadBytesMax)
        return fault(
            fmt::format("--size {}: {} to {} bytes; the first {} tell number and time of a message",
                        o.payload_bytes, kStampBytes, kPayloadBytesMax, kStampBytes));
    if (o.window < 1 || o.window > kWindowMax)
        return fault(fmt::format("--window {}: 1 to {}", o.window, kWindowMax));
    if (o.publishers < 1) return fault("--publishers: at least 1");
    if (o.topics < 1 || o.topics > kTopicsMax)
        return fault(fmt::format("--topics {}: 1 to {}", o.topics, kTopicsMax));
    if (o.per_second < 0) return fault("--rate: messages in a second, 0 for as fast as it goes");
    if (o.duration_s <= 0 && o.messages == 0) return fault("--duration: above 0, or --count");
    if (o.warm_up_s < 0) return fault("--warm-up: 0 or more seconds");
    return Done{};
}

Step check_flood(const Options& o) {
    if (o.strangers_per_second <= 0) return fault("--rate: attempts in a second, above 0");
    if (o.callers_per_second <= 0) return fault("--callers: connections in a second, above 0");
    if (o.hold_s < 0) return fault("--hold: 0 or more seconds");
    if (o.beside < 1) return fault("--beside: at least 1");
    if (o.stranger_addresses < 1 || o.stranger_addresses > kSourcesMax)
        return fault(
            fmt::format("--strangers {}: 1 to {} addresses", o.stranger_addresses, kSourcesMax));
    return Done{};
}

Step check_names(const Options& o) {
    if (const auto good = topic::check_name(o.topic_prefix); !good)
        return fault(
            fmt::format("--topic {}: {}", o.topic_prefix, topic::error_text(good.error())));
    if (const auto good = topic::parse_filter(o.filter); !o.filter.empty() && !good)
        return fault(fmt::format("--filter {}: {}", o.filter, topic::error_text(good.error())));
    if (o.share.find_first_of("/+#") != std::string::npos)
        return fault("--share: a name without / + and #");
    if (o.version == "31" && o.id_prefix.size() > 14)
        return fault("--id-prefix: MQTT 3.1 allows client ids of 23 characters, 14 of them here");
    return Done{};
}

Step take_endpoint(const Options& o, Plan& plan) {
    auto url = client::parse_endpoint_url(o.url);
    if (!url) return Err{url.error()};
    if (!url->topic.empty()) return fault("the URL has a topic; --topic names it");
    FleetOptions& fleet = plan.fleet;
    fleet.endpoint = std::move(url->endpoint);
    plan.identity.username = o.username ? o.username : url->username;
    plan.identity.password = o.password ? o.password : url->password;
    const bool is_loopback =
        fleet.endpoint.host.starts_with("127.") || fleet.endpoint.host == "localhost";
    if (o.sources > 0 && (!is_loopback || !fleet.endpoint.unix_path.empty()))
        return fault("--sources: addresses of 127.0.0.0/8 reach only a broker on 127.x.y.z");
    if (o.sources > kSourcesMax) return fault(fmt::format("--sources: at most {}", kSourcesMax));
    // A port that was left is not free again for a minute.
    const uint32_t clients = o.publishers + o.subscribers;
    const bool is_many = is_loopback && clients > 2 * kClientsPerSource;
    fleet.sources = o.sources == 0 && is_many ? clients / kClientsPerSource : o.sources;
    if (o.scenario == Scenario::Flood && (!fleet.endpoint.host.starts_with("127.")))
        return fault("flood: only for a broker on 127.x.y.z");
    fleet.endpoint.tls_check_name = !o.tls_files.insecure;
    if (!fleet.endpoint.tls) return Done{};
    auto context = client::load_tls(o.tls_files);
    if (!context) return Err{context.error()};
    fleet.tls = std::move(*context);
    return Done{};
}

}  // namespace

std::string_view scenario_name(Scenario scenario) {
    constexpr std::string_view kNames[] = {"pub",   "sub",   "pairs",  "fanin", "fanout", "queue",
                                           "storm", "flood", "retain", "conn",  "subs"};
    return kNames[size_t(scenario)];
}

Options defaults_of(Scenario scenario) {
    Options o{.scenario = scenario};
    switch (scenario) {
        case Scenario::Pub:
            o.publishers = o.topics = 10;
            break;
        case Scenario::Sub:
            o.subscribers = 1;
            o.filter = "bench/#";
            break;
        case Scenario::Pairs:
            o.pairs = 100;
            break;
        case Scenario::FanIn:
            o.publishers = 1000;
            o.subscribers = 1;
            o.topics = 0;
            o.wildcard = true;
            break;
        case Scenario::FanOut:
            o.subscribers = 1000;
            o.window = 4;
            break;
        case Scenario::Queue:
            o.publishers = 10;
            o.subscribers = 1000;
            o.qos = 1;
            o.window = 100;
            break;
        case Scenario::Storm:
            o.publishers = 10;
            o.subscribers = 2000;
            o.qos = 1;
            o.window = 100;
            break;
        case Scenario::Flood:
            o.subscribers = 0;
            o.beside = 50;
            break;
        case Scenario::Retain:
            o.publishers = 10;
            o.subscribers = 1;
            o.topics = 100'000;
            o.qos = 1;
            o.window = 100;
            break;
        case Scenario::Conn:
            o.subscribers = 1000;
            o.keepalive_s = 60;
            break;
        case Scenario::Subs:
            o.subscribers = 100;
            o.publishers = 10;
            o.topics = 100'000;
            break;
    }
    return o;
}

Options share_of(const Options& all, uint32_t thread) {
    Options share = all;
    share.threads = 1;
    share.subscribers = all.subscribers / all.threads + (thread < all.subscribers % all.threads);
    share.connecting_max = std::max(all.connecting_max / all.threads, 1u);
    share.connects_per_second = all.connects_per_second / all.threads;
    share.id_prefix += fmt::format("{:02}", thread);
    share.topic_prefix += fmt::format("/{:02}", thread);
    return share;
}

Result<Plan, std::string> prepare(const Options& given, uint32_t run) {
    Plan plan{.options = given};
    Options& o = plan.options;
    if (o.id_prefix.empty()) o.id_prefix = fmt::format("bench{:08x}", run);
    if (o.topic_prefix.empty()) o.topic_prefix = fmt::format("bench/{:08x}", run);
    if (o.pairs > 0) o.publishers = o.subscribers = o.topics = o.pairs;
    if (o.topics == 0) o.topics = o.publishers;
    const bool queues = o.scenario == Scenario::Queue || o.scenario == Scenario::Storm;
    if (queues || o.scenario == Scenario::Conn) o.topics = o.subscribers;  // each its own
    if (queues && o.qos == 0) return fault("--qos 0: only QoS 1 and 2 wait for who is offline");
    const auto version = parse_version(o.version);
    if (!version) return fault(fmt::format("-V {}: 5, 311 or 31", o.version));
    plan.identity.version = plan.fleet.version = *version;
    plan.identity.prefix = o.id_prefix;
    plan.identity.keepalive_s = plan.fleet.keepalive_s = o.keepalive_s;
    plan.qos = mqtt::Qos(o.qos);
    plan.fleet.connecting_max = o.connecting_max;
    plan.fleet.connects_per_second = o.connects_per_second;
    plan.fleet.busy = o.busy;
    if (o.threads > std::max(o.subscribers, 1u)) return fault("--threads: at most one a client");
    if (o.connecting_max < 1) return fault("--connecting: at least 1");
    const bool may_be_unheard = o.scenario == Scenario::Pub || o.scenario == Scenario::Retain ||
                                o.scenario == Scenario::Flood;
    if (o.subscribers < 1 && !may_be_unheard) return fault("-c: at least 1");
    if (const Step good = check_traffic(o); !good) return Err{good.error()};
    if (const Step good = check_names(o); !good) return Err{good.error()};
    if (o.scenario == Scenario::Flood)
        if (const Step good = check_flood(o); !good) return Err{good.error()};
    if (o.per_second > 0) o.window = open_loop_window(o.publishers);
    if (const Step good = take_endpoint(o, plan); !good) return Err{good.error()};
    return plan;
}

}  // namespace godwit::bench
