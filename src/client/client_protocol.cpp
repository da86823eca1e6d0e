// The connection: CONNECT to DISCONNECT, keep alive, subscriptions. Messages are in
// client_messages.cpp.
#include "client/client_protocol.h"

#include <algorithm>

namespace godwit::client {

namespace {

using mqtt::DecodeError;
using mqtt::PacketType;
using mqtt::ReasonCode;

constexpr mqtt::DecodeLimits kLimits{};
/// Packet ids must be left over for requests.
constexpr uint16_t kInflightMax = 60'000;

Err<DecodeError> fault(ReasonCode reason, const char* what) {
    return Err{DecodeError{reason, what, 0}};
}

}  // namespace

std::string_view describe(SendError error) {
    switch (error) {
        case SendError::NotConnected:
            return "there is no connection";
        case SendError::WindowFull:
            return "too many messages are unacknowledged";
        case SendError::BadTopic:
            return "the topic is empty, too long, not UTF-8, or has a wildcard";
        case SendError::TooLarge:
            return "it is larger than the broker takes";
        case SendError::QosNotSupported:
            return "the broker does not support this QoS";
        case SendError::RetainNotSupported:
            return "the broker does not support retained messages";
        case SendError::AliasNotAllowed:
            return "the topic alias is above what the broker allows";
    }
    return "";
}

ClientProtocol::ClientProtocol(Login login, ProtocolLimits limits)
    : login_(std::move(login)),
      connect_(connect_packet(login_)),
      limits_{std::clamp(limits.inflight_max, uint16_t(1), kInflightMax),
              limits.aliases_bytes_max} {}

void ClientProtocol::begin(Instant now) {
    state_ = State::Connecting;
    input_.clear();
    consumed_ = 0;
    output_.clear();
    server_ = {};
    ping_sent_.reset();
    last_sent_ = now;
    keepalive_ = std::chrono::seconds(login_.keepalive_s);
    requests_.clear();
    aliases_in_.clear();
    aliases_in_bytes_ = 0;
    aliases_out_.clear();
    for (Kept& kept : unacknowledged_) kept.on_the_wire = false;
    waiting_count_ = unacknowledged_.size();
    mqtt::encode_connect(output_, connect_);
}

Buffer& ClientProtocol::input() {
    input_.erase(input_.begin(), input_.begin() + std::ptrdiff_t(consumed_));
    consumed_ = 0;
    return input_;
}

std::optional<Event> ClientProtocol::next_event() {
    if (!lost_releases_.empty() && state_ == State::Connected) {
        const PacketId id = lost_releases_.front();
        lost_releases_.pop_front();
        return Published{.id = id};
    }
    while (state_ != State::Idle && state_ != State::Over) {
        const auto status =
            mqtt::next_frame(Bytes(input_).subspan(consumed_), connect_.packet_bytes_max);
        if (!status) return end_by_fault(status.error());
        if (!status->complete) return std::nullopt;
        consumed_ += status->frame.size;
        if (records_) seen_.push_back({status->frame.type(), status->frame.size});
        const Step step = on_frame(status->frame);
        if (!step) return end_by_fault(step.error());
        if (*step) return *step;
    }
    return std::nullopt;
}

ClientProtocol::Step ClientProtocol::on_frame(const mqtt::Frame& frame) {
    const PacketType type = frame.type();
    if (state_ == State::Connecting && type != PacketType::Connack && type != PacketType::Auth)
        return fault(ReasonCode::ProtocolError,
                     "the first packet is not a CONNACK");  // [MQTT5-3.2.0-1]
    if (state_ == State::Leaving && type != PacketType::Disconnect)
        return std::optional<Event>();  // nothing may be answered any more [MQTT5-3.14.4-1]
    switch (type) {
        case PacketType::Connack:
            return on_connack(frame);
        case PacketType::Publish:
            return on_publish(frame);
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp:
            return on_ack(frame);
        case PacketType::Suback:
            return on_suback(frame);
        case PacketType::Unsuback:
            return on_unsuback(frame);
        case PacketType::Pingresp: {
            const auto ping = mqtt::decode_ping(frame, login_.version);
            if (!ping) return Err{ping.error()};
            ping_sent_.reset();
            return std::optional<Event>();
        }
        case PacketType::Disconnect:
            return on_disconnect(frame);
        case PacketType::Auth:
            return on_auth(frame);
        default:
            return Err{mqtt::unexpected_packet(frame, login_.version, mqtt::Sender::Server)};
    }
}

ClientProtocol::Step ClientProtocol::on_connack(const mqtt::Frame& frame) {
    if (state_ != State::Connecting)
        return Err{mqtt::unexpected_packet(frame, login_.version, mqtt::Sender::Server)};
    const auto packet = mqtt::decode_connack(frame, login_.version, kLimits);
    if (!packet) return Err{packet.error()};
    if (packet->reason != ReasonCode::Success) {
        state_ = State::Over;
        return std::optional<Event>(Ended{EndCause::Refused, packet->reason,
                                          std::string(packet->reason_string),
                                          std::string(packet->server_reference)});
    }
    if (packet->session_present && login_.clean_start)  // [MQTT5-3.2.2-2]
        return fault(ReasonCode::ProtocolError, "a session is present after a clean start");
    state_ = State::Connected;
    adopt_limits(*packet);
    resume(packet->session_present);
    return std::optional<Event>(Connected{*packet});
}

void ClientProtocol::adopt_limits(const mqtt::Connack& packet) {
    server_ = {.receive_maximum = packet.receive_maximum.value_or(65535),
               .packet_bytes_max = packet.packet_bytes_max.value_or(mqtt::kPacketBytesMax),
               .topic_alias_maximum = packet.topic_alias_maximum.value_or(0),
               .maximum_qos = packet.maximum_qos.value_or(mqtt::Qos::ExactlyOnce),
               .retain_available = packet.retain_available.value_or(true)};
    if (packet.server_keepalive_s)  // [MQTT5-3.1.2-21]
        keepalive_ = std::chrono::seconds(*packet.server_keepalive_s);
}

Event ClientProtocol::end_by_fault(const DecodeError& error) {
    // In 3.x the last word is to close the connection; before CONNACK in 5.0 too.
    if (is_v5() && state_ == State::Connected)
        mqtt::encode_disconnect(output_, login_.version, {.reason = error.reason});
    state_ = State::Over;
    return Ended{EndCause::ServerFault, error.reason, error.what, {}};
}

ClientProtocol::Step ClientProtocol::on_disconnect(const mqtt::Frame& frame) {
    if (!is_v5()) return Err{mqtt::unexpected_packet(frame, login_.version, mqtt::Sender::Server)};
    const auto packet =
        mqtt::decode_disconnect(frame, login_.version, kLimits, mqtt::Sender::Server);
    if (!packet) return Err{packet.error()};
    state_ = State::Over;
    return std::optional<Event>(Ended{EndCause::ByServer, packet->reason,
                                      std::string(packet->reason_string),
                                      std::string(packet->server_reference)});
}

ClientProtocol::Step ClientProtocol::on_auth(const mqtt::Frame& frame) {
    if (!is_v5() || !connect_.auth_method)  // [MQTT5-4.12.0-6]
        return Err{mqtt::unexpected_packet(frame, login_.version, mqtt::Sender::Server)};
    const auto packet = mqtt::decode_auth(frame, kLimits, mqtt::Sender::Server);
    if (!packet) return Err{packet.error()};
    return fault(ReasonCode::ProtocolError,
                 "it asks for a second step of authentication, which this client cannot give");
}

// --- keep alive ---

void ClientProtocol::output_taken(Instant now) {
    if (!output_.empty()) last_sent_ = now;
    output_.clear();
}

std::optional<Instant> ClientProtocol::next_deadline() const {
    if (state_ != State::Connected || keepalive_ == Duration::zero()) return std::nullopt;
    return (ping_sent_ ? *ping_sent_ : last_sent_) + keepalive_;
}

std::optional<Event> ClientProtocol::tick(Instant now) {
    const auto deadline = next_deadline();
    if (!deadline || now < *deadline) return std::nullopt;
    if (ping_sent_) {
        state_ = State::Over;
        return Ended{
            EndCause::KeepAliveTimeout, ReasonCode::KeepAliveTimeout, "no answer to a ping", {}};
    }
    mqtt::encode_pingreq(output_);
    ping_sent_ = now;
    return std::nullopt;
}

// --- requests ---

bool ClientProtocol::is_used(PacketId id) const {
    const auto is_it = [id](const Kept& kept) { return kept.id == id; };
    return requests_.contains(id.value) ||
           std::find(unreleased_.begin(), unreleased_.end(), id) != unreleased_.end() ||
           std::find_if(unacknowledged_.begin(), unacknowledged_.end(), is_it) !=
               unacknowledged_.end();
}

PacketId ClientProtocol::take_id() {
    do last_id_ = last_id_ == 65535 ? 1 : uint16_t(last_id_ + 1);
    while (is_used(PacketId{last_id_}));
    return PacketId{last_id_};
}

Result<PacketId, SendError> ClientProtocol::note_request(PacketId id, size_t filter_count,
                                                         size_t begin) {
    if (output_.size() - begin > server_.packet_bytes_max) {
        output_.resize(begin);
        return Err{SendError::TooLarge};
    }
    requests_[id.value] = filter_count;
    return id;
}

Result<PacketId, SendError> ClientProtocol::subscribe(mqtt::SubscribeRequest request) {
    if (!is_connected()) return Err{SendError::NotConnected};
    const size_t begin = output_.size();
    request.packet_id = take_id();
    mqtt::encode_subscribe(output_, login_.version, request);
    return note_request(request.packet_id, request.entries.size(), begin);
}

Result<PacketId, SendError> ClientProtocol::unsubscribe(mqtt::UnsubscribeRequest request) {
    if (!is_connected()) return Err{SendError::NotConnected};
    const size_t begin = output_.size();
    request.packet_id = take_id();
    mqtt::encode_unsubscribe(output_, login_.version, request);
    return note_request(request.packet_id, request.filters.size(), begin);
}

Result<Done, DecodeError> ClientProtocol::check_answer(const mqtt::Suback& packet,
                                                       bool has_reasons) {
    const auto request = requests_.find(packet.packet_id.value);
    if (request == requests_.end())
        return fault(ReasonCode::ProtocolError, "an answer to a request that was not made");
    if (has_reasons && packet.reasons.size() != request->second)  // [MQTT5-3.8.4-6]
        return fault(ReasonCode::ProtocolError, "an answer with another number of reason codes");
    requests_.erase(request);
    return Done{};
}

ClientProtocol::Step ClientProtocol::on_suback(const mqtt::Frame& frame) {
    const auto packet = mqtt::decode_suback(frame, login_.version, kLimits);
    if (!packet) return Err{packet.error()};
    if (const auto good = check_answer(*packet, true); !good) return Err{good.error()};
    return std::optional<Event>(Subscribed{*packet});
}

ClientProtocol::Step ClientProtocol::on_unsuback(const mqtt::Frame& frame) {
    const auto packet = mqtt::decode_unsuback(frame, login_.version, kLimits);
    if (!packet) return Err{packet.error()};
    if (const auto good = check_answer(*packet, is_v5()); !good) return Err{good.error()};
    return std::optional<Event>(Unsubscribed{*packet});
}

void ClientProtocol::disconnect(const mqtt::Disconnect& packet) {
    if (state_ == State::Connected) mqtt::encode_disconnect(output_, login_.version, packet);
    state_ = state_ == State::Connected ? State::Leaving : State::Over;
}

std::vector<SeenPacket> ClientProtocol::take_seen() {
    records_ = true;
    return std::exchange(seen_, {});
}

}  // namespace godwit::client
