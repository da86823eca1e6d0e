// The scenario of idle clients: connect, hold, leave; what one of them costs.
#include "bench/idle_crowd.h"
#include "bench/run.h"
#include "bench/subscribers.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

namespace godwit::bench {

namespace {

/// All clients: the first share on this thread, the others each on their own.
class IdleClients {
public:
    /// @param own  the share of this thread
    IdleClients(Run& run, const Options& own)
        : run_(run),
          ledger_({.subscribers = own.subscribers, .topics = own.subscribers}, run.number()),
          own_(run.fleet(), ledger_, run.identity(),
               {.qos = run.plan().qos,
                .topic_prefix = own.topic_prefix,
                .subscribes = own.subscribes}) {}

    /// @errors  a sentence: the plan of a share
    Result<Done, std::string> begin(const Options& all) {
        for (uint32_t thread = 1; thread < all.threads; ++thread) {
            auto plan = prepare(share_of(all, thread), run_.number());
            if (!plan) return Err{plan.error()};
            plan->fleet.hears_signals = false;
            crowds_.push_back(std::make_unique<IdleCrowd>(std::move(*plan), run_.number()));
        }
        own_.begin(Subscribers::Visit::Stay);
        return Done{};
    }
    void leave() {
        own_.leave_all();
        for (const auto& each : crowds_) each->leave();
    }
    /// What the other threads have found, into the report.
    void end() {
        for (const auto& each : crowds_) {
            each->end();
            run_.report().faults.add(each->faults());
        }
    }

    uint64_t done_count() const { return sum(own_.done_count(), &IdleCrowd::done_count); }
    uint64_t open_count() const { return sum(own_.open_count(), &IdleCrowd::open_count); }
    uint64_t ping_count() const {
        return sum(run_.fleet().ping_times().count(), &IdleCrowd::ping_count);
    }
    bool is_hopeless() const {
        return std::any_of(crowds_.begin(), crowds_.end(),
                           [](const auto& each) { return each->is_hopeless(); });
    }
    /// After end().
    LatencySummary times(Histogram own, const Histogram& (IdleCrowd::*of)() const) const {
        for (const auto& each : crowds_) own.add((*each.*of)());
        return own.summary();
    }

private:
    uint64_t sum(uint64_t own, uint64_t (IdleCrowd::*of)() const) const {
        return std::accumulate(crowds_.begin(), crowds_.end(), own,
                               [&](uint64_t all, const auto& each) { return all + (*each.*of)(); });
    }

    Run& run_;
    Ledger ledger_;
    Subscribers own_;
    std::vector<std::unique_ptr<IdleCrowd>> crowds_;
};

void tell_memory(Run& run, Phase& phase) {
    run.measure_memory(phase);
    if (phase.process && phase.process->rss_end_bytes > phase.process->rss_begin_bytes)
        phase.counts = {
            {"rss bytes each", (phase.process->rss_end_bytes - phase.process->rss_begin_bytes) /
                                   run.options().subscribers}};
}

void hold(Run& run, const IdleClients& clients) {
    run.begin_phase();
    const uint64_t pings_before = clients.ping_count();
    (void)run.sleep_or_stop(of_seconds(run.options().duration_s));
    Phase& phase = run.end_phase("hold", "pings", clients.ping_count() - pings_before);
    phase.counts = {{"connected", clients.open_count()}};
    run.measure_memory(phase);
}

}  // namespace

void run_conn(Run& run) {
    Options all = run.options();
    all.sources = run.fleet().options().sources;
    const Options own = share_of(all, 0);
    if (!run.can_hold(own.subscribers)) return;
    run.fleet().set_pace(own.connecting_max, own.connects_per_second);
    IdleClients clients(run, own);

    run.begin_phase();
    if (const auto begun = clients.begin(all); !begun)
        return run.report().faults.add(Fault::NoConnection, begun.error());
    const bool came = run.require(
        "connected",
        [&] { return clients.done_count() == all.subscribers || clients.is_hopeless(); },
        [&] { return clients.done_count(); });
    tell_memory(run, run.end_phase("connect", "connected", clients.done_count()));
    if (came) hold(run, clients);
    if (run.fleet().interrupted()) run.report().verdict.complete = false;
    run.begin_phase();
    const uint64_t left = clients.open_count();
    clients.leave();
    (void)run.require(
        "still there", [&] { return clients.open_count() == 0; },
        [&] { return clients.open_count(); });
    run.measure_memory(run.end_phase("leave", "gone", left));
    clients.end();
    auto& phases = run.report().phases;
    phases[0].latencies = {
        {"connect", clients.times(run.fleet().connect_times(), &IdleCrowd::connect_times)}};
    if (came)
        phases[1].latencies = {
            {"ping", clients.times(run.fleet().ping_times(), &IdleCrowd::ping_times)}};
}

}  // namespace godwit::bench
