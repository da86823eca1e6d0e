// Messages in both directions: QoS 0 to 2, the window, what a resumed session sends again.
#include "client/client_protocol.h"
#include "topic/filter.h"

#include <algorithm>

namespace godwit::client {

namespace {

using mqtt::DecodeError;
using mqtt::PacketType;
using mqtt::Qos;
using mqtt::ReasonCode;

constexpr mqtt::DecodeLimits kLimits{};

Err<DecodeError> fault(ReasonCode reason, const char* what) {
    return Err{DecodeError{reason, what, 0}};
}

mqtt::PublishHead head_of(const Message& message) {
    return {.qos = message.qos,
            .retain = message.retain,
            .topic = message.topic,
            .topic_alias = message.topic_alias,
            .expiry_s = message.expiry_s,
            .forwarded_properties = message.properties};
}

}  // namespace

// --- ours ---

size_t ClientProtocol::window() const {
    return std::min<size_t>(limits_.inflight_max, server_.receive_maximum);
}

std::optional<SendError> ClientProtocol::refusal(const Message& message) const {
    if (!is_connected()) return SendError::NotConnected;
    if (message.qos != Qos::AtMostOnce && window_is_full()) return SendError::WindowFull;
    if (!topic::check_name(message.topic)) return SendError::BadTopic;
    if (message.qos > server_.maximum_qos) return SendError::QosNotSupported;  // [MQTT5-3.2.2-11]
    if (message.retain && !server_.retain_available)                           // [MQTT5-3.2.2-14]
        return SendError::RetainNotSupported;
    if (message.topic_alias > server_.topic_alias_maximum)  // [MQTT5-3.2.2-17]
        return SendError::AliasNotAllowed;
    const uint64_t bytes =
        mqtt::publish_size(login_.version, head_of(message), message.payload.size());
    const uint32_t bytes_max = std::min(server_.packet_bytes_max, mqtt::kPacketBytesMax);
    if (bytes > bytes_max) return SendError::TooLarge;  // [MQTT5-3.2.2-15]
    return std::nullopt;
}

Result<PacketId, SendError> ClientProtocol::publish(const Message& message) {
    if (const auto why = refusal(message)) return Err{*why};
    PacketId id;
    if (message.qos != Qos::AtMostOnce) {
        id = take_id();
        unacknowledged_.push_back(
            {.id = id, .message = message, .sent_before = true, .on_the_wire = true});
    }
    put_publish(message, id, false);
    return id;
}

void ClientProtocol::put_publish(const Message& message, PacketId id, bool dup) {
    mqtt::PublishHead head = head_of(message);
    head.packet_id = id;
    head.dup = dup;
    if (head.topic_alias > server_.topic_alias_maximum) head.topic_alias = 0;
    if (head.topic_alias != 0 && !aliases_out_.insert(head.topic_alias).second) head.topic = {};
    mqtt::encode_publish(output_, login_.version, head, as_bytes(message.payload));
}

/// What a former connection left: the server's session holds the other half of it, or is lost.
void ClientProtocol::resume(bool session_present) {
    if (session_present) {
        for (const PacketId id : unreleased_)
            mqtt::encode_pubrel(output_, login_.version, {.packet_id = id});
    } else {
        received_.clear();
        for (Kept& kept : unacknowledged_) kept.sent_before = false;
        lost_releases_ = std::exchange(unreleased_, {});
    }
    send_waiting();
}

void ClientProtocol::send_waiting() {
    if (waiting_count_ == 0) return;
    size_t under_way = unacknowledged() - waiting_count_;
    for (Kept& kept : unacknowledged_) {  // [MQTT5-4.6.0-1]: in the original order
        if (kept.on_the_wire) continue;
        if (under_way++ >= window()) return;
        put_publish(kept.message, kept.id, kept.sent_before);  // [MQTT5-3.3.1-1]
        kept.sent_before = kept.on_the_wire = true;
        --waiting_count_;
    }
}

// --- answers to ours ---

ClientProtocol::Step ClientProtocol::on_ack(const mqtt::Frame& frame) {
    const auto ack = mqtt::decode_ack(frame, login_.version, kLimits);
    if (!ack) return Err{ack.error()};
    switch (frame.type()) {
        case PacketType::Puback:
            return on_puback(*ack);
        case PacketType::Pubrec:
            return on_pubrec(*ack);
        case PacketType::Pubrel:
            return on_pubrel(*ack);
        default:
            return on_pubcomp(*ack);
    }
}

ClientProtocol::Step ClientProtocol::on_puback(const mqtt::Ack& ack) {
    const auto kept = find_sent(ack.packet_id);
    if (kept == unacknowledged_.end()) return std::optional<Event>();
    if (kept->message.qos != Qos::AtLeastOnce)
        return fault(ReasonCode::ProtocolError, "PUBACK for a message of QoS 2");
    unacknowledged_.erase(kept);
    send_waiting();
    return std::optional<Event>(Published{ack.packet_id, ack.reason, ack.reason_string});
}

ClientProtocol::Step ClientProtocol::on_pubrec(const mqtt::Ack& ack) {
    const auto kept = find_sent(ack.packet_id);
    if (kept == unacknowledged_.end()) {
        if (mqtt::is_error(ack.reason)) return std::optional<Event>();
        const bool known =
            std::find(unreleased_.begin(), unreleased_.end(), ack.packet_id) != unreleased_.end();
        const auto reason = known ? ReasonCode::Success : ReasonCode::PacketIdentifierNotFound;
        mqtt::encode_pubrel(output_, login_.version,
                            {.packet_id = ack.packet_id, .reason = reason});
        return std::optional<Event>();
    }
    if (kept->message.qos != Qos::ExactlyOnce)
        return fault(ReasonCode::ProtocolError, "PUBREC for a message of QoS 1");
    unacknowledged_.erase(kept);
    if (mqtt::is_error(ack.reason)) {  // refused: that was all [MQTT5-4.3.3-4]
        send_waiting();
        return std::optional<Event>(Published{ack.packet_id, ack.reason, ack.reason_string});
    }
    unreleased_.push_back(ack.packet_id);
    mqtt::encode_pubrel(output_, login_.version, {.packet_id = ack.packet_id});
    return std::optional<Event>();
}

ClientProtocol::Step ClientProtocol::on_pubcomp(const mqtt::Ack& ack) {
    const auto released = std::find(unreleased_.begin(), unreleased_.end(), ack.packet_id);
    if (released == unreleased_.end()) return std::optional<Event>();
    unreleased_.erase(released);
    send_waiting();
    return std::optional<Event>(Published{.id = ack.packet_id});
}

std::deque<ClientProtocol::Kept>::iterator ClientProtocol::find_sent(PacketId id) {
    return std::find_if(unacknowledged_.begin(), unacknowledged_.end(),
                        [id](const Kept& kept) { return kept.id == id && kept.on_the_wire; });
}

// --- the server's ---

Result<Done, DecodeError> ClientProtocol::resolve_alias(mqtt::Publish& packet) {
    if (packet.topic_alias == 0) return Done{};
    if (packet.topic_alias > connect_.topic_alias_maximum)  // [MQTT5-3.1.2-26] [MQTT5-3.1.2-27]
        return fault(ReasonCode::TopicAliasInvalid, "a topic alias above the maximum");
    if (packet.topic.empty()) {
        const auto known = aliases_in_.find(packet.topic_alias);
        if (known == aliases_in_.end())
            return fault(ReasonCode::ProtocolError, "a topic alias that was never told");
        packet.topic = known->second;
        return Done{};
    }
    std::string& told = aliases_in_[packet.topic_alias];
    aliases_in_bytes_ += packet.topic.size() - told.size();
    told = packet.topic;
    if (aliases_in_bytes_ > limits_.aliases_bytes_max)
        return fault(ReasonCode::QuotaExceeded, "the topics of the aliases are too long");
    return Done{};
}

ClientProtocol::Step ClientProtocol::on_publish(const mqtt::Frame& frame) {
    auto packet = mqtt::decode_publish(frame, login_.version, kLimits, mqtt::Sender::Server);
    if (!packet) return Err{packet.error()};
    if (const auto resolved = resolve_alias(*packet); !resolved) return Err{resolved.error()};
    if (!topic::check_name(packet->topic))  // [MQTT5-3.3.2-2]
        return fault(ReasonCode::TopicNameInvalid, "the topic name is not one");
    const PacketId id = packet->packet_id;
    if (packet->qos == Qos::AtLeastOnce)
        mqtt::encode_puback(output_, login_.version, {.packet_id = id});
    if (packet->qos == Qos::ExactlyOnce) {
        const bool is_new = received_.insert(id.value).second;
        if (received_.size() > connect_.receive_maximum)  // [MQTT5-3.1.2-7]
            return fault(ReasonCode::ReceiveMaximumExceeded,
                         "more messages at once than the receive maximum");
        mqtt::encode_pubrec(output_, login_.version, {.packet_id = id});
        if (!is_new) return std::optional<Event>();  // [MQTT5-4.3.3-10]
    }
    return std::optional<Event>(Received{*packet});
}

ClientProtocol::Step ClientProtocol::on_pubrel(const mqtt::Ack& ack) {
    const bool known = received_.erase(ack.packet_id.value) > 0;
    const auto reason = known ? ReasonCode::Success : ReasonCode::PacketIdentifierNotFound;
    mqtt::encode_pubcomp(output_, login_.version, {.packet_id = ack.packet_id, .reason = reason});
    return std::optional<Event>();
}

}  // namespace godwit::client
