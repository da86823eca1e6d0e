// The scenario of retained messages: one for each topic, then all of them for one subscription.
#include "bench/run.h"
#include "bench/subscribers.h"

namespace godwit::bench {

namespace {

Layout stored_layout(const Options& o) {
    return {.publishers = o.publishers, .subscribers = 0, .topics = o.topics};
}

Layout replayed_layout(const Options& o) {
    return {.publishers = o.publishers,
            .subscribers = o.subscribers,
            .topics = o.topics,
            .wildcard = true};
}

PublishPlan publish_plan(const Run& run, size_t payload_bytes) {
    const Options& o = run.options();
    PublishPlan plan{.shape = {.version = run.identity().version,
                               .qos = run.plan().qos,
                               .retain = true,
                               .topic_prefix = o.topic_prefix,
                               .payload_bytes = payload_bytes},
                     .window = o.window,
                     .messages = o.topics};
    if (o.per_second > 0) plan.per_second = o.per_second;
    return plan;
}

/// One message to every topic; without payload it removes what is retained there.
bool store(Run& run, const char* name, Ledger& ledger, Publishers& publishers) {
    publishers.connect_all();
    const auto open = [&] { return publishers.open_count(); };
    if (!run.require(
            "connected", [&] { return open() == publishers.count(); }, open))
        return false;
    run.watch(&ledger);
    run.begin_phase();
    ledger.measure(run.fleet().now(), kNever);
    publishers.start();
    const bool has_answers = run.plan().qos != mqtt::Qos::AtMostOnce;
    const Tally& tally = ledger.tally();
    const auto moved = [&] { return has_answers ? tally.acknowledged : tally.sent; };
    const bool stored = run.require(
        "acknowledged", [&] { return publishers.all_sent() && publishers.all_acknowledged(); },
        moved);
    Phase& phase = run.end_phase(name, has_answers ? "acknowledged" : "sent", moved());
    phase.latencies = {{"acknowledge", ledger.acknowledge_times().summary()}};
    run.measure_memory(phase);
    publishers.leave_all();
    return run.wait([&] { return open() == 0; }, open) && stored;
}

bool replay(Run& run, Ledger& ledger, Subscribers& subscribers) {
    run.watch(&ledger);
    run.begin_phase();
    subscribers.begin(Subscribers::Visit::Stay);
    const Tally& tally = ledger.tally();
    const bool replayed =
        run.wait([&] { return subscribers.all_done() && tally.delivered >= ledger.expected(); },
                 [&] { return tally.delivered + subscribers.done_count(); });
    run.measure_memory(run.end_phase("replay", "delivered", tally.delivered));
    subscribers.leave_all();
    const auto open = [&] { return subscribers.open_count(); };
    return run.wait([&] { return open() == 0; }, open) && replayed;
}

}  // namespace

void run_retain(Run& run) {
    const Options& o = run.options();
    Ledger stored(stored_layout(o), run.number());
    Ledger replayed(replayed_layout(o), run.number());
    Ledger removed(stored_layout(o), run.number());
    Publishers storing(run.fleet(), stored, run.identity(), publish_plan(run, o.payload_bytes));
    Publishers removing(run.fleet(), removed, run.identity(), publish_plan(run, 0));
    Subscribers subscribers(run.fleet(), replayed, run.identity(),
                            {.qos = run.plan().qos, .topic_prefix = o.topic_prefix});
    if (!store(run, "store", stored, storing)) return run.judge(stored);
    for (uint32_t p = 0; p < o.publishers; ++p) replayed.expect(p, stored.sent_by(p));
    if (o.subscribers > 0) (void)replay(run, replayed, subscribers);
    run.judge(replayed);
    run.report().verdict.refused += stored.tally().refused;
    if (!o.keep) (void)store(run, "remove", removed, removing);
}

}  // namespace godwit::bench
