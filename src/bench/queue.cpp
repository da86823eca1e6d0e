// The scenarios of persistent sessions: queue (messages for those that are offline) and storm (all
// come back at once).
#include "bench/run.h"
#include "bench/subscribers.h"

namespace godwit::bench {

namespace {

using Visit = Subscribers::Visit;

/// Each session has a topic of its own.
Layout layout_of(const Options& o) {
    return {.publishers = o.publishers, .subscribers = o.subscribers, .topics = o.subscribers};
}

PublishPlan publish_plan(const Run& run) {
    const Options& o = run.options();
    PublishPlan plan{.shape = {.version = run.identity().version,
                               .qos = run.plan().qos,
                               .topic_prefix = o.topic_prefix,
                               .payload_bytes = o.payload_bytes},
                     .window = o.window};
    if (o.per_second > 0) plan.per_second = o.per_second;
    plan.messages = o.messages > 0 ? o.messages : o.messages_each * o.subscribers;
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
        const bool collects = stays || what == Visit::Collect;
        Phase& phase =
            run_.end_phase(name, collects ? "delivered" : unit,
                           collects ? ledger_.tally().delivered : sessions_.done_count());
        phase.latencies = {{"connect", run_.fleet().connect_times().summary()}};
        if (collects) phase.counts = {{"sessions", sessions_.done_count()}};
        measure_memory(phase);
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
        const Tally& tally = offline_.tally();
        const bool filled = run_.require(
            "acknowledged",
            [&] { return publishers_.all_sent() && publishers_.all_acknowledged(); },
            [&] { return has_answers() ? tally.acknowledged : tally.sent; });
        Phase& phase = run_.end_phase("fill", has_answers() ? "acknowledged" : "sent",
                                      has_answers() ? tally.acknowledged : tally.sent);
        phase.latencies = {{"acknowledge", offline_.acknowledge_times().summary()}};
        measure_memory(phase);
        publishers_.leave_all();
        for (uint32_t p = 0; p < publishers_.count(); ++p) ledger_.expect(p, offline_.sent_by(p));
        run_.watch(&ledger_);
        return filled && run_.wait([&] { return open() == 0; }, open);
    }

    bool leave() {
        sessions_.leave_all();
        const auto open = [this] { return sessions_.open_count(); };
        return run_.wait([&] { return open() == 0; }, open);
    }

    void judge(bool collected) {
        run_.judge(collected ? ledger_ : offline_);
        run_.report().verdict.refused = offline_.tally().refused;
    }

private:
    /// What the publishers know: nobody takes it now.
    static Layout layout_without_receivers(const Options& o) {
        Layout layout = layout_of(o);
        layout.subscribers = 0;
        return layout;
    }
    bool has_answers() const { return run_.plan().qos != mqtt::Qos::AtMostOnce; }
    void measure_memory(Phase& phase) {
        if (phase.process) phase.process->pss_end_bytes = read_pss_bytes(run_.options().pid);
    }

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
    const bool drained = filled && drains && queueing.visit(Visit::Collect, "drain", "drained");
    queueing.judge(filled && drains);
    if (filled && (drained || !drains) && !run.options().keep)
        (void)queueing.visit(Visit::Remove, "remove", "sessions");
}

void run_storm(Run& run) {
    if (!run.can_hold(run.options().subscribers)) return;
    Queueing queueing(run);
    bool good = queueing.visit(Visit::Found, "found", "sessions") && queueing.fill();
    if (good) {
        run.fleet().set_pace(run.options().subscribers, run.options().connects_per_second);
        good = queueing.visit(Visit::Resume, "storm", "resumed");
        run.fleet().set_pace(run.options().connecting_max, 0);
        queueing.judge(true);
    }
    if (good && queueing.leave() && !run.options().keep)
        (void)queueing.visit(Visit::Remove, "remove", "sessions");
}

}  // namespace godwit::bench
