// The scenarios in which publishers send while subscribers listen: pub, pairs, fanin, fanout,
// subs.
#include "bench/run.h"
#include "bench/subscribers.h"

namespace godwit::bench {

namespace {

Duration of_seconds(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Layout layout_of(const Options& o) {
    return {.publishers = o.publishers,
            .subscribers = o.subscribers,
            .topics = o.topics,
            .wildcard = o.wildcard,
            .shared = !o.share.empty()};
}

PublishPlan publish_plan(const Run& run) {
    const Options& o = run.options();
    PublishPlan plan{.shape = {.version = run.identity().version,
                               .qos = run.plan().qos,
                               .retain = o.retain,
                               .topic_prefix = o.topic_prefix,
                               .payload_bytes = o.payload_bytes},
                     .window = o.window};
    if (o.per_second > 0) plan.per_second = o.per_second;
    if (o.messages > 0) plan.messages = o.messages;
    return plan;
}

struct Traffic {
    explicit Traffic(Run& its_run)
        : run(its_run),
          ledger(layout_of(run.options()), run.number()),
          publishers(run.fleet(), ledger, run.identity(), publish_plan(run)),
          subscribers(run.fleet(), ledger, run.identity(),
                      {.qos = run.plan().qos,
                       .topic_prefix = run.options().topic_prefix,
                       .share = run.options().share,
                       .filters_per_packet = run.options().filters_per_packet,
                       .wildcard_percent = run.options().wildcard_percent}) {
        subscribers.set_publishers(&publishers);
    }

    bool connect() {
        if (!run.can_hold(publishers.count() + subscribers.count())) return false;
        if (!subscribe()) return false;
        publishers.connect_all();
        const auto connected = [this] { return publishers.open_count(); };
        return run.require(
            "connected", [&] { return connected() == publishers.count(); }, connected);
    }

    bool subscribe() {
        run.begin_phase();
        subscribers.begin(Subscribers::Visit::Stay);
        const auto granted = [this] { return subscribers.granted_count(); };
        if (!run.require(
                "subscribed", [this] { return subscribers.all_done(); }, granted))
            return false;
        if (run.options().scenario != Scenario::Subs) return true;
        Phase& phase = run.end_phase("subscribe", "subscribed", granted());
        phase.latencies = {{"suback", subscribers.subscribe_times().summary()}};
        return true;
    }

    uint64_t moved() const { return ledger.tally().delivered + ledger.tally().acknowledged; }
    bool all_settled() const {
        return publishers.all_acknowledged() && ledger.tally().delivered >= ledger.expected();
    }

    /// Until everything sent has come and is acknowledged, or nothing moves any more.
    void settle() {
        (void)run.wait([this] { return all_settled(); }, [this] { return moved(); });
        if (!publishers.all_acknowledged())
            run.report().faults.add(Fault::Timeout, "not every message was acknowledged");
    }

    void end_phase(const Tally& before) {
        const Tally& now = ledger.tally();
        const bool heard = ledger.layout().subscribers > 0;
        const bool acknowledged = run.plan().qos != mqtt::Qos::AtMostOnce;
        const char* unit = heard ? "delivered" : acknowledged ? "acknowledged" : "sent";
        const uint64_t units = heard          ? now.delivered - before.delivered
                               : acknowledged ? now.acknowledged - before.acknowledged
                                              : now.sent - before.sent;
        Phase& phase = run.end_phase("traffic", unit, units);
        phase.counts = {{"sent", now.sent - before.sent},
                        {"acknowledged", now.acknowledged - before.acknowledged}};
    }

    Run& run;
    Ledger ledger;
    Publishers publishers;
    Subscribers subscribers;
};

/// A number of messages: the phase ends when the last one has come.
void send_counted(Traffic& traffic) {
    Run& run = traffic.run;
    run.begin_phase();
    traffic.ledger.measure(run.fleet().now(), kNever);
    traffic.publishers.start();
    const bool sent = run.require(
        "sent", [&] { return traffic.publishers.all_sent(); },
        [&] { return traffic.ledger.tally().sent + traffic.moved(); });
    if (sent) traffic.settle();
    traffic.end_phase({});
}

/// A time: the phase is what happens in it, without the warm-up before and the rest after it.
void send_timed(Traffic& traffic) {
    Run& run = traffic.run;
    const Options& o = run.options();
    traffic.publishers.start();
    run.sleep(of_seconds(o.warm_up_s));
    run.begin_phase();
    const Tally before = traffic.ledger.tally();
    const Instant begin = run.fleet().now();
    traffic.ledger.measure(begin, begin + of_seconds(o.duration_s));
    run.sleep(of_seconds(o.duration_s));
    traffic.end_phase(before);
    traffic.publishers.stop();
    traffic.settle();
}

}  // namespace

void run_traffic(Run& run) {
    Traffic traffic(run);
    if (!traffic.connect()) return;
    run.watch(&traffic.ledger);
    if (run.options().messages > 0)
        send_counted(traffic);
    else
        send_timed(traffic);
    Phase& phase = run.report().phases.back();
    phase.latencies = {{"delivery", traffic.ledger.delivery_times().summary()},
                       {"acknowledge", traffic.ledger.acknowledge_times().summary()}};
    if (run.options().pid != 0 && phase.process)
        phase.process->pss_end_bytes = read_pss_bytes(run.options().pid);
    if (run.fleet().interrupted()) run.report().verdict.complete = false;
    run.judge(traffic.ledger);
    run.watch(nullptr);
    traffic.publishers.leave_all();
    traffic.subscribers.leave_all();
    (void)run.wait(
        [&] { return traffic.publishers.open_count() + traffic.subscribers.open_count() == 0; },
        [&] { return traffic.subscribers.open_count(); });
}

}  // namespace godwit::bench
