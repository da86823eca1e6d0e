// Run: one run of a scenario: its fleet, its report, its phases, and the eye it keeps on the
// broker's process.
#pragma once

#include "bench/fleet.h"
#include "bench/ledger.h"
#include "bench/options.h"
#include "bench/process_usage.h"
#include "bench/report.h"

#include <memory>
#include <string>

namespace godwit::bench {

inline Duration of_seconds(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

class Run : private Fleet::Ticker {
public:
    /// @param number  of this run, in every payload
    /// @errors        a sentence
    static Result<std::unique_ptr<Run>, std::string> make(Plan plan, uint32_t number);

    const Options& options() const { return plan_.options; }
    const Plan& plan() const { return plan_; }
    const Identity& identity() const { return plan_.identity; }
    uint32_t number() const { return number_; }
    Fleet& fleet() { return *fleet_; }
    Report& report() { return report_; }

    /// Whether so many connections at once are possible here; a fault says what to do if not.
    bool can_hold(size_t connections);

    // --- waiting ---

    /// Until `done()`; gives up when `moved()` has not changed for --stall seconds.
    template <class Done, class Moved>
    bool wait(Done&& done, Moved&& moved) {
        for (;;) {
            const uint64_t before = moved();
            if (fleet_->run_until(done, fleet_->now() + stall_)) return true;
            if (fleet_->interrupted() || report_.faults.is_hopeless()) return false;
            if (moved() == before) return false;
        }
    }
    /// The same for a step that the run needs; where it does not come, a fault says so.
    /// @param what  "subscribed"
    template <class Done, class Moved>
    bool require(const char* what, Done&& done, Moved&& moved) {
        if (wait(done, moved)) return true;
        note_unfinished(what, moved());
        return false;
    }
    void sleep(Duration time) {
        (void)fleet_->run_until([] { return false; }, fleet_->now() + time);
    }
    /// The same; a first signal ends it alone, so that what is under way can still come.
    /// @return  false: a signal came
    bool sleep_or_stop(Duration time) {
        sleep(time);
        if (!fleet_->take_interrupt()) return true;
        report_.verdict.complete = false;
        return false;
    }

    // --- phases ---

    void begin_phase();
    /// Ends it now, or has ended it at `end`, and puts it into the report.
    Phase& end_phase(std::string name, std::string unit, uint64_t units);
    /// With this ledger's counts in the progress line.
    void watch(const Ledger* ledger);
    /// Looks at the broker's PSS, which takes the broker a moment: once it rests.
    void measure_memory(Phase& phase) const;
    /// What the ledger says, added to the report.
    void judge(const Ledger& ledger);

private:
    Run(Plan plan, uint32_t number);
    void on_tick(Instant now) override;
    void print_progress(Instant now);
    void note_unfinished(const char* what, uint64_t count);
    ProcessUsage usage();

    Plan plan_;
    uint32_t number_;
    Report report_;
    std::unique_ptr<Fleet> fleet_;
    Duration stall_;

    Instant phase_begin_{};
    ProcessUsage usage_begin_;
    uint64_t rss_peak_ = 0;

    const Ledger* watched_ = nullptr;
    Instant run_begin_{};
    Instant next_line_{};
    Tally last_;
};

/// What was found is in the run's report.
using ScenarioFunction = void (*)(Run& run);
void run_traffic(Run& run);
void run_queue(Run& run);
void run_storm(Run& run);
void run_flood(Run& run);
void run_retain(Run& run);
void run_sub(Run& run);
void run_conn(Run& run);

}  // namespace godwit::bench
