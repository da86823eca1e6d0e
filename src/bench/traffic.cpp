#include "bench/traffic.h"

namespace godwit::bench {

namespace {

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

SubscribePlan subscribe_plan(const Run& run) {
    const Options& o = run.options();
    return {.qos = run.plan().qos,
            .topic_prefix = o.topic_prefix,
            .share = o.share,
            .filters_per_packet = o.filters_per_packet,
            .wildcard_percent = o.wildcard_percent};
}

TrafficPlan traffic_plan(const Run& run) {
    return {.identity = run.identity(),
            .layout = layout_of(run.options()),
            .publish = publish_plan(run),
            .subscribe = subscribe_plan(run),
            .number = run.number()};
}

}  // namespace

Traffic::Traffic(Run& run, const TrafficPlan& plan)
    : run_(run),
      plan_(plan),
      ledger_(plan.layout, plan.number),
      publishers_(run.fleet(), ledger_, plan_.identity, plan.publish),
      subscribers_(run.fleet(), ledger_, plan_.identity, plan.subscribe) {
    subscribers_.set_publishers(&publishers_);
}

bool Traffic::subscribe() {
    subscribers_.begin(Subscribers::Visit::Stay);
    return run_.require(
        "subscribed", [this] { return subscribers_.all_done(); },
        [this] { return subscribers_.granted_count(); });
}

bool Traffic::connect_publishers() {
    publishers_.connect_all();
    return run_.require(
        "connected", [this] { return publishers_.open_count() == publishers_.count(); },
        [this] { return publishers_.open_count(); });
}

bool Traffic::wait_until_sent() {
    return run_.require(
        "sent", [this] { return publishers_.all_sent(); },
        [this] { return ledger_.tally().sent + moved(); });
}

void Traffic::settle() {
    const auto all_settled = [this] {
        return publishers_.all_acknowledged() && ledger_.tally().delivered >= ledger_.expected();
    };
    (void)run_.wait(all_settled, [this] { return moved(); });
    if (!publishers_.all_acknowledged())
        run_.report().faults.add(Fault::Timeout, "not every message was acknowledged");
}

void Traffic::leave() {
    publishers_.leave_all();
    subscribers_.leave_all();
    const auto open = [this] { return publishers_.open_count() + subscribers_.open_count(); };
    (void)run_.wait([&] { return open() == 0; }, open);
}

Phase& Traffic::end_phase(const char* name, const Tally& before) {
    const Tally& now = ledger_.tally();
    const bool heard = ledger_.layout().subscribers > 0;
    const bool answered = plan_.publish.shape.qos != mqtt::Qos::AtMostOnce;
    const char* unit = heard ? "delivered" : answered ? "acknowledged" : "sent";
    const uint64_t units = heard      ? now.delivered - before.delivered
                           : answered ? now.acknowledged - before.acknowledged
                                      : now.sent - before.sent;
    Phase& phase = run_.end_phase(name, unit, units);
    phase.counts = {{"sent", now.sent - before.sent},
                    {"acknowledged", now.acknowledged - before.acknowledged}};
    return phase;
}

// --- the scenarios pub, pairs, fanin, fanout, subs ---

namespace {

void tell_latencies(Run& run, const Ledger& ledger) {
    Phase& phase = run.report().phases.back();
    phase.latencies = {{"delivery", ledger.delivery_times().summary()},
                       {"acknowledge", ledger.acknowledge_times().summary()}};
    run.measure_memory(phase);
}

bool connect(Run& run, Traffic& traffic) {
    if (!run.can_hold(traffic.client_count())) return false;
    run.begin_phase();
    if (!traffic.subscribe()) return false;
    if (run.options().scenario == Scenario::Subs) {
        Phase& phase =
            run.end_phase("subscribe", "subscribed", traffic.subscribers().granted_count());
        phase.latencies = {{"suback", traffic.subscribers().subscribe_times().summary()}};
        run.measure_memory(phase);
    }
    return traffic.connect_publishers();
}

/// A number of messages: the phase ends when the last one has come.
void send_counted(Run& run, Traffic& traffic) {
    run.begin_phase();
    traffic.ledger().measure(run.fleet().now(), kNever);
    traffic.start();
    if (traffic.wait_until_sent()) traffic.settle();
    traffic.end_phase("traffic", {});
}

/// A time: the phase is what happens in it, without the warm-up before and the rest after it.
void send_timed(Run& run, Traffic& traffic) {
    const Options& o = run.options();
    traffic.start();
    const bool goes_on = run.sleep_or_stop(of_seconds(o.warm_up_s));
    run.begin_phase();
    const Tally before = traffic.ledger().tally();
    const Instant begin = run.fleet().now();
    traffic.ledger().measure(begin, begin + of_seconds(o.duration_s));
    if (goes_on) (void)run.sleep_or_stop(of_seconds(o.duration_s));
    traffic.end_phase("traffic", before);
    traffic.stop();
    traffic.settle();
}

}  // namespace

void run_traffic(Run& run) {
    Traffic traffic(run, traffic_plan(run));
    if (!connect(run, traffic)) return;
    run.watch(&traffic.ledger());
    if (run.options().messages > 0)
        send_counted(run, traffic);
    else
        send_timed(run, traffic);
    tell_latencies(run, traffic.ledger());
    run.judge(traffic.ledger());
    run.watch(nullptr);
    traffic.leave();
}

}  // namespace godwit::bench
