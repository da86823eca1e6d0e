// The scenario of idle clients: connect, hold, leave; what one of them costs.
#include "bench/run.h"
#include "bench/subscribers.h"

namespace godwit::bench {

void run_conn(Run& run) {
    const Options& o = run.options();
    if (!run.can_hold(o.subscribers)) return;
    Ledger ledger({.subscribers = o.subscribers, .topics = o.subscribers}, run.number());
    Subscribers clients(
        run.fleet(), ledger, run.identity(),
        {.qos = run.plan().qos, .topic_prefix = o.topic_prefix, .subscribes = o.subscribes});

    run.begin_phase();
    clients.begin(Subscribers::Visit::Stay);
    const bool came = run.require(
        "connected", [&] { return clients.all_done(); }, [&] { return clients.done_count(); });
    Phase& connect = run.end_phase("connect", "connected", clients.done_count());
    connect.latencies = {{"connect", run.fleet().connect_times().summary()}};
    run.measure_memory(connect);
    if (connect.process && connect.process->rss_end_bytes > connect.process->rss_begin_bytes)
        connect.counts = {
            {"rss bytes each",
             (connect.process->rss_end_bytes - connect.process->rss_begin_bytes) / o.subscribers}};
    if (came) {
        run.begin_phase();
        (void)run.sleep_or_stop(of_seconds(o.duration_s));
        Phase& hold = run.end_phase("hold", "pings", run.fleet().ping_times().count());
        hold.counts = {{"connected", clients.open_count()}};
        hold.latencies = {{"ping", run.fleet().ping_times().summary()}};
        run.measure_memory(hold);
    }
    if (run.fleet().interrupted()) run.report().verdict.complete = false;
    run.begin_phase();
    const size_t left = clients.open_count();
    clients.leave_all();
    (void)run.require(
        "still there", [&] { return clients.open_count() == 0; },
        [&] { return clients.open_count(); });
    run.measure_memory(run.end_phase("leave", "gone", left));
}

}  // namespace godwit::bench
