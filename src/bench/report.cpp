#include "bench/report.h"

#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace godwit::bench {

namespace {

double in_seconds(Duration d) {
    return double(d.count()) / 1e9;
}

double in_us(Duration d) {
    return double(d.count()) / 1e3;
}

/// "12,345,678"
std::string grouped(uint64_t number) {
    std::string digits = std::to_string(number);
    for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
    return digits;
}

/// "0.123 ms", "12.3 s": three digits that count.
std::string readable(Duration d) {
    const double us = in_us(d);
    if (us < 1000) return fmt::format("{:.3g} us", us);
    if (us < 1e6) return fmt::format("{:.3g} ms", us / 1e3);
    return fmt::format("{:.3g} s", us / 1e6);
}

std::string readable_bytes(uint64_t bytes) {
    return fmt::format("{:.1f} MiB", double(bytes) / (1 << 20));
}

// --- the table ---

using Out = std::back_insert_iterator<std::string>;

void put_process(Out out, const Phase& phase) {
    const PhaseProcess& p = *phase.process;
    fmt::format_to(out, "  broker        user {:.2f} s, system {:.2f} s", in_seconds(p.user),
                   in_seconds(p.system));
    if (const auto us = phase.cpu_us_per_unit()) fmt::format_to(out, ", {:.2f} us CPU each", *us);
    fmt::format_to(out, ", {} context switches\n", grouped(p.context_switches));
    fmt::format_to(out, "  memory        RSS {} -> {}, peak {}", readable_bytes(p.rss_begin_bytes),
                   readable_bytes(p.rss_end_bytes), readable_bytes(p.rss_peak_bytes));
    if (p.pss_end_bytes) fmt::format_to(out, ", PSS {}", readable_bytes(*p.pss_end_bytes));
    fmt::format_to(out, "\n");
}

void put_phase(Out out, const Phase& phase) {
    fmt::format_to(out, "{}: {} {} in {:.3f} s, {}/s\n", phase.name, grouped(phase.units),
                   phase.unit, in_seconds(phase.took), grouped(uint64_t(phase.per_second())));
    for (const auto& [name, count] : phase.counts)
        fmt::format_to(out, "  {:<13} {}\n", name, grouped(count));
    for (const auto& [name, l] : phase.latencies)
        if (l.count > 0)
            fmt::format_to(out, "  {:<13} p50 {}, p90 {}, p99 {}, p99.9 {}, max {}\n", name,
                           readable(l.p50), readable(l.p90), readable(l.p99), readable(l.p999),
                           readable(l.max));
    if (phase.process) put_process(out, phase);
}

void put_verdict(Out out, const Report& report) {
    const Verdict& v = report.verdict;
    if (v.expected > 0 || v.delivered > 0)
        fmt::format_to(out, "{} of {} delivered, {} lost, {} twice{}, {} out of order{}\n",
                       grouped(v.delivered), grouped(v.expected), grouped(v.lost),
                       grouped(v.duplicates), v.duplicates_allowed ? " (QoS 1 allows it)" : "",
                       grouped(v.reordered),
                       v.order_promised ? "" : " (a shared group promises none)");
    if (v.foreign > 0) fmt::format_to(out, "{} messages of others came\n", grouped(v.foreign));
    for (const auto& [sentence, times] : report.faults.sentences())
        fmt::format_to(out, "fault: {}{}\n", sentence,
                       times > 1 ? fmt::format(" ({} times)", grouped(times)) : "");
    if (!v.complete) fmt::format_to(out, "it did not run to its end\n");
    fmt::format_to(out, "{}\n", report.is_good() ? "good" : "NOT GOOD");
}

// --- JSON ---

class Json {
public:
    void text(std::string_view key, std::string_view value) {
        begin(key);
        append_json_text(out_, value);
    }
    void number(std::string_view key, uint64_t value) {
        begin(key);
        out_ += std::to_string(value);
    }
    void number(std::string_view key, double value) {
        begin(key);
        out_ += fmt::format("{:.3f}", value);
    }
    void flag(std::string_view key, bool value) {
        begin(key);
        out_ += value ? "true" : "false";
    }
    void open(std::string_view key, char bracket) {
        begin(key);
        out_ += bracket;
        first_ = true;
        ++depth_;
    }
    void close(char bracket) {
        --depth_;
        if (!first_) new_line();
        out_ += bracket;
        first_ = false;
    }
    std::string take() && { return std::move(out_) + "\n"; }

private:
    void begin(std::string_view key) {
        if (!first_) out_ += ',';
        first_ = false;
        if (depth_ > 0) new_line();
        if (key.empty()) return;
        append_json_text(out_, key);
        out_ += ": ";
    }
    void new_line() {
        out_ += '\n';
        out_.append(size_t(depth_) * 2, ' ');
    }

    std::string out_;
    bool first_ = true;
    int depth_ = 0;
};

void put_latency(Json& json, const std::string& name, const LatencySummary& l) {
    json.open(name, '{');
    json.number("count", l.count);
    json.number("mean", in_us(l.mean));
    json.number("p50", in_us(l.p50));
    json.number("p90", in_us(l.p90));
    json.number("p99", in_us(l.p99));
    json.number("p999", in_us(l.p999));
    json.number("max", in_us(l.max));
    json.close('}');
}

void put_process(Json& json, const Phase& phase) {
    const PhaseProcess& p = *phase.process;
    json.open("process", '{');
    json.number("cpu_user_s", in_seconds(p.user));
    json.number("cpu_system_s", in_seconds(p.system));
    if (const auto us = phase.cpu_us_per_unit()) json.number("cpu_us_per_unit", *us);
    json.number("context_switches", p.context_switches);
    json.number("rss_begin_bytes", p.rss_begin_bytes);
    json.number("rss_end_bytes", p.rss_end_bytes);
    json.number("rss_peak_bytes", p.rss_peak_bytes);
    if (p.pss_end_bytes) json.number("pss_end_bytes", *p.pss_end_bytes);
    json.close('}');
}

std::string with_underscores(std::string name) {
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
}

void put_phase(Json& json, const Phase& phase) {
    json.open("", '{');
    json.text("name", phase.name);
    json.number("seconds", in_seconds(phase.took));
    json.text("unit", phase.unit);
    json.number("units", phase.units);
    json.number("units_per_s", phase.per_second());
    for (const auto& [name, count] : phase.counts) json.number(with_underscores(name), count);
    json.open("latency_us", '{');
    for (const auto& [name, latency] : phase.latencies) put_latency(json, name, latency);
    json.close('}');
    if (phase.process) put_process(json, phase);
    json.close('}');
}

void put_verdict(Json& json, const Report& report) {
    const Verdict& v = report.verdict;
    json.open("verdict", '{');
    json.flag("good", report.is_good());
    json.flag("complete", v.complete);
    json.number("expected", v.expected);
    json.number("delivered", v.delivered);
    json.number("lost", v.lost);
    json.number("duplicates", v.duplicates);
    json.flag("duplicates_allowed", v.duplicates_allowed);
    json.number("reordered", v.reordered);
    json.flag("order_promised", v.order_promised);
    json.number("refused", v.refused);
    json.number("foreign", v.foreign);
    json.number("connections_lost", report.faults.count(Fault::Lost));
    json.close('}');
}

}  // namespace

double Phase::per_second() const {
    return took > Duration::zero() ? double(units) / in_seconds(took) : 0;
}

std::optional<double> Phase::cpu_us_per_unit() const {
    if (!process || units == 0) return std::nullopt;
    return in_us(process->user + process->system) / double(units);
}

bool Report::is_good() const {
    const Verdict& v = verdict;
    return v.complete && !faults.any() && v.lost == 0 && v.refused == 0 &&
           (v.duplicates == 0 || v.duplicates_allowed) && (v.reordered == 0 || !v.order_promised);
}

std::string to_table(const Report& report) {
    std::string text;
    const Out out(text);
    fmt::format_to(out, "godwit bench {}", report.scenario);
    for (const auto& [name, value] : report.settings)
        if (!value.empty()) fmt::format_to(out, ", {} {}", name, value);
    fmt::format_to(out, "\n");
    for (const Phase& phase : report.phases) put_phase(out, phase);
    put_verdict(out, report);
    return text;
}

std::string to_json(const Report& report) {
    Json json;
    json.open("", '{');
    json.text("scenario", report.scenario);
    json.open("settings", '{');
    for (const auto& [name, value] : report.settings) json.text(name, value);
    json.close('}');
    json.open("phases", '[');
    for (const Phase& phase : report.phases) put_phase(json, phase);
    json.close(']');
    put_verdict(json, report);
    json.open("faults", '[');
    for (const auto& [sentence, times] : report.faults.sentences()) {
        json.open("", '{');
        json.text("what", sentence);
        json.number("times", times);
        json.close('}');
    }
    json.close(']');
    json.close('}');
    return std::move(json).take();
}

}  // namespace godwit::bench
