// The scenario of a flood: attempts to connect that lead to nothing, beside pairs in steady traffic
// and clients that keep connecting.
#include "bench/beside.h"
#include "bench/callers.h"
#include "bench/strangers.h"
#include "os/clock.h"

#include <atomic>
#include <cmath>
#include <thread>

namespace godwit::bench {

namespace {

using namespace std::chrono_literals;

/// Of descriptors, for other things than strangers.
constexpr size_t kOthersMin = 256;

/// The strangers, on a thread of their own.
class Flood {
public:
    explicit Flood(StrangersPlan plan) : thread_([this, plan = std::move(plan)] { run(plan); }) {}
    ~Flood() { (void)end(); }
    Flood(const Flood&) = delete;
    Flood& operator=(const Flood&) = delete;

    /// All go. @return what became of them
    const Strangers::Tally& end() {
        ends_ = true;
        if (thread_.joinable()) thread_.join();
        return tally_;
    }

private:
    void run(const StrangersPlan& plan) {
        Strangers strangers(plan, os::monotonic_now());
        while (!ends_)
            if (!strangers.turn(os::monotonic_now())) std::this_thread::sleep_for(500us);
        strangers.end_all();
        tally_ = strangers.tally();
    }

    std::atomic<bool> ends_{false};
    Strangers::Tally tally_;
    std::thread thread_;  // last: it uses all of the above
};

StrangersPlan strangers_plan(Run& run, size_t others) {
    const Options& o = run.options();
    return {.target = run.fleet().address(),
            .addresses = o.stranger_addresses,
            .per_second = o.strangers_per_second,
            .hold = of_seconds(o.hold_s),
            .open_max = run.fleet().open_max() - others,
            .identity = run.identity()};
}

/// How many callers there are: one is not free again before it has come in and left.
uint32_t caller_count(const Options& o) {
    return uint32_t(std::ceil(o.callers_per_second)) + 1;
}

/// What becomes of callers, from when it was made on.
class CallerTimes {
public:
    CallerTimes(Run& run, const Callers& callers)
        : run_(run),
          callers_(callers),
          accepted_before_(callers.accepted()),
          failed_before_(run.fleet().repeated_attempts()) {
        run_.fleet().connect_times().clear();
    }
    void end() {
        accepted_ = callers_.accepted() - accepted_before_;
        failed_ = run_.fleet().repeated_attempts() - failed_before_;
        connect_ = run_.fleet().connect_times().summary();
    }
    void tell(Phase& phase) const {
        phase.counts.emplace_back("came in", accepted_);
        phase.counts.emplace_back("failed", failed_);
        phase.latencies.emplace_back("connect", connect_);
    }

private:
    Run& run_;
    const Callers& callers_;
    const uint64_t accepted_before_, failed_before_;
    uint64_t accepted_ = 0, failed_ = 0;
    LatencySummary connect_;
};

/// How callers fare while the pairs find out how they do.
void endure_quiet(Run& run, const Callers& callers, Beside& beside) {
    run.sleep(of_seconds(run.options().warm_up_s));
    CallerTimes times(run, callers);
    run.sleep(of_seconds(run.options().duration_s));
    times.end();
    if (!beside.wait_until_measured()) return;
    run.report().phases.push_back(beside.quiet());
    times.tell(run.report().phases.back());
}

void endure_flood(Run& run, const Callers& callers, Beside& beside, size_t others) {
    beside.begin_storm();
    CallerTimes times(run, callers);
    run.begin_phase();
    Flood strangers(strangers_plan(run, others));
    run.sleep(of_seconds(run.options().duration_s));
    times.end();
    Phase& phase = run.end_phase("flood", "attempts", 0);
    phase.latencies = {{"beside", beside.end_storm()}};
    const Strangers::Tally& tally = strangers.end();
    phase.units = tally.attempts;
    phase.counts = {{"unanswered", tally.unanswered},
                    {"turned away", tally.turned_away},
                    {"not begun", tally.failed}};
    times.tell(phase);
}

}  // namespace

void run_flood(Run& run) {
    const Options& o = run.options();
    const uint32_t calling = caller_count(o);
    const size_t others = 2 * size_t(o.beside) + calling + kOthersMin;
    if (!run.can_hold(2 * others)) return;
    run.fleet().set_pace(calling, o.callers_per_second);
    run.fleet().insist();
    Callers callers(run.fleet(), run.identity(), calling);
    Beside beside(run);
    callers.start();
    endure_quiet(run, callers, beside);
    if (!run.report().phases.empty()) endure_flood(run, callers, beside, others);
    callers.stop();
    (void)run.require(
        "came in", [&] { return callers.all_gone(); }, [&] { return callers.accepted(); });
    beside.end(run.report());
}

}  // namespace godwit::bench
