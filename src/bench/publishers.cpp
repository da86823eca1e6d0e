#include "bench/publishers.h"

#include "client/explain.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::bench {

namespace {

/// What one publisher may write in one turn.
constexpr size_t kTurnBytesMax = 64 * 1024;

}  // namespace

Publishers::Publishers(Fleet& fleet, Ledger& ledger, const Identity& identity,
                       const PublishPlan& plan)
    : fleet_(fleet),
      ledger_(ledger),
      identity_(identity),
      plan_(plan),
      template_(plan.shape),
      states_(ledger.layout().publishers,
              State{.under_way = SendWindow(has_ids() ? plan.window : 0)}) {
    for (uint32_t p = 0; p < states_.size(); ++p) {
        State& state = states_[p];
        state.client = &fleet.add(*this, p);
        if (!plan.messages) continue;
        state.messages_max =
            *plan.messages / states_.size() + (p < *plan.messages % states_.size() ? 1 : 0);
        if (state.messages_max == 0) ++finished_;
    }
}

void Publishers::connect_all() {
    for (State& state : states_) fleet_.connect(*state.client);
}

void Publishers::start() {
    running_ = true;
    if (plan_.per_second) schedule_.emplace(fleet_.now(), *plan_.per_second);
    for (State& state : states_) fleet_.wake(*state.client);
}

void Publishers::leave_all() {
    for (State& state : states_) fleet_.leave(*state.client);
}

bool Publishers::all_sent() const {
    return !running_ || finished_ == states_.size();
}

void Publishers::greet(const Client& client, Buffer& out) {
    put_connect(out, identity_, {.role = 'p', .number = client.number});
}

void Publishers::on_open(Client& client, Instant) {
    states_[client.number].open = true;
    ++open_count_;
}

void Publishers::on_gone(Client& client, Instant) {
    State& state = states_[client.number];
    if (state.open) --open_count_;
    state.open = false;
}

// --- sending ---

bool Publishers::may_send(const State& state, uint32_t p) const {
    const uint64_t sent = ledger_.sent_by(p);
    if (sent >= state.messages_max) return false;
    if (has_ids() && state.under_way.is_full(state.client->receive_maximum)) return false;
    if (schedule_) return sent * states_.size() + p < due_;
    const Layout& layout = ledger_.layout();
    const uint32_t receivers =
        layout.receivers_of(layout.topic_of(layout.place_of(p, sent).stream));
    return receivers == 0 ||
           state.deliveries_owed + receivers <= uint64_t(receivers) * plan_.window;
}

void Publishers::send_one(State& state, uint32_t p, Instant now, Buffer& out) {
    const Layout& layout = ledger_.layout();
    const uint64_t n = ledger_.sent_by(p);
    const Layout::Place place = layout.place_of(p, n);
    const Instant meant = schedule_ ? schedule_->due_at(n * states_.size() + p) : now;
    const uint32_t topic = layout.topic_of(place.stream);
    const PacketId id = has_ids() ? state.under_way.add(meant) : PacketId{};
    template_.append(out, topic, id,
                     {.run = ledger_.run(),
                      .stream = place.stream,
                      .sequence = place.sequence,
                      .intended = meant});
    if (has_ids()) ++unacknowledged_;
    state.deliveries_owed += layout.receivers_of(topic);
    ledger_.note_sent(p);
    if (n + 1 == state.messages_max) ++finished_;
}

void Publishers::on_turn(Client& client, Instant now, Buffer& out) {
    if (!running_) return;
    State& state = states_[client.number];
    while (may_send(state, client.number)) {
        if (out.size() >= kTurnBytesMax) return fleet_.wake(client);
        send_one(state, client.number, now, out);
    }
}

Instant Publishers::on_time(Instant now) {
    if (!running_ || !schedule_) return kNever;
    const uint64_t due = schedule_->due_by(now);
    const uint64_t count = std::min<uint64_t>(due - due_, states_.size());
    for (uint64_t i = 0; i < count; ++i) fleet_.wake(*states_[(due_ + i) % states_.size()].client);
    due_ = due;
    return schedule_->due_at(due_);
}

// --- what comes back ---

void Publishers::settle(uint32_t publisher, uint64_t deliveries) {
    State& state = states_[publisher];
    state.deliveries_owed -= std::min(state.deliveries_owed, deliveries);
    if (running_ && !schedule_) fleet_.wake(*state.client);
}

void Publishers::on_done(Client& client, const mqtt::Ack& ack, Instant now) {
    const auto meant =
        has_ids() ? states_[client.number].under_way.take(ack.packet_id) : std::optional<Instant>();
    if (!meant) {
        fleet_.faults().add(Fault::Protocol, "an acknowledgement for what is not under way");
        return fleet_.drop(client);
    }
    --unacknowledged_;
    if (!mqtt::is_error(ack.reason)) return ledger_.note_acknowledged(*meant, now);
    ledger_.note_refused();
    fleet_.faults().add(Fault::Denied,
                        fmt::format("a message was refused: {}", client::reason_words(ack.reason)));
}

}  // namespace godwit::bench
