#include "mqtt/decoder.h"
#include "sim/client.h"
#include "topic/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace godwit::sim {

using std::chrono::milliseconds;
using Kind = Event::Kind;
using mqtt::PacketType;
using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;

namespace {

constexpr mqtt::DecodeLimits kLimits{.properties_max = 1000, .filters_max = 1000};
constexpr Duration kAnswerPatience = std::chrono::seconds(5);
constexpr Duration kRefusedPause = milliseconds(300);
constexpr size_t kSlowBytes = 200;
constexpr Duration kSlowPause = milliseconds(20);

}  // namespace

// --- bytes ---

void Client::on_wire(Wire& wire) {
    around_.network.arrive_at_client(wire);
    if (&wire != wire_) {
        (void)around_.network.read(wire, wire.inbox.size());  // nobody looks at it
        return;
    }
    read();
    if (wire_ == &wire && around_.network.client_learns(wire)) on_lost();
}

void Client::read() {
    if (reads_from_ > now()) return;
    size_t most = wire_->inbox.size();
    if (slow_until_ > now()) {
        if (slow_next_ > now()) return;
        most = kSlowBytes;
        slow_next_ = now() + kSlowPause;
        wake_at(slow_next_);
    }
    put_bytes(in_, around_.network.read(*wire_, most));
    size_t at = 0;
    const Wire* const reading = wire_;
    while (at < in_.size()) {
        const auto status = mqtt::next_frame(Bytes(in_).subspan(at), mqtt::kPacketBytesMax);
        if (!status) {
            fault(std::string("bytes that are no packet: ") + status.error().what);
            return leave(CutKind::Reset, milliseconds(100));
        }
        if (!status->complete) break;
        at += status->frame.size;
        in_offset_ += status->frame.size;
        on_frame(status->frame);
        if (wire_ != reading) return;  // it left; in_ belongs to the next connection
    }
    in_.erase(in_.begin(), in_.begin() + ptrdiff_t(at));
}

/// When the broker wrote the packet that is being looked at.
Moment Client::written_now() const {
    const auto& writes = wire_->writes;
    const auto at = std::lower_bound(writes.begin(), writes.end(), in_offset_,
                                     [](const Mark& mark, uint64_t o) { return mark.offset < o; });
    return at == writes.end() ? Moment{} : at->moment;
}

void Client::on_frame(const mqtt::Frame& frame) {
    if (frame.size > wish_.packet_bytes_max)
        fault(fmt::format("a packet of {} bytes, maximum packet size is {}", frame.size,
                          wish_.packet_bytes_max));
    if (told_to_go_) fault("a packet after DISCONNECT");
    if (state_ == State::Connecting && frame.type() != PacketType::Connack)
        fault("a packet before CONNACK");
    on_packet(frame);
}

void Client::on_packet(const mqtt::Frame& frame) {
    const Version version = wish_.version;
    const auto with = [&](const auto& packet, auto&& take) {
        if (!packet) return fault(fmt::format("malformed: {}", packet.error().what));
        take(*packet);
    };
    switch (frame.type()) {
        case PacketType::Connack:
            return with(mqtt::decode_connack(frame, version, kLimits),
                        [&](const mqtt::Connack& packet) { on_connack(packet); });
        case PacketType::Publish:
            return with(mqtt::decode_publish(frame, version, kLimits, mqtt::Sender::Server),
                        [&](const mqtt::Publish& packet) { on_publish(packet, frame.size); });
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubcomp:
            return with(mqtt::decode_ack(frame, version, kLimits),
                        [&](const mqtt::Ack& packet) { on_ack(frame.type(), packet); });
        case PacketType::Pubrel:
            return with(mqtt::decode_ack(frame, version, kLimits),
                        [&](const mqtt::Ack& packet) { on_pubrel(packet); });
        case PacketType::Suback:
            return with(mqtt::decode_suback(frame, version, kLimits),
                        [&](const mqtt::Suback& packet) { on_request_answer(true, packet); });
        case PacketType::Unsuback:
            return with(mqtt::decode_unsuback(frame, version, kLimits),
                        [&](const mqtt::Suback& packet) { on_request_answer(false, packet); });
        case PacketType::Pingresp:
            if (pings_ == 0) return fault("PINGRESP without PINGREQ");
            answer_due_ = --pings_ == 0 ? kNever : now() + kAnswerPatience;
            return wake_at(answer_due_);
        case PacketType::Disconnect:
            if (version != Version::V5) return fault("DISCONNECT to a 3.x client");
            return with(mqtt::decode_disconnect(frame, version, kLimits, mqtt::Sender::Server),
                        [&](const mqtt::Disconnect& packet) {
                            told_to_go_ = true;
                            note(Kind::Disconnected).reason = packet.reason;
                        });
        default:
            fault(fmt::format("a packet of type {}", int(frame.type())));
    }
}

// --- connecting ---

void Client::on_connack(const mqtt::Connack& packet) {
    if (state_ == State::Online) return fault("a second CONNACK");
    // A 3.1 client is not told, and what it does then is right either way.
    const bool present = wish_.version == Version::V31
                             ? around_.history.connections[wire_->number].session_present
                             : packet.session_present;
    Event& event = note(Kind::Connack);
    event.reason = packet.reason;
    event.flag = present;
    event.broker = written_now();
    if (mqtt::is_error(packet.reason)) return;
    state_ = State::Online;
    clean_owed_ = false;
    if (wish_.clean_once && next_wish_.clean_once)
        next_wish_.clean_start = next_wish_.clean_once = false;
    answer_due_ = kNever;
    keepalive_s_ = packet.server_keepalive_s.value_or(wish_.keepalive_s);
    send_window_ = packet.receive_maximum.value_or(65535);
    alias_max_ = packet.topic_alias_maximum.value_or(0);
    // A session that was made in between, its CONNACK lost, is not the one that we know.
    bool other = !present;
    for (const ConnectionFacts& each : around_.history.connections)
        other |= each.client == number_ && !each.session_present &&
                 each.accepted_order > accepted_order_;
    accepted_order_ = around_.history.connections[wire_->number].accepted_order;
    if (other && !wish_.clean_start) forget_session();
    resend();
    send_requests();
    send_waiting();
    check_keepalive();
}

// --- messages ---

std::optional<std::string> Client::resolve_topic(const mqtt::Publish& packet) {
    if (packet.topic_alias == 0) return std::string(packet.topic);
    if (packet.topic_alias > wish_.topic_alias_maximum) {
        fault(fmt::format("topic alias {} above the maximum", packet.topic_alias));
        return std::nullopt;
    }
    if (!packet.topic.empty()) aliases_in_[packet.topic_alias] = packet.topic;
    const auto known = aliases_in_.find(packet.topic_alias);
    if (known != aliases_in_.end()) return known->second;
    fault("a topic alias that stands for nothing");
    return std::nullopt;
}

/// Which message it is; kNone where nothing tells (a cleared value, by or to a 3.1.1 client).
uint32_t Client::identify(const mqtt::Publish& packet, std::string_view topic) {
    const History& history = around_.history;
    uint32_t message = message_of(as_text(packet.payload));
    if (packet.payload.empty())
        for (const mqtt::UserProperty& each : packet.user_properties())
            if (each.name == "m")
                std::from_chars(each.value.data(), each.value.data() + each.value.size(), message);
    if (message == kNone && packet.payload.empty()) return kNone;
    if (message >= history.messages.size()) {
        fault("a payload that nobody has published");
        return kNone;
    }
    const MessageFacts& facts = history.messages[message];
    if (facts.topic != topic) fault(fmt::format("m{} under another topic: {}", message, topic));
    if (uint8_t(packet.qos) > facts.qos) fault(fmt::format("m{} above its QoS", message));
    return message;
}

bool Client::check_publish(const mqtt::Publish& packet, std::string_view topic) {
    if (!topic::check_name(topic)) fault("a topic name that is none");
    if (packet.qos == Qos::AtMostOnce) return true;
    if (unacked_.contains(packet.packet_id.value)) {
        fault(fmt::format("packet id {} is in use", packet.packet_id.value));
        return false;
    }
    const size_t most =
        std::min<size_t>(wish_.receive_maximum, around_.history.limits.inflight_max);
    if (unacked_.size() >= most) fault(fmt::format("more than {} messages unacknowledged", most));
    return true;
}

void Client::on_publish(const mqtt::Publish& packet, uint32_t) {
    const auto topic = resolve_topic(packet);
    if (!topic || !check_publish(packet, *topic)) return;
    const uint32_t message = identify(packet, *topic);
    bool fresh = true;
    if (packet.qos == Qos::ExactlyOnce) fresh = take_qos2(packet, message);
    Event& event = note(Kind::Received);
    event.message = message;
    event.text = *topic;
    event.qos = uint8_t(packet.qos);
    event.retain = packet.retain;
    event.dup = packet.dup;
    event.packet_id = packet.packet_id.value;
    event.fresh = fresh;
    event.flag = packet.payload.empty();
    event.expiry_s = packet.expiry_s;
    for (const uint32_t id : packet.subscription_ids()) event.ids.push_back(id);
    event.broker = written_now();
    if (packet.qos != Qos::AtMostOnce) unacked_[packet.packet_id.value] = message;
    if (packet.qos == Qos::AtLeastOnce)
        owe_ack(PacketType::Puback, packet.packet_id.value, message);
    if (packet.qos == Qos::ExactlyOnce)
        owe_ack(PacketType::Pubrec, packet.packet_id.value, message);
}

/// @return  it is new to the application
bool Client::take_qos2(const mqtt::Publish& packet, uint32_t message) {
    const auto [known, is_new] = incoming_.try_emplace(packet.packet_id.value, message);
    if (is_new) return true;
    if (!packet.dup)
        fault(fmt::format("packet id {} of m{} is in use for m{}", packet.packet_id.value, message,
                          known->second));
    else if (known->second != message)
        fault(fmt::format("packet id {} was m{} and comes again as m{}", packet.packet_id.value,
                          known->second, message));
    return false;
}

void Client::on_pubrel(const mqtt::Ack& ack) {
    const auto known = incoming_.find(ack.packet_id.value);
    const uint32_t message = known == incoming_.end() ? kNone : known->second;
    if (known != incoming_.end()) incoming_.erase(known);
    owe_ack(PacketType::Pubcomp, ack.packet_id.value, message);
}

void Client::on_ack(PacketType type, const mqtt::Ack& ack) {
    const auto known = std::find_if(outgoing_.begin(), outgoing_.end(), [&](const Outgoing& each) {
        return each.packet_id == ack.packet_id.value;
    });
    if (known == outgoing_.end())
        return fault(fmt::format("an acknowledgement of packet id {}, which is not in use",
                                 ack.packet_id.value));
    const bool twice = around_.history.messages[known->message].qos == 2;
    if (twice != (type != PacketType::Puback) || known->released != (type == PacketType::Pubcomp))
        return fault(fmt::format("the wrong acknowledgement of packet id {}", ack.packet_id.value));
    Event& event = note(type == PacketType::Puback   ? Kind::Puback
                        : type == PacketType::Pubrec ? Kind::Pubrec
                                                     : Kind::Pubcomp);
    event.message = known->message;
    event.packet_id = ack.packet_id.value;
    event.reason = ack.reason;
    event.broker = written_now();
    if (type != PacketType::Pubcomp && mqtt::is_error(ack.reason) && !may_refuse())
        fault(fmt::format("refused for nothing: {}", mqtt::reason_name(ack.reason)));
    if (type == PacketType::Pubrec && !mqtt::is_error(ack.reason)) {
        known->released = true;
        return send_pubrel(ack.packet_id.value);
    }
    outgoing_.erase(known);
    send_waiting();
}

// --- subscribing ---

/// Something is wrong with a disk, or the retained messages are too many: the broker may say no.
bool Client::may_refuse() const {
    const broker::Limits usual;
    return !around_.history.troubles.empty() ||
           around_.history.limits.realm.retained_messages_max != usual.realm.retained_messages_max;
}

void Client::on_request_answer(bool subscribes, const mqtt::Suback& packet) {
    if (requests_.empty() || requests_.front().packet_id != packet.packet_id.value ||
        requests_.front().subscribes != subscribes)
        return fault("SUBACK or UNSUBACK that nobody waits for");
    const Request request = std::move(requests_.front());
    requests_.pop_front();
    const bool listed = subscribes || wish_.version == Version::V5;
    if (listed && packet.reasons.size() != request.wishes.size())
        fault(fmt::format("{} reason codes for {} filters", packet.reasons.size(),
                          request.wishes.size()));
    bool refused = false;
    for (size_t i = 0; i < request.wishes.size(); ++i) {
        Event& event = note(subscribes ? Kind::Suback : Kind::Unsuback);
        event.packet_id = packet.packet_id.value;
        event.text = request.wishes[i].filter;
        event.options = request.wishes[i].options;
        if (i < packet.reasons.size()) event.reason = ReasonCode(packet.reasons[i]);
        event.broker = written_now();
        const bool error = mqtt::is_error(event.reason);
        refused |= error;
        if (error && may_refuse()) continue;
        if (subscribes && packet.reasons[i] != uint8_t(request.wishes[i].options.qos))
            fault(fmt::format("SUBACK grants {:#x}", packet.reasons[i]));
    }
    if (refused) ask_again(request);
    send_requests();
}

/// What was refused is asked for once more, after a pause.
void Client::ask_again(Request request) {
    request.packet_id = 0;
    requests_.push_front(std::move(request));
    requests_from_ = now() + kRefusedPause;
    wake_at(requests_from_);
}

}  // namespace godwit::sim
