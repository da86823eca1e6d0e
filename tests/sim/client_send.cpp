#include "mqtt/encoder.h"
#include "sim/client.h"

#include <algorithm>

namespace godwit::sim {

using Kind = Event::Kind;
using mqtt::PacketType;
using mqtt::Version;

/// @return  where it ends in the stream
uint64_t Client::send(Bytes bytes) {
    around_.network.send(*wire_, bytes);
    last_sent_ = now();
    return wire_->sent_bytes;
}

uint32_t Client::add_message(const PublishWish& wish) {
    MessageFacts facts;
    facts.publisher = number_;
    facts.topic = wish.topic;
    facts.qos = wish.qos;
    facts.retain = wish.retain;
    facts.empty = wish.empty;
    facts.expiry_s = wish.expiry_s;
    facts.bytes = wish.bytes;
    around_.history.messages.push_back(std::move(facts));
    return uint32_t(around_.history.messages.size() - 1);
}

Buffer Client::connect_bytes(uint32_t will) const {
    mqtt::Connect packet;
    packet.version = wish_.version;
    packet.clean_start = wish_.clean_start;
    packet.keepalive_s = wish_.keepalive_s;
    packet.client_id = plan_.id;
    packet.session_expiry_s = wish_.expiry_s;
    packet.receive_maximum = wish_.receive_maximum;
    packet.packet_bytes_max = wish_.packet_bytes_max;
    packet.topic_alias_maximum = wish_.topic_alias_maximum;
    const std::string payload = payload_of(will, 0);
    if (wish_.will) {
        mqtt::Will words;
        words.topic = wish_.will->topic;
        words.payload = as_bytes(payload);
        words.qos = mqtt::Qos(wish_.will->qos);
        words.retain = wish_.will->retain;
        words.delay_s = wish_.will->delay_s;
        packet.will = words;
    }
    Buffer out;
    mqtt::encode_connect(out, packet);
    return out;
}

// --- publishing ---

void Client::publish(const PublishWish& wish) {
    if (wish.qos == 0) {
        if (state_ == State::Online) send_publish(add_message(wish), 0, false, wish.alias);
        return;  // nobody keeps it
    }
    waiting_.push_back({add_message(wish), wish.alias});
    send_waiting();
}

void Client::send_waiting() {
    const size_t window = std::min<size_t>(plan_.window, send_window_);
    while (state_ == State::Online && !waiting_.empty() && outgoing_.size() < window) {
        const PendingPublish next = waiting_.front();
        waiting_.pop_front();
        outgoing_.push_back({next.message, next_packet_id(), false});
        send_publish(next.message, outgoing_.back().packet_id, false, next.alias);
    }
}

void Client::send_publish(uint32_t message, uint16_t packet_id, bool dup, bool alias) {
    const MessageFacts& facts = around_.history.messages[message];
    mqtt::PublishHead head{.dup = dup,
                           .qos = mqtt::Qos(facts.qos),
                           .retain = facts.retain,
                           .topic = facts.topic,
                           .packet_id = {packet_id},
                           .expiry_s = facts.expiry_s};
    if (alias && alias_max_ > 0) {
        const auto known = aliases_out_.find(facts.topic);
        if (known != aliases_out_.end()) {
            head.topic = {};
            head.topic_alias = known->second;
        } else if (aliases_out_.size() < alias_max_) {
            head.topic_alias = uint16_t(aliases_out_.size() + 1);
            aliases_out_[facts.topic] = head.topic_alias;
        }
    }
    Buffer properties;
    const std::string name = std::to_string(message);
    mqtt::put_property(properties,
                       {.id = mqtt::PropertyId::UserProperty, .text = "m", .value = name});
    head.forwarded_properties = properties;
    const std::string payload = facts.empty ? "" : payload_of(message, facts.bytes);
    Buffer bytes;
    mqtt::encode_publish(bytes, wish_.version, head, as_bytes(payload));
    Event& event = note(Kind::Publish);
    event.message = message;
    event.qos = facts.qos;
    event.retain = facts.retain;
    event.packet_id = packet_id;
    event.dup = dup;
    event.offset = send(bytes);
}

void Client::send_pubrel(uint16_t packet_id) {
    Buffer bytes;
    mqtt::encode_pubrel(bytes, wish_.version, {{packet_id}, {}, {}, {}});
    Event& event = note(Kind::Pubrel);
    event.packet_id = packet_id;
    event.offset = send(bytes);
}

/// What the last connection left unacknowledged, in its old order [MQTT5-4.4.0-1].
void Client::resend() {
    for (const Outgoing& each : outgoing_) {
        if (each.released)
            send_pubrel(each.packet_id);
        else
            send_publish(each.message, each.packet_id, true, false);
    }
}

uint16_t Client::next_packet_id() {
    const auto taken = [&](uint16_t id) {
        return std::any_of(outgoing_.begin(), outgoing_.end(),
                           [&](const Outgoing& each) { return each.packet_id == id; }) ||
               std::any_of(requests_.begin(), requests_.end(),
                           [&](const Request& each) { return each.packet_id == id; });
    };
    do {
        if (++last_packet_id_ == 0) last_packet_id_ = 1;
    } while (taken(last_packet_id_));
    return last_packet_id_;
}

// --- subscribing ---

void Client::unsubscribe(uint32_t which) {
    if (wanted_.empty()) return;
    const auto at = std::next(wanted_.begin(), ptrdiff_t(which % wanted_.size()));
    requests_.push_back({false, {at->second}, 0});
    wanted_.erase(at);
    send_requests();
}

/// One after the other, so that their order is theirs on every path.
void Client::send_requests() {
    if (state_ != State::Online || requests_.empty() || requests_.front().packet_id != 0) return;
    if (requests_from_ > now()) return;
    send_request(requests_.front());
}

void Client::send_request(Request& request) {
    request.packet_id = next_packet_id();
    Buffer bytes;
    if (request.subscribes) {
        std::vector<mqtt::SubscribeEntry> entries;
        for (const SubscribeWish& each : request.wishes)
            entries.push_back({each.filter, each.options});
        mqtt::encode_subscribe(bytes, wish_.version,
                               {{request.packet_id}, request.wishes[0].id, {}, entries});
    } else {
        const std::string_view filters[] = {request.wishes[0].filter};
        mqtt::encode_unsubscribe(bytes, wish_.version, {{request.packet_id}, {}, filters});
    }
    const uint64_t offset = send(bytes);
    for (const SubscribeWish& each : request.wishes) {
        Event& event = note(request.subscribes ? Kind::Subscribe : Kind::Unsubscribe);
        event.packet_id = request.packet_id;
        event.text = each.filter;
        event.options = each.options;
        event.number = each.id;
        event.offset = offset;
    }
}

// --- acknowledging ---

void Client::owe_ack(PacketType type, uint16_t packet_id, uint32_t message) {
    const Instant last = acks_.empty() ? now() : acks_.back().at;
    const Instant at = quiet_ ? now() : now() + plan_.ack_delay;
    acks_.push_back({std::max(last, at), type, packet_id, message});
    wake_at(acks_.back().at);
    send_acks();
}

void Client::send_acks() {
    if (state_ != State::Online || acks_held_until_ > now()) return;
    while (!acks_.empty() && (quiet_ || acks_.front().at <= now())) {
        send_ack(acks_.front());
        acks_.pop_front();
    }
}

void Client::send_ack(const PendingAck& ack) {
    const mqtt::Ack words{{ack.packet_id}, {}, {}, {}};
    Buffer bytes;
    if (ack.type == PacketType::Puback) mqtt::encode_puback(bytes, wish_.version, words);
    if (ack.type == PacketType::Pubrec) mqtt::encode_pubrec(bytes, wish_.version, words);
    if (ack.type == PacketType::Pubcomp) mqtt::encode_pubcomp(bytes, wish_.version, words);
    const uint64_t offset = send(bytes);
    if (ack.type != PacketType::Pubrec) unacked_.erase(ack.packet_id);
    Event& event = note(Kind::Acked);
    event.message = ack.message;
    event.packet_id = ack.packet_id;
    event.offset = offset;
    event.why = ack.type == PacketType::Puback   ? "PUBACK"
                : ack.type == PacketType::Pubrec ? "PUBREC"
                                                 : "PUBCOMP";
}

}  // namespace godwit::sim
