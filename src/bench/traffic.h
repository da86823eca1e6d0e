// Traffic: publishers that send while subscribers listen.
#pragma once

#include "bench/run.h"
#include "bench/subscribers.h"

namespace godwit::bench {

struct TrafficPlan {
    Identity identity;
    Layout layout;
    PublishPlan publish;
    SubscribePlan subscribe;
    uint32_t number = 0;  // of its messages' stamps
};

class Traffic {
public:
    Traffic(Run& run, const TrafficPlan& plan);

    /// All subscribe. @return false: a fault says why not
    bool subscribe();
    bool connect_publishers();
    void start() { publishers_.start(); }
    void stop() { publishers_.stop(); }
    /// Until everything is sent; for publishers with a number of messages.
    bool wait_until_sent();
    /// Until everything sent has come and is acknowledged, or nothing moves any more.
    void settle();
    void leave();

    Ledger& ledger() { return ledger_; }
    const Subscribers& subscribers() const { return subscribers_; }
    size_t client_count() const { return publishers_.count() + subscribers_.count(); }
    /// Grows with everything that comes back.
    uint64_t moved() const { return ledger_.tally().delivered + ledger_.tally().acknowledged; }
    /// Ends the phase and tells what has happened since `before`: deliveries, or where nobody
    /// listens acknowledgements, or where there are none what was sent.
    Phase& end_phase(const char* name, const Tally& before);

private:
    Run& run_;
    const TrafficPlan plan_;
    Ledger ledger_;
    Publishers publishers_;
    Subscribers subscribers_;
};

}  // namespace godwit::bench
