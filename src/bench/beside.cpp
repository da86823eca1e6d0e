#include "bench/beside.h"

#include "bench/traffic.h"
#include "os/thread.h"

#include <utility>

namespace godwit::bench {

namespace {

/// The pairs of a storm or a flood, as a run of their own.
Options pairs_of(const Run& storm) {
    Options o = storm.options();
    if (o.scenario == Scenario::Storm) o.sources = 0;
    o.scenario = Scenario::Pairs;
    o.pairs = o.beside;
    o.per_second = o.beside_per_second;
    o.qos = 0;
    o.messages = 0;
    o.progress = false;
    o.id_prefix += "b";
    o.topic_prefix += "/beside";
    return o;
}

TrafficPlan traffic_plan(const Run& run) {
    const Options& o = run.options();
    return {.identity = run.identity(),
            .layout = {.publishers = o.pairs, .subscribers = o.pairs, .topics = o.pairs},
            .publish = {.shape = {.version = run.identity().version,
                                  .topic_prefix = o.topic_prefix,
                                  .payload_bytes = o.payload_bytes},
                        .per_second = o.per_second},
            .subscribe = {.topic_prefix = o.topic_prefix},
            .number = run.number()};
}

}  // namespace

Beside::Beside(const Run& storm) {
    const uint32_t number = storm.number() + 1;
    auto plan = prepare(pairs_of(storm), number);
    if (!plan) {
        faults_.add(Fault::NoConnection, plan.error());
        measured_.set_value(false);
        return;
    }
    plan->fleet.hears_signals = false;
    thread_ = std::thread([this, plan = std::move(*plan), number]() mutable {
        os::go_first();
        run(std::move(plan), number);
    });
}

Beside::~Beside() {
    step_ = Step::End;
    if (thread_.joinable()) thread_.join();
}

LatencySummary Beside::end_storm() {
    step_ = Step::Rest;
    return stormy_.get_future().get();
}

void Beside::end(Report& into) {
    step_ = Step::End;
    if (thread_.joinable()) thread_.join();
    into.faults.add(faults_);
    into.verdict.expected += verdict_.expected;
    into.verdict.delivered += verdict_.delivered;
    into.verdict.lost += verdict_.lost;
    into.verdict.duplicates += verdict_.duplicates;
    into.verdict.reordered += verdict_.reordered;
    into.verdict.foreign += verdict_.foreign;
}

void Beside::run(Plan plan, uint32_t number) {
    auto made = Run::make(std::move(plan), number);
    if (!made) {
        faults_.add(Fault::NoConnection, made.error());
        return measured_.set_value(false);
    }
    Run& run = **made;
    Traffic traffic(run, traffic_plan(run));
    const bool is_measured = measure_quiet(run, traffic);
    measured_.set_value(is_measured);
    if (is_measured) endure(run, traffic);
    traffic.leave();
    verdict_ = run.report().verdict;
    faults_.add(run.report().faults);
}

bool Beside::measure_quiet(Run& run, Traffic& traffic) {
    const Options& o = run.options();
    if (!traffic.subscribe() || !traffic.connect_publishers()) return false;
    traffic.start();
    run.sleep(of_seconds(o.warm_up_s));
    run.begin_phase();
    const Tally before = traffic.ledger().tally();
    traffic.ledger().measure(run.fleet().now(), kNever);
    run.sleep(of_seconds(o.duration_s));
    quiet_ = traffic.end_phase("quiet", before);
    quiet_.latencies = {{"beside", traffic.ledger().delivery_times().summary()}};
    return true;
}

void Beside::endure(Run& run, Traffic& traffic) {
    const auto wait_for = [&](Step step) {
        (void)run.fleet().run_until([&] { return step_ >= step; }, kNever);
    };
    wait_for(Step::Storm);
    traffic.ledger().measure(run.fleet().now(), kNever);
    wait_for(Step::Rest);
    stormy_.set_value(traffic.ledger().delivery_times().summary());
    wait_for(Step::End);
    traffic.stop();
    traffic.settle();
    run.judge(traffic.ledger());
}

}  // namespace godwit::bench
