#include "bench/run.h"

#include "os/clock.h"

#include <fmt/format.h>

#include <cstdio>

namespace godwit::bench {

namespace {

using namespace std::chrono_literals;

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings settings_of_flood(const Options& o) {
    return {{"broker", o.url},
            {"rate", fmt::format("{:.15g}", o.strangers_per_second)},
            {"hold", fmt::format("{:g}", o.hold_s)},
            {"strangers", std::to_string(o.stranger_addresses)},
            {"callers", fmt::format("{:.15g}", o.callers_per_second)},
            {"beside", std::to_string(o.beside)}};
}

Settings settings_of(const Options& o) {
    if (o.scenario == Scenario::Flood) return settings_of_flood(o);
    Settings out = {{"broker", o.url},
                    {"mqtt", o.version},
                    {"qos", std::to_string(o.qos)},
                    {"size", std::to_string(o.payload_bytes)},
                    {"publishers", std::to_string(o.publishers)},
                    {"subscribers", std::to_string(o.subscribers)},
                    {"topics", std::to_string(o.topics)}};
    if (o.per_second > 0)
        out.emplace_back("rate", fmt::format("{:.15g}", o.per_second));
    else
        out.emplace_back("window", std::to_string(o.window));
    return out;
}

}  // namespace

Run::Run(Plan plan, uint32_t number)
    : plan_(std::move(plan)), number_(number), stall_(of_seconds(plan_.options.stall_s)) {}

Result<std::unique_ptr<Run>, std::string> Run::make(Plan plan, uint32_t number) {
    if (plan.options.pid != 0)
        if (auto there = read_process(plan.options.pid); !there) return Err{there.error()};
    std::unique_ptr<Run> run(new Run(std::move(plan), number));
    auto fleet = Fleet::make(std::move(run->plan_.fleet), run->report_.faults);
    if (!fleet) return Err{fleet.error()};
    run->fleet_ = std::move(*fleet);
    run->fleet_->set_ticker(run.get());
    run->report_.scenario = scenario_name(run->options().scenario);
    run->report_.settings = settings_of(run->options());
    run->run_begin_ = run->next_line_ = run->fleet_->now();
    return run;
}

bool Run::can_hold(size_t connections) {
    if (connections <= fleet_->open_max()) return true;
    report_.faults.add(
        Fault::NoConnection,
        fmt::format(
            "{} connections at once, but this process may open only {}: raise the hard limit "
            "of open files (ulimit -Hn), or split the load over more processes",
            connections, fleet_->open_max()));
    return false;
}

void Run::note_unfinished(const char* what, uint64_t count) {
    report_.verdict.complete = false;
    if (fleet_->interrupted() || report_.faults.is_hopeless()) return;
    report_.faults.add(Fault::Timeout,
                       fmt::format("only {} {}, and nothing more came within {:g} s", count, what,
                                   plan_.options.stall_s));
}

// --- phases ---

ProcessUsage Run::usage() {
    if (plan_.options.pid == 0) return {};
    auto usage = read_process(plan_.options.pid);
    if (usage) return *usage;
    report_.faults.add(Fault::Lost, "the broker's process has ended");
    return usage_begin_;
}

void Run::begin_phase() {
    fleet_->look_at_clock();
    usage_begin_ = usage();
    rss_peak_ = usage_begin_.rss_bytes;
    phase_begin_ = fleet_->now();
}

Phase& Run::end_phase(std::string name, std::string unit, uint64_t units) {
    Phase phase{.name = std::move(name),
                .took = fleet_->now() - phase_begin_,
                .unit = std::move(unit),
                .units = units};
    if (plan_.options.pid != 0) {
        const ProcessUsage end = usage();
        phase.process = PhaseProcess{
            .user = end.user - usage_begin_.user,
            .system = end.system - usage_begin_.system,
            .context_switches = end.voluntary_switches + end.involuntary_switches -
                                usage_begin_.voluntary_switches - usage_begin_.involuntary_switches,
            .rss_begin_bytes = usage_begin_.rss_bytes,
            .rss_end_bytes = end.rss_bytes,
            .rss_peak_bytes = std::max(rss_peak_, end.rss_bytes)};
    }
    report_.phases.push_back(std::move(phase));
    return report_.phases.back();
}

void Run::measure_memory(Phase& phase) const {
    if (phase.process) phase.process->pss_end_bytes = read_pss_bytes(plan_.options.pid);
}

void Run::judge(const Ledger& ledger) {
    const Tally& tally = ledger.tally();
    Verdict& verdict = report_.verdict;
    verdict.expected += ledger.expected();
    verdict.delivered += tally.delivered;
    verdict.lost += ledger.lost();
    verdict.duplicates += tally.again;
    verdict.reordered += tally.late;
    verdict.refused += tally.refused;
    verdict.foreign += tally.foreign;
    verdict.duplicates_allowed = plan_.options.qos == 1;
    verdict.order_promised = !ledger.layout().shared;
    if (fleet_->interrupted()) verdict.complete = false;
}

// --- while it runs ---

void Run::watch(const Ledger* ledger) {
    watched_ = ledger;
    last_ = ledger != nullptr ? ledger->tally() : Tally{};
}

void Run::on_tick(Instant now) {
    if (plan_.options.pid != 0)
        rss_peak_ = std::max(rss_peak_, read_rss_bytes(plan_.options.pid).value_or(0));
    if (!plan_.options.progress || now < next_line_) return;
    print_progress(now);
    next_line_ += 1s;
    if (next_line_ < now) next_line_ = now + 1s;
}

void Run::print_progress(Instant now) {
    std::string line = fmt::format("{:4.0f} s  {} connected",
                                   double((now - run_begin_).count()) / 1e9, fleet_->open_count());
    if (watched_ != nullptr) {
        const Tally& tally = watched_->tally();
        line +=
            fmt::format(", {}/s sent, {}/s acknowledged, {}/s delivered", tally.sent - last_.sent,
                        tally.acknowledged - last_.acknowledged, tally.delivered - last_.delivered);
        last_ = tally;
    }
    if (rss_peak_ > 0) line += fmt::format(", RSS peak {:.1f} MiB", double(rss_peak_) / (1 << 20));
    fmt::print(stderr, "{}\n", line);
}

}  // namespace godwit::bench
