// The scenario in which others publish: sub. Streams are found as they come, of any run.
#include "bench/run.h"

#include "client/explain.h"
#include "mqtt/encoder.h"
#include "topic/filter.h"

#include <fmt/format.h>

#include <unordered_map>

namespace godwit::bench {

namespace {

class Listeners : public Party {
public:
    Listeners(Run& run, uint32_t count) : run_(run), streams_(count) {
        for (uint32_t i = 0; i < count; ++i) run.fleet().connect(run.fleet().add(*this, i));
    }

    size_t subscribed_count() const { return subscribed_count_; }
    const Tally& tally() const { return tally_; }
    uint64_t missing() const { return missing_; }
    const Histogram& times() const { return times_; }

    void greet(const Client& client, Buffer& out) override {
        put_connect(out, run_.identity(), {.role = 's', .number = client.number});
    }
    void on_open(Client& client, Instant) override { streams_[client.number].must_ask = true; }
    void on_turn(Client& client, Instant, Buffer& out) override {
        if (!streams_[client.number].must_ask) return;
        streams_[client.number].must_ask = false;
        const mqtt::SubscribeEntry entry{.filter = run_.options().filter,
                                         .options = {.qos = run_.plan().qos}};
        mqtt::encode_subscribe(out, run_.identity().version,
                               {.packet_id = PacketId{1}, .entries = std::span(&entry, 1)});
    }
    void on_suback(Client&, const mqtt::Suback& packet, Instant) override {
        const auto code = mqtt::ReasonCode(packet.reasons.empty() ? 0x80 : packet.reasons[0]);
        if (!mqtt::is_error(code)) {
            ++subscribed_count_;
            return;
        }
        run_.fleet().faults().add(Fault::Denied, fmt::format("the subscription was refused: {}",
                                                             client::reason_words(code)));
    }
    void on_message(Client& client, const mqtt::Publish& message, Instant now) override {
        const auto stamp = read_stamp(message.payload);
        if (!stamp) {
            ++tally_.foreign;
            return;
        }
        const uint64_t key = uint64_t(stamp->run) << 32 | stamp->stream;
        auto [stream, is_new] = streams_[client.number].trackers.try_emplace(key);
        Arrival arrival = stream->second.take(stamp->sequence);
        if (is_new) arrival.skipped = 0;  // they went before we listened
        if (arrival.kind == Arrival::Kind::Again) {
            ++tally_.again;
            return;
        }
        ++tally_.delivered;
        missing_ += arrival.skipped;
        if (arrival.kind == Arrival::Kind::Late) {
            ++tally_.late;
            missing_ -= missing_ > 0 ? 1 : 0;
        }
        times_.record(now - stamp->intended);
    }

private:
    struct State {
        bool must_ask = false;
        std::unordered_map<uint64_t, SequenceTracker> trackers;  // by run and stream
    };

    Run& run_;
    std::vector<State> streams_;
    size_t subscribed_count_ = 0;
    Tally tally_;
    uint64_t missing_ = 0;
    Histogram times_;
};

}  // namespace

void run_sub(Run& run) {
    const Options& o = run.options();
    if (!run.can_hold(o.subscribers)) return;
    Listeners listeners(run, o.subscribers);
    const auto subscribed = [&] { return listeners.subscribed_count(); };
    if (!run.require(
            "subscribed", [&] { return subscribed() == o.subscribers; }, subscribed))
        return;
    run.begin_phase();
    const auto is_enough = [&] {
        return o.messages > 0 && listeners.tally().delivered >= o.messages;
    };
    const bool enough =
        run.fleet().run_until(is_enough, run.fleet().now() + of_seconds(o.duration_s));
    Phase& phase = run.end_phase("listen", "delivered", listeners.tally().delivered);
    phase.latencies = {{"delivery", listeners.times().summary()}};
    Verdict& verdict = run.report().verdict;
    verdict.delivered = listeners.tally().delivered;
    verdict.lost = listeners.missing();
    verdict.expected = verdict.delivered + verdict.lost;
    verdict.duplicates = listeners.tally().again;
    verdict.duplicates_allowed = o.qos == 1;
    verdict.reordered = listeners.tally().late;
    verdict.foreign = listeners.tally().foreign;
    verdict.complete = enough || o.messages == 0;
}

}  // namespace godwit::bench
