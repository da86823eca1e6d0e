// The scenarios of persistent sessions: queue (messages for those that are offline) and storm (all
// come back at once, beside others in steady traffic).
#include "bench/beside.h"
#include "bench/traffic.h"

#include <optional>

namespace godwit::bench {

namespace {

using Visit = Subscribers::Visit;

/// Each session has a topic of its own.
Layout layout_of(const Options& o) {
    return {.publishers = o.publishers, .subscribers = o.subscribers, .topics = o.topics};
}

/// What the publishers know: nobody takes it now.
Layout layout_without_receivers(const Options& o) {
    Layout layout = layout_of(o);
    layout.subscribers = 0;
    return layout;
}

PublishPlan publish_plan(const Run& run) {
    const Options& o = run.options();
    PublishPlan plan{.shape = {.version = run.identity().version,
                               .qos = run.plan().qos,
                               .topic_prefix = o.topic_prefix,
                               .payload_bytes = o.payload_bytes},
                     .window = o.window};
    if (o.per_second > 0) plan.per_second = o.per_second;
    plan.messages = o.messages_each * o.subscribers;
    return plan;
}

class Queueing {
public:
    explicit Queueing(Run& run)
        : run_(run),
          offline_(layout_without_receivers(run.options()), run.number()),
          ledger_(layout_of(run.options()), run.number()),
          publishers_(run.fleet(), offline_, run.identity(), publish_plan(run)),
          sessions_(run.fleet(), ledger_, run.identity(),
                    {.qos = run.plan().qos,
                     .topic_prefix = run.options().topic_prefix,
                     .persistent = true}) {}

    /// All sessions come, do what the visit is for, and go, or stay.
    bool visit(Visit what, const char* name, const char* unit) {
        run_.begin_phase();
        run_.fleet().connect_times().clear();
        sessions_.begin(what);
        const bool stays = what == Visit::Resume;
        const bool came = run_.require(
            unit, [&] { return sessions_.all_done() && (stays || sessions_.open_count() == 0); },
            [&] { return sessions_.done_count() + ledger_.tally().delivered; });
        const uint64_t delivered = ledger_.tally().delivered;
        const bool drains = what == Visit::Collect;
        Phase& phase = drains ? run_.end_phase(name, "delivered", delivered)
                              : run_.end_phase(name, unit, sessions_.done_count());
        phase.latencies = {{"connect", run_.fleet().connect_times().summary()}};
        if (drains) phase.counts = {{"sessions", sessions_.done_count()}};
        if (stays) phase.counts = {{"delivered", delivered}};
        run_.measure_memory(phase);
        return came;
    }

    bool fill() {
        publishers_.connect_all();
        const auto open = [this] { return publishers_.open_count(); };
        if (!run_.require(
                "connected", [&] { return open() == publishers_.count(); }, open))
            return false;
        run_.watch(&offline_);
        run_.begin_phase();
        offline_.measure(run_.fleet().now(), kNever);
        publishers_.start();
        const auto moved = [this] { return offline_.tally().acknowledged; };
        const bool filled = run_.require(
            "acknowledged",
            [&] { return publishers_.all_sent() && publishers_.all_acknowledged(); }, moved);
        Phase& phase = run_.end_phase("fill", "acknowledged", moved());
        phase.latencies = {{"acknowledge", offline_.acknowledge_times().summary()}};
        run_.measure_memory(phase);
        publishers_.leave_all();
        for (uint32_t p = 0; p < publishers_.count(); ++p) ledger_.expect(p, offline_.sent_by(p));
        run_.watch(&ledger_);
        return filled && run_.wait([&] { return open() == 0; }, open);
    }

    bool leave() {
        run_.begin_phase();
        const size_t count = sessions_.open_count();
        sessions_.leave_all();
        const auto open = [this] { return sessions_.open_count(); };
        const bool gone = run_.wait([&] { return open() == 0; }, open);
        run_.measure_memory(run_.end_phase("leave", "gone", count));
        return gone;
    }

    void judge(bool collected) {
        run_.judge(collected ? ledger_ : offline_);
        run_.report().verdict.refused += collected ? offline_.tally().refused : 0;
    }

private:
    Run& run_;
    Ledger offline_;  // while it is published
    Ledger ledger_;   // once the sessions are back
    Publishers publishers_;
    Subscribers sessions_;
};

}  // namespace

void run_queue(Run& run) {
    const bool drains = run.options().drain;
    Queueing queueing(run);
    const bool filled = queueing.visit(Visit::Found, "found", "sessions") && queueing.fill();
    const bool drained = filled && drains && queueing.visit(Visit::Collect, "drain", "messages");
    queueing.judge(filled && drains);
    if (filled && (drained || !drains) && !run.options().keep)
        (void)queueing.visit(Visit::Remove, "remove", "sessions");
}

// --- storm ---

namespace {

/// @return  whether every session has come back, and has all of its messages
bool storm(Run& run, Queueing& queueing, Beside* beside) {
    const Options& o = run.options();
    if (beside != nullptr) {
        beside->begin_storm();
        run.fleet().step_back();
    }
    const uint64_t attempts_before = run.fleet().repeated_attempts();
    run.fleet().set_pace(o.subscribers, o.connects_per_second);
    run.fleet().insist();
    const bool good = queueing.visit(Visit::Resume, "storm", "resumed");
    run.fleet().set_pace(o.connecting_max, 0);
    Phase& phase = run.report().phases.back();
    phase.counts.emplace_back("attempts again", run.fleet().repeated_attempts() - attempts_before);
    if (beside != nullptr) phase.latencies.emplace_back("beside", beside->end_storm());
    return good;
}

}  // namespace

void run_storm(Run& run) {
    const Options& o = run.options();
    if (!run.can_hold(o.subscribers + 2 * size_t(o.beside))) return;
    Queueing queueing(run);
    std::optional<Beside> beside;
    const bool filled = queueing.visit(Visit::Found, "found", "sessions") && queueing.fill();
    if (filled && o.beside > 0) beside.emplace(run);
    const bool is_quiet = beside && beside->wait_until_measured();
    if (!filled || (beside && !is_quiet)) {
        queueing.judge(false);
        if (beside) beside->end(run.report());
        return;
    }
    if (beside) run.report().phases.push_back(beside->quiet());
    const bool resumed = storm(run, queueing, beside ? &*beside : nullptr);
    queueing.judge(true);
    if (beside) beside->end(run.report());
    if (queueing.leave() && resumed && !o.keep)
        (void)queueing.visit(Visit::Remove, "remove", "sessions");
}

}  // namespace godwit::bench
