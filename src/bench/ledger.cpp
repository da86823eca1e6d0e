#include "bench/ledger.h"

namespace godwit::bench {

Ledger::Ledger(const Layout& layout, uint32_t run)
    : layout_(layout), run_(run), sent_(layout.publishers) {
    if (layout.shared) {  // one for all members
        trackers_.resize(layout.subscribers > 0 ? layout.streams() : 0);
        return;
    }
    size_t count = 0;
    trackers_begin_.reserve(layout.subscribers);
    for (uint32_t r = 0; r < layout.subscribers; ++r) {
        trackers_begin_.push_back(count);
        count += layout.indices_of_subscriber(r);
    }
    trackers_.resize(count);
}

void Ledger::measure(Instant begin, Instant end) {
    measure_begin_ = begin;
    measure_end_ = end;
    delivery_times_.clear();
    acknowledge_times_.clear();
}

void Ledger::note_sent(uint32_t publisher) {
    const Layout::Place place = layout_.place_of(publisher, sent_[publisher]);
    ++sent_[publisher];
    ++tally_.sent;
    expected_ += layout_.receivers_of(layout_.topic_of(place.stream));
}

void Ledger::expect(uint32_t publisher, uint64_t messages) {
    while (sent_[publisher] < messages) note_sent(publisher);
}

void Ledger::note_acknowledged(Instant intended, Instant now) {
    ++tally_.acknowledged;
    if (is_measured(intended)) acknowledge_times_.record(now - intended);
}

Ledger::Verdict Ledger::take(uint32_t receiver, Bytes payload, Instant now) {
    const auto stamp = read_stamp(payload);
    const bool known = stamp && stamp->run == run_ && stamp->stream < layout_.streams() &&
                       layout_.is_received_by(stamp->stream, receiver);
    if (!known) {
        ++tally_.foreign;
        return {};
    }
    const Arrival arrival = trackers_[tracker_of(receiver, stamp->stream)].take(stamp->sequence);
    Verdict verdict{.is_of_run = true, .publisher = layout_.publisher_of(stamp->stream)};
    if (arrival.kind == Arrival::Kind::Again) {
        ++tally_.again;
        return verdict;
    }
    ++tally_.delivered;
    if (arrival.kind == Arrival::Kind::Late)
        ++tally_.late;
    else
        verdict.settled = 1 + arrival.skipped;
    if (is_measured(stamp->intended)) delivery_times_.record(now - stamp->intended);
    return verdict;
}

size_t Ledger::tracker_of(uint32_t receiver, uint32_t stream) const {
    if (layout_.shared) return stream;
    return trackers_begin_[receiver] + layout_.index_of(stream, receiver);
}

uint64_t Ledger::expected_of(uint32_t receiver) const {
    uint64_t count = 0;
    for (uint32_t i = 0; i < layout_.indices_of_subscriber(receiver); ++i) {
        const uint32_t stream = layout_.stream_at(i, receiver);
        if (stream >= layout_.streams()) continue;
        count += layout_.in_stream(stream, sent_[layout_.publisher_of(stream)]);
    }
    return count;
}

}  // namespace godwit::bench
