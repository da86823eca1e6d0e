#include "sim/client.h"
#include "mqtt/encoder.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::sim {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Kind = Event::Kind;

namespace {

constexpr Duration kAnswerPatience = seconds(5);

}  // namespace

Event& Client::note(Kind kind) {
    Event& event = around_.history.events.emplace_back();
    event.kind = kind;
    event.at = now();
    event.client = number_;
    if (wire_) event.connection = wire_->number;
    return event;
}

void Client::fault(std::string why) {
    note(Kind::Fault).why = std::move(why);
}

// --- coming ---

void Client::begin() {
    come_back_ = now();
    on_wake();
}

void Client::dial() {
    wish_ = next_wish_;
    // What was forgotten here has to be forgotten there, however often CONNECT is lost.
    wish_.clean_start |= clean_owed_;
    clean_owed_ = wish_.clean_start;
    if (wish_.clean_start) forget_session();
    wire_ = &around_.network.open(number_);
    state_ = State::Connecting;
    come_back_ = kNever;
    give_up_at_ = kNever;
    answer_due_ = now() + kAnswerPatience;
    wake_at(answer_due_);
    in_.clear();
    in_offset_ = 0;
    aliases_in_.clear();
    aliases_out_.clear();
    unacked_.clear();
    acks_.clear();
    pings_ = 0;
    told_to_go_ = false;
    for (Request& each : requests_) each.packet_id = 0;

    uint32_t will = kNone;
    if (wish_.will) {
        will = add_message({.topic = wish_.will->topic,
                            .qos = wish_.will->qos,
                            .retain = wish_.will->retain,
                            .bytes = 0});
        around_.history.messages[will].will = true;
        around_.history.messages[will].delay_s = wish_.will->delay_s;
    }
    ConnectionFacts facts;
    facts.client = number_;
    facts.version = wish_.version;
    facts.clean_start = wish_.clean_start;
    const bool modern = wish_.version == mqtt::Version::V5;
    facts.expiry_s = modern ? wish_.expiry_s : wish_.clean_start ? 0 : mqtt::kNoExpiry;
    facts.keepalive_s = wish_.keepalive_s;
    facts.receive_maximum = wish_.receive_maximum;
    facts.will = will;
    around_.history.connections.push_back(std::move(facts));
    around_.cluster.accept(*wire_);
    const Buffer bytes = connect_bytes(will);
    Event& event = note(Kind::Connect);
    event.flag = wish_.clean_start;
    event.message = will;
    event.number = wish_.expiry_s;
    event.offset = send(bytes);
    around_.history.connections[wire_->number].connect_offset = event.offset;
    if (plan_.eager) send_publish(add_message({.topic = "t/0", .bytes = 20}), 0, false, false);
}

void Client::forget_session() {
    outgoing_.clear();
    incoming_.clear();
    requests_.clear();
    for (const auto& [filter, wish] : wanted_) requests_.push_back({true, {wish}, 0});
    note(Kind::SessionLost);
}

// --- going ---

/// Leaves the current connection, and comes back after `pause`.
void Client::leave(CutKind kind, Duration pause) {
    around_.network.cut(*wire_, kind);
    note(Kind::Closed).why = "by the client";
    wire_->client_closed = true;
    wire_ = nullptr;
    state_ = State::Offline;
    come_back_ = now() + pause;
    wake_at(come_back_);
}

/// The connection has gone without us.
void Client::on_lost() {
    note(Kind::Closed);
    wire_->client_closed = true;
    wire_ = nullptr;
    state_ = State::Offline;
    come_back_ = now() + std::exchange(next_pause_, milliseconds(50));
    wake_at(come_back_);
}

void Client::say_goodbye(const Action& action) {
    const bool modern = wish_.version == mqtt::Version::V5;
    mqtt::Disconnect packet;
    if (modern && action.with_will) packet.reason = mqtt::ReasonCode::DisconnectWithWill;
    // What had no expiry in CONNECT cannot have one now: MQTT 5.0 section 3.14.2.2.2
    if (modern && action.new_expiry_s && (*action.new_expiry_s == 0 || wish_.expiry_s != 0))
        packet.session_expiry_s = action.new_expiry_s;
    Buffer bytes;
    mqtt::encode_disconnect(bytes, wish_.version, packet);
    ConnectionFacts& facts = around_.history.connections[wire_->number];
    facts.said_goodbye = true;
    facts.goodbye_with_will = packet.reason != mqtt::ReasonCode::Success;
    facts.goodbye_expiry_s = packet.session_expiry_s;
    Event& event = note(Kind::Disconnect);
    event.reason = packet.reason;
    const uint64_t offset = send(bytes);
    event.offset = facts.goodbye_offset = offset;
    leave(CutKind::Close, action.pause);
}

// --- what the script wants ---

void Client::act(const Action& action) {
    using Act = Action::Kind;
    switch (action.kind) {
        case Act::Publish:
            return publish(action.publish);
        case Act::Subscribe:
            for (const SubscribeWish& each : action.subscribe) wanted_[each.filter] = each;
            requests_.push_back({true, action.subscribe, 0});
            return send_requests();
        case Act::Unsubscribe:
            return unsubscribe(action.subscribe[0].id);
        case Act::StopReading:
            reads_from_ = now() + action.pause;
            return wake_at(reads_from_);
        case Act::ReadSlowly:
            slow_until_ = now() + action.pause;
            return;
        case Act::HoldAcks:
            acks_held_until_ = now() + action.pause;
            return wake_at(acks_held_until_);
        case Act::Kick:
            next_pause_ = action.pause;
            return around_.cluster.kick(plan_.id);
        case Act::Reconnect:
            next_wish_ = action.connect;
            [[fallthrough]];
        default:
            if (wire_) act_on_connection(action);
    }
}

void Client::act_on_connection(const Action& action) {
    using Act = Action::Kind;
    if (action.kind == Act::Cut && action.cut == CutKind::Close)
        return leave(CutKind::Close, action.pause);
    if (action.kind == Act::Cut) {
        around_.network.cut(*wire_, action.cut);
        next_pause_ = action.cut == CutKind::Reset ? action.pause : milliseconds(1);
        if (action.cut == CutKind::HalfOpen) wake_at(give_up_at_ = now() + action.pause);
        return;
    }
    if (state_ != State::Online) return;
    if (action.kind == Act::Takeover) {
        old_wires_.push_back({wire_, now() + action.pause, action.cut});
        wake_at(old_wires_.back().end);
        wire_ = nullptr;
        return dial();
    }
    say_goodbye(action);
}

void Client::calm() {
    quiet_ = true;
    next_wish_.clean_start = false;
    acks_held_until_ = reads_from_ = slow_until_ = now();
    for (OldWire& old : old_wires_) old.end = now();
    if (wire_ && wire_->half_open) on_lost();
    next_pause_ = milliseconds(50);
    if (!wire_) come_back_ = std::min(come_back_, now() + milliseconds(50));
    wake_at(now() + milliseconds(50));
}

// --- time ---

void Client::on_wake() {
    end_old_wires();
    if (wire_ && give_up_at_ <= now()) leave(CutKind::Reset, milliseconds(1));
    if (wire_ && answer_due_ <= now() && reads_from_ <= now())
        leave(CutKind::Reset, milliseconds(100));
    if (!wire_ && come_back_ <= now()) return dial();
    if (wire_) on_wire(*wire_);
    if (!wire_) return;
    send_acks();
    send_requests();
    check_keepalive();
}

void Client::end_old_wires() {
    std::erase_if(old_wires_, [&](const OldWire& old) {
        if (old.end > now()) return false;
        if (!old.wire->half_open) around_.network.cut(*old.wire, old.kind);
        old.wire->client_closed = true;
        return true;
    });
}

void Client::check_keepalive() {
    if (state_ != State::Online || keepalive_s_ == 0) return;
    const Instant due = last_sent_ + milliseconds(keepalive_s_ * 700);
    if (due > now()) return wake_at(due);
    Buffer bytes;
    mqtt::encode_pingreq(bytes);
    send(bytes);
    if (pings_++ == 0) {
        answer_due_ = now() + kAnswerPatience;
        wake_at(answer_due_);
    }
    wake_at(last_sent_ + milliseconds(keepalive_s_ * 700));
}

std::string Client::trouble() const {
    if (state_ != State::Online) return "it is not online";
    if (!outgoing_.empty())
        return fmt::format("m{} (id {}) waits for {}", outgoing_.front().message,
                           outgoing_.front().packet_id,
                           outgoing_.front().released ? "PUBCOMP" : "its acknowledgement");
    if (!waiting_.empty()) return fmt::format("m{} is not sent", waiting_.front().message);
    if (!requests_.empty())
        return requests_.front().subscribes ? "a SUBSCRIBE is not answered"
                                            : "an UNSUBSCRIBE is not answered";
    if (!incoming_.empty())
        return fmt::format("m{} (id {}) waits for PUBREL", incoming_.begin()->second,
                           incoming_.begin()->first);
    if (!acks_.empty()) return "it still has to acknowledge";
    return {};
}

}  // namespace godwit::sim
