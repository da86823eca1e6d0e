#include "bench/subscribers.h"

#include "client/explain.h"
#include "mqtt/encoder.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::bench {

namespace {

/// "a/b/0000042" with "#" behind it, or with "+" for its last level but one: "a/+/0000042".
std::string with_wildcard(const std::string& topic, bool plus) {
    const size_t last = topic.rfind('/');
    const size_t before = last > 0 ? topic.rfind('/', last - 1) : std::string::npos;
    if (!plus || before == std::string::npos) return topic + "/#";
    return topic.substr(0, before + 1) + "+" + topic.substr(last);
}

}  // namespace

Subscribers::Subscribers(Fleet& fleet, Ledger& ledger, const Identity& identity,
                         const SubscribePlan& plan)
    : fleet_(fleet),
      ledger_(ledger),
      identity_(identity),
      plan_(plan),
      states_(ledger.layout().subscribers) {
    for (uint32_t r = 0; r < states_.size(); ++r) states_[r].client = &fleet.add(*this, r);
}

void Subscribers::begin(Visit visit) {
    visit_ = visit;
    done_count_ = 0;
    const bool collects = visit == Visit::Collect || visit == Visit::Resume;
    for (uint32_t r = 0; r < states_.size(); ++r) {
        State& state = states_[r];
        state.done = false;
        state.awaited = collects ? ledger_.expected_of(r) : 0;
        fleet_.connect(*state.client);
    }
}

void Subscribers::leave_all() {
    for (State& state : states_) fleet_.leave(*state.client);
}

void Subscribers::greet(const Client& client, Buffer& out) {
    // Before 5.0, who begins clean cannot stay.
    const bool founds_anew = visit_ == Visit::Found && identity_.version == mqtt::Version::V5;
    const bool clean = !plan_.persistent || founds_anew || visit_ == Visit::Remove;
    put_connect(out, identity_,
                {.role = 's',
                 .number = client.number,
                 .clean = clean,
                 .persistent = plan_.persistent && visit_ != Visit::Remove});
}

void Subscribers::on_open(Client& client, Instant) {
    State& state = states_[client.number];
    state.open = true;
    ++open_count_;
    const bool subscribes = plan_.subscribes && (visit_ == Visit::Stay || visit_ == Visit::Found);
    state.filters_asked = 0;
    state.awaits_suback = false;
    state.filters_max = subscribes ? filters_of(client.number) : 0;
    const bool comes_back = visit_ == Visit::Collect || visit_ == Visit::Resume;
    if (comes_back && !client.session_present) {
        ++sessions_lost_;
        fleet_.faults().add(Fault::Lost, "a session was gone when its client came back");
    }
    const bool nothing_to_do = comes_back ? state.awaited == 0 : state.filters_max == 0;
    if (nothing_to_do) finish(client);
}

void Subscribers::on_turn(Client& client, Instant now, Buffer& out) {
    State& state = states_[client.number];
    if (state.awaits_suback || state.filters_asked == state.filters_max) return;
    const uint32_t count =
        std::min(plan_.filters_per_packet, state.filters_max - state.filters_asked);
    std::vector<std::string> filters;
    filters.reserve(count);
    for (uint32_t i = 0; i < count; ++i)
        filters.push_back(filter_of(client.number, state.filters_asked + i));
    std::vector<mqtt::SubscribeEntry> entries;
    entries.reserve(count);
    for (const std::string& filter : filters)
        entries.push_back({.filter = filter, .options = {.qos = plan_.qos}});
    mqtt::encode_subscribe(out, identity_.version, {.packet_id = PacketId{1}, .entries = entries});
    state.filters_asked += count;
    state.awaits_suback = true;
    state.asked = now;
}

uint32_t Subscribers::filters_of(uint32_t number) const {
    const Layout& layout = ledger_.layout();
    return layout.wildcard ? 1 : layout.topics_of_subscriber(number);
}

std::string Subscribers::filter_of(uint32_t number, uint32_t k) const {
    const Layout& layout = ledger_.layout();
    std::string filter = plan_.topic_prefix + "/#";
    if (!layout.wildcard) {
        const uint32_t topic = layout.topic_of_subscriber(number, k);
        filter = topic_name(plan_.topic_prefix, topic);
        if (topic % 100 < plan_.wildcard_percent) filter = with_wildcard(filter, topic % 2 == 0);
    }
    return plan_.share.empty() ? filter : fmt::format("$share/{}/{}", plan_.share, filter);
}

void Subscribers::on_suback(Client& client, const mqtt::Suback& packet, Instant now) {
    State& state = states_[client.number];
    subscribe_times_.record(now - state.asked);
    state.awaits_suback = false;
    for (const uint8_t code : packet.reasons) {
        if (mqtt::is_error(mqtt::ReasonCode(code)))
            fleet_.faults().add(Fault::Denied,
                                fmt::format("a subscription was refused: {}",
                                            client::reason_words(mqtt::ReasonCode(code))));
        else
            ++granted_count_;
    }
    if (state.filters_asked == state.filters_max) finish(client);
}

void Subscribers::on_message(Client& client, const mqtt::Publish& message, Instant now) {
    const Ledger::Verdict verdict = ledger_.take(client.number, message.payload, now);
    if (!verdict.is_of_run) return;
    if (publishers_ != nullptr) publishers_->settle(verdict.publisher, verdict.settled);
    if (message.qos != mqtt::Qos::ExactlyOnce) count_down(client);
}

void Subscribers::on_released(Client& client) {
    count_down(client);
}

void Subscribers::count_down(Client& client) {
    State& state = states_[client.number];
    if (state.awaited > 0 && --state.awaited == 0) finish(client);
}

void Subscribers::finish(Client& client) {
    State& state = states_[client.number];
    if (state.done) return;
    state.done = true;
    ++done_count_;
    if (visit_ != Visit::Stay && visit_ != Visit::Resume) fleet_.leave(client);
}

void Subscribers::on_gone(Client& client, Instant) {
    State& state = states_[client.number];
    if (state.open) --open_count_;
    state.open = state.awaits_suback = false;
}

}  // namespace godwit::bench
