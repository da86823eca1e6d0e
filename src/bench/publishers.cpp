#include "bench/publishers.h"

#include "client/explain.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::bench {

namespace {

/// What one publisher may write in one turn.
constexpr size_t kTurnBytesMax = 64 * 1024;
constexpr uint64_t kIds = 65535;

PacketId id_of(uint64_t message) {
    return PacketId{uint16_t(message % kIds + 1)};
}

}  // namespace

Publishers::Publishers(Fleet& fleet, Ledger& ledger, const Identity& identity,
                       const PublishPlan& plan)
    : fleet_(fleet),
      ledger_(ledger),
      identity_(identity),
      plan_(plan),
      template_(plan.shape),
      states_(ledger.layout().publishers),
      window_(plan.window) {
    if (has_ids()) under_way_.resize(states_.size() * window_, kNotUnderWay);
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
    const uint64_t unacknowledged = sent - state.first_unacknowledged;
    if (has_ids() && unacknowledged >= std::min<uint64_t>(window_, state.client->receive_maximum))
        return false;
    if (schedule_) return sent * states_.size() + p < due_;
    const Layout& layout = ledger_.layout();
    const uint32_t receivers =
        layout.receivers_of(layout.topic_of(layout.place_of(p, sent).stream));
    return receivers == 0 || state.deliveries_owed + receivers <= uint64_t(receivers) * window_;
}

void Publishers::send_one(State& state, uint32_t p, Instant now, Buffer& out) {
    const Layout& layout = ledger_.layout();
    const uint64_t n = ledger_.sent_by(p);
    const Layout::Place place = layout.place_of(p, n);
    const Instant meant = schedule_ ? schedule_->due_at(n * states_.size() + p) : now;
    const uint32_t topic = layout.topic_of(place.stream);
    template_.append(out, topic, id_of(n),
                     {.run = ledger_.run(),
                      .stream = place.stream,
                      .sequence = place.sequence,
                      .intended = meant});
    if (has_ids()) {
        intended(p, n) = meant.time_since_epoch().count();
        ++unacknowledged_;
    }
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
    State& state = states_[client.number];
    const uint64_t sent = ledger_.sent_by(client.number);
    const uint64_t first = state.first_unacknowledged;
    const uint64_t ahead = (ack.packet_id.value + kIds - id_of(first).value) % kIds;
    const uint64_t message = first + ahead;
    if (!has_ids() || message >= sent || intended(client.number, message) == kNotUnderWay) {
        fleet_.faults().add(Fault::Protocol, "an acknowledgement for what is not under way");
        return fleet_.drop(client);
    }
    int64_t& meant = intended(client.number, message);
    if (mqtt::is_error(ack.reason)) {
        ledger_.note_refused();
        fleet_.faults().add(Fault::Denied, fmt::format("a message was refused: {}",
                                                       client::reason_words(ack.reason)));
    } else {
        ledger_.note_acknowledged(Instant(Duration(meant)), now);
    }
    meant = kNotUnderWay;
    --unacknowledged_;
    while (state.first_unacknowledged < sent &&
           intended(client.number, state.first_unacknowledged) == kNotUnderWay)
        ++state.first_unacknowledged;
}

}  // namespace godwit::bench
