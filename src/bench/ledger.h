// Ledger: what the publishers of a run have sent and what its subscribers have got: counts, lost,
// twice, out of order, and how long it took. The only place where a run's messages are judged.
#pragma once

#include "bench/histogram.h"
#include "bench/layout.h"
#include "bench/sequence.h"
#include "bench/stamp.h"

#include <vector>

namespace godwit::bench {

/// Counts since the run began; two of them make a phase.
struct Tally {
    uint64_t sent = 0;
    uint64_t acknowledged = 0;  // QoS 1, 2: by PUBACK or PUBCOMP
    uint64_t refused = 0;       // acknowledged with an error
    uint64_t delivered = 0;     // each message at each receiver once
    uint64_t again = 0;         // came a further time
    uint64_t late = 0;          // of those delivered, after a younger one of their stream
    uint64_t foreign = 0;       // not of this run
};

class Ledger {
public:
    /// @param run  of the stamps
    Ledger(const Layout& layout, uint32_t run);

    /// Begins the latencies anew: those of messages meant to be sent within this time.
    void measure(Instant begin, Instant end);

    void note_sent(uint32_t publisher);
    /// For messages that were sent before: a publisher's first so many.
    void expect(uint32_t publisher, uint64_t messages);
    void note_acknowledged(Instant intended, Instant now);
    void note_refused() { ++tally_.refused; }

    struct Verdict {
        bool is_of_run = false;
        uint32_t publisher = 0;
        uint64_t settled = 0;  // deliveries that are owed no more: this one and those it skipped
    };
    /// A message came to a subscriber.
    Verdict take(uint32_t receiver, Bytes payload, Instant now);

    const Layout& layout() const { return layout_; }
    uint32_t run() const { return run_; }
    const Tally& tally() const { return tally_; }
    uint64_t sent_by(uint32_t publisher) const { return sent_[publisher]; }
    /// Deliveries that everything sent so far asks for.
    uint64_t expected() const { return expected_; }
    /// Of one subscriber. @cost as many steps as it has streams
    uint64_t expected_of(uint32_t receiver) const;
    uint64_t lost() const {
        return expected_ > tally_.delivered ? expected_ - tally_.delivered : 0;
    }
    const Histogram& delivery_times() const { return delivery_times_; }
    const Histogram& acknowledge_times() const { return acknowledge_times_; }

private:
    size_t tracker_of(uint32_t receiver, uint32_t stream) const;
    bool is_measured(Instant intended) const {
        return intended >= measure_begin_ && intended < measure_end_;
    }

    Layout layout_;
    uint32_t run_;
    std::vector<uint64_t> sent_;          // by publisher
    std::vector<size_t> trackers_begin_;  // by receiver, where its streams begin
    std::vector<SequenceTracker> trackers_;
    Tally tally_;
    uint64_t expected_ = 0;
    Instant measure_begin_ = kNever, measure_end_ = kNever;
    Histogram delivery_times_, acknowledge_times_;
};

}  // namespace godwit::bench
