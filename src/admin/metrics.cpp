#include "admin/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

namespace godwit::admin {

namespace {

/// Each is 13 time series; the others are in /api/realms.
constexpr size_t kRealmsMax = 100;

using Field = uint64_t broker::Counters::*;

struct Family {
    std::string_view name;
    std::string_view help;
    bool grows;
    Field field;
};

void add_family(std::string& out, const BrokerStats& stats, const Family& family) {
    const auto at = std::back_inserter(out);
    const std::string name = fmt::format("godwit_{}{}", family.name, family.grows ? "_total" : "");
    fmt::format_to(at, "# HELP {0} {1}\n# TYPE {0} {2}\n", name, family.help,
                   family.grows ? "counter" : "gauge");
    for (size_t shard = 0; shard < stats.shards.size(); ++shard)
        fmt::format_to(at, "{}{{shard=\"{}\"}} {}\n", name, shard,
                       stats.shards[shard].*family.field);
}

/// By reason, and under the names that 0.1 gave them.
void add_losses(std::string& out, const BrokerStats& stats) {
    const auto at = std::back_inserter(out);
    fmt::format_to(at,
                   "# HELP godwit_dropped_total messages that somebody takes and did not get\n"
                   "# TYPE godwit_dropped_total counter\n");
    for (size_t shard = 0; shard < stats.shards.size(); ++shard)
        for (size_t i = 0; i < broker::kLossCount; ++i)
            fmt::format_to(at, "godwit_dropped_total{{shard=\"{}\",reason=\"{}\"}} {}\n", shard,
                           broker::kLosses[i].reason, stats.shards[shard].lost.counts[i]);
    for (size_t i = 0; i < broker::kLossCount; ++i) {
        const std::string name = fmt::format("godwit_dropped_{}_total", broker::kLosses[i].reason);
        fmt::format_to(at, "# HELP {0} messages dropped: {1}\n# TYPE {0} counter\n", name,
                       broker::kLosses[i].help);
        for (size_t shard = 0; shard < stats.shards.size(); ++shard)
            fmt::format_to(at, "{}{{shard=\"{}\"}} {}\n", name, shard,
                           stats.shards[shard].lost.counts[i]);
    }
}

/// By whose rate.
void add_held_back(std::string& out, const BrokerStats& stats) {
    const auto at = std::back_inserter(out);
    const auto add = [&](std::string_view name, std::string_view help, auto value_of) {
        fmt::format_to(at, "# HELP {0} {1}\n# TYPE {0} counter\n", name, help);
        for (size_t shard = 0; shard < stats.shards.size(); ++shard)
            for (size_t i = 0; i < broker::kRateOfCount; ++i)
                fmt::format_to(at, "{}{{shard=\"{}\",by=\"{}\"}} {}\n", name, shard,
                               broker::kRateOfNames[i], value_of(stats.shards[shard].held_back, i));
    };
    add("godwit_held_back_total", "times that a client was not read for its rate",
        [](const broker::HeldBack& held, size_t i) { return held.times[i]; });
    add("godwit_held_back_seconds_total", "how long, each client for itself",
        [](const broker::HeldBack& held, size_t i) {
            return fmt::format("{:.3f}", double(held.nanoseconds[i]) / 1e9);
        });
}

void add_callout(std::string& out, const CalloutStats& callout) {
    const auto at = std::back_inserter(out);
    const auto add = [&](std::string_view name, std::string_view help, uint64_t value) {
        const auto type = name.ends_with("_total") ? "counter" : "gauge";
        fmt::format_to(at,
                       "# HELP godwit_callout_{0} {1}\n# TYPE godwit_callout_{0} "
                       "{2}\ngodwit_callout_{0} {3}\n",
                       name, help, type, value);
    };
    add("asked_total", "questions sent to callout_url", callout.asked);
    add("allowed_total", "logins that it allowed", callout.allowed);
    add("denied_total", "logins that it denied", callout.denied);
    add("passed_total", "logins that it knows nothing of", callout.passed);
    add("failed_total", "logins without a good answer", callout.failed);
    add("cached_total", "logins by an answer of before", callout.cached);
    add("waiting", "logins without an answer yet", callout.waiting);
    add("in_flight", "questions without an answer yet", callout.in_flight);
}

/// A label value: backslash, quote and newline are escaped.
std::string label(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '"' || c == '\n') out += '\\';
        out += c == '\n' ? 'n' : c;
    }
    return out;
}

using RealmField = uint64_t broker::RealmReport::*;

struct RealmFamily {
    std::string_view name;
    std::string_view help;
    bool grows;
    RealmField field;
};
constexpr RealmFamily kRealmFamilies[] = {
#define GW_GAUGE(name, help) {#name, help, false, &broker::RealmReport::name},
#define GW_COUNTER(name, help) {#name, help, true, &broker::RealmReport::name},
    GW_REALM_GAUGES(GW_GAUGE) GW_REALM_COUNTERS(GW_COUNTER)
#undef GW_COUNTER
#undef GW_GAUGE
};

void add_realms(std::string& out, std::span<const broker::RealmReport> realms) {
    const auto at = std::back_inserter(out);
    for (const RealmFamily& family : kRealmFamilies) {
        const std::string name =
            fmt::format("godwit_realm_{}{}", family.name, family.grows ? "_total" : "");
        fmt::format_to(at, "# HELP {0} of a realm: {1}\n# TYPE {0} {2}\n", name, family.help,
                       family.grows ? "counter" : "gauge");
        for (const broker::RealmReport& each : realms)
            fmt::format_to(at, "{}{{realm=\"{}\"}} {}\n", name, label(each.realm),
                           each.*family.field);
    }
}

}  // namespace

std::string render_metrics(const BrokerStats& stats) {
    std::string out;
    const auto at = std::back_inserter(out);
    fmt::format_to(
        at, "# HELP godwit_build_info which build this is\n# TYPE godwit_build_info gauge\n");
    fmt::format_to(at, "godwit_build_info{{version=\"{}\"}} 1\n", label(stats.version));
    const double uptime_s = std::chrono::duration<double>(stats.now - stats.started).count();
    fmt::format_to(
        at,
        "# HELP godwit_uptime_seconds time since the start\n# TYPE godwit_uptime_seconds gauge\n");
    fmt::format_to(at, "godwit_uptime_seconds {:.3f}\n", uptime_s);
    fmt::format_to(at,
                   "# HELP godwit_log_lines_dropped_total log lines lost\n# TYPE "
                   "godwit_log_lines_dropped_total counter\n");
    fmt::format_to(at, "godwit_log_lines_dropped_total {}\n", stats.log_lines_dropped);
    fmt::format_to(at,
                   "# HELP godwit_audit_lines_lost_total lines that are missing in the audit log\n"
                   "# TYPE godwit_audit_lines_lost_total counter\n");
    fmt::format_to(at, "godwit_audit_lines_lost_total {}\n", stats.audit_lines_lost);
#define GW_COUNTER(name, help) add_family(out, stats, {#name, help, true, &broker::Counters::name});
    GW_COUNTERS(GW_COUNTER)
#undef GW_COUNTER
#define GW_GAUGE(name, help) add_family(out, stats, {#name, help, false, &broker::Counters::name});
    GW_GAUGES(GW_GAUGE)
#undef GW_GAUGE
    add_losses(out, stats);
    add_held_back(out, stats);
    if (stats.callout) add_callout(out, *stats.callout);
    if (!stats.realms.empty())
        add_realms(out, std::span(stats.realms).first(std::min(stats.realms.size(), kRealmsMax)));
    fmt::format_to(at,
                   "# HELP godwit_listener_connections open connections\n# TYPE "
                   "godwit_listener_connections gauge\n");
    for (const ListenerStats& each : stats.listeners)
        fmt::format_to(at, "godwit_listener_connections{{listener=\"{}\"}} {}\n", label(each.name),
                       each.connections);
    return out;
}

}  // namespace godwit::admin
