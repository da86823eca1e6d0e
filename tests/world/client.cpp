#include "world/client.h"

#include "mqtt/encoder.h"
#include "world/world.h"

#include <gtest/gtest.h>

namespace godwit::world {

using mqtt::PacketType;
using mqtt::Qos;
using mqtt::ReasonCode;
using mqtt::Version;

namespace {

void put(Buffer& out, mqtt::PropertyId id, uint32_t number) {
    mqtt::put_property(out, {.id = id, .number = number});
}

void put(Buffer& out, mqtt::PropertyId id, const std::optional<std::string>& text) {
    if (text) mqtt::put_property(out, {.id = id, .text = *text});
}

mqtt::UserPropertyList user_list(const Pairs& pairs) {
    mqtt::UserPropertyList list;
    for (const auto& [name, value] : pairs) list.add(name, value);
    return list;
}

}  // namespace

Buffer encoded(const MessageProperties& properties) {
    Buffer out;
    if (properties.payload_format)
        put(out, mqtt::PropertyId::PayloadFormatIndicator, *properties.payload_format);
    put(out, mqtt::PropertyId::ContentType, properties.content_type);
    put(out, mqtt::PropertyId::ResponseTopic, properties.response_topic);
    put(out, mqtt::PropertyId::CorrelationData, properties.correlation);
    for (const auto& [name, value] : properties.user_properties)
        mqtt::put_property(out,
                           {.id = mqtt::PropertyId::UserProperty, .text = name, .value = value});
    return out;
}

Buffer connect_packet(std::string_view id, const ConnectOptions& options) {
    mqtt::Connect packet;
    packet.version = options.version;
    packet.bridge = options.bridge;
    packet.clean_start = options.clean_start;
    packet.keepalive_s = options.keepalive_s;
    packet.client_id = id;
    Buffer will_properties;
    if (const auto& will = options.will) {
        will_properties = encoded(will->properties);
        packet.will =
            mqtt::Will{will->topic,   as_bytes(will->payload),   Qos(will->qos), will->retain,
                       will->delay_s, will->properties.expiry_s, will_properties};
    }
    if (options.username) packet.username = *options.username;
    if (options.password) packet.password = as_bytes(*options.password);
    packet.session_expiry_s = options.expiry_s;
    packet.receive_maximum = options.receive_maximum;
    packet.packet_bytes_max = options.packet_bytes_max;
    packet.topic_alias_maximum = options.topic_alias_maximum;
    packet.request_problem_information = options.request_problem_information;
    packet.request_response_information = options.request_response_information;
    if (options.auth_method) packet.auth_method = *options.auth_method;
    packet.auth_data = as_bytes(options.auth_data);
    const auto user = user_list(options.user_properties);
    packet.user_properties = user.view();
    Buffer out;
    mqtt::encode_connect(out, packet);
    return out;
}

Buffer publish_packet(Version version, std::string_view topic, std::string_view payload,
                      const PublishOptions& options) {
    const Buffer properties = encoded(options.properties);
    Buffer out;
    mqtt::encode_publish(out, version,
                         {.dup = options.dup,
                          .qos = Qos(options.qos),
                          .retain = options.retain,
                          .topic = topic,
                          .packet_id = {options.packet_id},
                          .topic_alias = options.topic_alias,
                          .expiry_s = options.properties.expiry_s,
                          .forwarded_properties = properties},
                         as_bytes(payload));
    return out;
}

// --- ClientState ---

void ClientState::dial(const ConnectOptions& options) {
    options_ = options;
    link_.reset();  // first: the broker sees the old connection go before the new one comes
    link_ = world_.host().dial(options.listener);
    in_.clear();
    aliases_.clear();
    connection_begin_ = packets_.size();
    online_ = false;
    barrier_pings_ = 0;
}

void ClientState::send(Bytes bytes) {
    if (link_) link_->send(bytes);
}

uint16_t ClientState::next_packet_id() {
    if (++last_packet_id_ == 0) last_packet_id_ = 1;
    return last_packet_id_;
}

void ClientState::ping_for_barrier() {
    Buffer out;
    mqtt::encode_pingreq(out);
    ++barrier_pings_;
    send(out);
}

bool ClientState::absorb() {
    if (!link_) return false;
    const Buffer arrived = link_->take();
    if (arrived.empty()) return false;
    put_bytes(in_, arrived);
    size_t at = 0;
    while (at < in_.size()) {
        const auto status = mqtt::next_frame(Bytes(in_).subspan(at), mqtt::kPacketBytesMax);
        if (!status) {
            ADD_FAILURE() << "the broker sent bytes that are no packet";
            break;
        }
        if (!status->complete) break;
        EXPECT_LE(status->frame.size, options_.packet_bytes_max) << "[MQTT5-3.1.2-24]";
        take_packet(Packet(status->frame, options_.version));
        at += status->frame.size;
    }
    in_.erase(in_.begin(), in_.begin() + std::ptrdiff_t(at));
    return true;
}

void ClientState::take_packet(Packet packet) {
    if (packet.type() == PacketType::Pingresp && barrier_pings_ > 0) {
        --barrier_pings_;
        return;
    }
    packets_.push_back(std::move(packet));
    const Packet& kept = packets_.back();
    if (kept.type() == PacketType::Connack && !mqtt::is_error(kept.connack().reason))
        online_ = true;
    if (kept.type() == PacketType::Publish) {
        Publish value = publish_of(kept.publish());
        if (value.topic_alias != 0) {
            EXPECT_LE(value.topic_alias, options_.topic_alias_maximum) << "[MQTT5-3.1.2-26]";
            if (!value.topic.empty()) aliases_[value.topic_alias] = value.topic;
            value.topic = aliases_[value.topic_alias];
        }
        publishes_.push_back(std::move(value));
    }
    if (options_.auto_ack) answer(kept);
}

void ClientState::answer(const Packet& packet) {
    Buffer out;
    const Version version = options_.version;
    if (packet.type() == PacketType::Publish) {
        const mqtt::Publish publish = packet.publish();
        if (publish.qos == Qos::AtLeastOnce) mqtt::encode_puback(out, version, {publish.packet_id});
        if (publish.qos == Qos::ExactlyOnce) mqtt::encode_pubrec(out, version, {publish.packet_id});
    } else if (packet.type() == PacketType::Pubrec && !mqtt::is_error(packet.ack().reason)) {
        mqtt::encode_pubrel(out, version, {packet.ack().packet_id});
    } else if (packet.type() == PacketType::Pubrel) {
        mqtt::encode_pubcomp(out, version, {packet.ack().packet_id});
    }
    if (!out.empty()) send(out);
}

const Packet* ClientState::last(PacketType type) const {
    for (size_t i = packets_.size(); i > connection_begin_; --i)
        if (packets_[i - 1].type() == type) return &packets_[i - 1];
    return nullptr;
}

size_t ClientState::count(PacketType type) const {
    size_t found = 0;
    for (size_t i = connection_begin_; i < packets_.size(); ++i)
        found += packets_[i].type() == type;
    return found;
}

// --- Client: asking ---

Client& Client::await(Type type, size_t count_before) {
    ClientState& s = *state_;
    s.world_.run_until(
        [&s, type, count_before] { return s.closed() || s.count(type) > count_before; });
    return *this;
}

Client& Client::connect(const ConnectOptions& options) {
    ClientState& s = *state_;
    if (!s.link_ || s.link_->closed()) s.dial(options);
    s.options_ = options;
    return connect_bytes(connect_packet(s.id_, options));
}

Client& Client::connect_bytes(Bytes bytes) {
    ClientState& s = *state_;
    s.send(bytes);
    s.world_.run_until([&s] {
        return s.closed() || s.count(PacketType::Connack) + s.count(PacketType::Auth) > 0;
    });
    return *this;
}

Client& Client::subscribe(std::string_view filter, const SubscribeOptions& options) {
    return subscribe({filter}, options);
}

Client& Client::subscribe(std::initializer_list<std::string_view> filters,
                          const SubscribeOptions& options) {
    std::vector<mqtt::SubscribeEntry> entries;
    for (const std::string_view filter : filters)
        entries.push_back({filter,
                           {Qos(options.qos), options.no_local, options.retain_as_published,
                            mqtt::RetainHandling(options.retain_handling)}});
    const size_t before = state_->count(PacketType::Suback);
    Buffer out;
    mqtt::encode_subscribe(out, state_->options_.version,
                           {.packet_id = {state_->next_packet_id()},
                            .subscription_id = options.id,
                            .entries = entries});
    state_->send(out);
    return await(PacketType::Suback, before);
}

Client& Client::unsubscribe(std::string_view filter) {
    return unsubscribe({filter});
}

Client& Client::unsubscribe(std::initializer_list<std::string_view> filters) {
    const std::vector<std::string_view> list(filters);
    const size_t before = state_->count(PacketType::Unsuback);
    Buffer out;
    mqtt::encode_unsubscribe(out, state_->options_.version,
                             {.packet_id = {state_->next_packet_id()}, .filters = list});
    state_->send(out);
    return await(PacketType::Unsuback, before);
}

Client& Client::publish(std::string_view topic, std::string_view payload,
                        const PublishOptions& options) {
    PublishOptions filled = options;
    if (options.qos > 0 && options.packet_id == 0) filled.packet_id = state_->next_packet_id();
    const Type last = options.qos == 1            ? PacketType::Puback
                      : state_->options_.auto_ack ? PacketType::Pubcomp
                                                  : PacketType::Pubrec;
    const size_t before = state_->count(last);
    const size_t refused_before = state_->count(PacketType::Pubrec);
    state_->send(publish_packet(state_->options_.version, topic, payload, filled));
    if (options.qos == 0) {
        state_->world_.flush(*state_);
        return *this;
    }
    ClientState& s = *state_;
    s.world_.run_until([&s, last, before, refused_before] {
        const Packet* pubrec = s.last(PacketType::Pubrec);
        const bool refused =
            s.count(PacketType::Pubrec) > refused_before && mqtt::is_error(pubrec->ack().reason);
        return s.closed() || refused || s.count(last) > before;
    });
    return *this;
}

Client& Client::ping() {
    const size_t before = state_->count(PacketType::Pingresp);
    Buffer out;
    mqtt::encode_pingreq(out);
    state_->send(out);
    return await(PacketType::Pingresp, before);
}

Client& Client::auth(ReasonCode reason, std::string_view method, std::string_view data) {
    Buffer out;
    mqtt::encode_auth(out, {reason, method, as_bytes(data), {}, {}});
    return raw(out);
}

Client& Client::send_ack(Type type, uint16_t id, ReasonCode reason) {
    Buffer out;
    const mqtt::Ack ack{{id}, reason, {}, {}};
    const Version version = state_->options_.version;
    if (type == PacketType::Puback) mqtt::encode_puback(out, version, ack);
    if (type == PacketType::Pubrec) mqtt::encode_pubrec(out, version, ack);
    if (type == PacketType::Pubrel) mqtt::encode_pubrel(out, version, ack);
    if (type == PacketType::Pubcomp) mqtt::encode_pubcomp(out, version, ack);
    return raw(out);
}

Client& Client::puback(uint16_t id, ReasonCode reason) {
    return send_ack(PacketType::Puback, id, reason);
}
Client& Client::pubrec(uint16_t id, ReasonCode reason) {
    return send_ack(PacketType::Pubrec, id, reason);
}
Client& Client::pubrel(uint16_t id, ReasonCode reason) {
    return send_ack(PacketType::Pubrel, id, reason);
}
Client& Client::pubcomp(uint16_t id, ReasonCode reason) {
    return send_ack(PacketType::Pubcomp, id, reason);
}

// --- Client: going and coming back ---

Client& Client::disconnect(ReasonCode reason, std::optional<uint32_t> expiry_s) {
    Buffer out;
    mqtt::encode_disconnect(out, state_->options_.version,
                            {.reason = reason, .session_expiry_s = expiry_s});
    state_->send(out);
    state_->world_.run_until([s = state_] { return s->closed(); });
    state_->online_ = false;
    state_->world_.settle();
    return *this;
}

Client& Client::cut() {
    state_->link_->cut();
    state_->online_ = false;
    state_->world_.settle();
    return *this;
}

Client& Client::resume() {
    ConnectOptions again = state_->options_;
    again.clean_start = false;
    return reconnect(again);
}

Client& Client::reconnect(const ConnectOptions& options) {
    if (!state_->closed()) cut();
    state_->dial(options);
    return connect(options);
}

// --- Client: bytes ---

Client& Client::raw(Bytes bytes) {
    push(bytes);
    state_->world_.settle();
    return *this;
}

Client& Client::push(Bytes bytes) {
    state_->send(bytes);
    return *this;
}

Client& Client::set_reading(bool on) {
    state_->link_->set_reading(on);
    state_->world_.settle();
    return *this;
}

// --- Client: looking ---

std::vector<Publish> Client::publishes() {
    state_->world_.settle();
    const auto& all = state_->publishes_;
    std::vector<Publish> fresh(all.begin() + std::ptrdiff_t(state_->looked_at_), all.end());
    state_->looked_at_ = all.size();
    return fresh;
}

Messages Client::received() {
    Messages payloads;
    for (Publish& each : publishes()) payloads.push_back(std::move(each.payload));
    return payloads;
}

const Packet* Client::last(Type type) {
    state_->world_.settle();
    return state_->last(type);
}

size_t Client::count(Type type) {
    state_->world_.settle();
    return state_->count(type);
}

std::vector<Client::Type> Client::types() {
    state_->world_.settle();
    std::vector<Type> all;
    for (size_t i = state_->connection_begin_; i < state_->packets_.size(); ++i)
        all.push_back(state_->packets_[i].type());
    return all;
}

bool Client::closed() {
    state_->world_.settle();
    return state_->closed();
}

bool Client::closes() {
    state_->world_.run_until([s = state_] { return s->closed(); });
    return state_->closed();
}

std::optional<ReasonCode> Client::disconnect_reason() {
    const Packet* packet = last(PacketType::Disconnect);
    if (!packet) return std::nullopt;
    return packet->disconnect().reason;
}

mqtt::Connack Client::connack() {
    const Packet* packet = last(PacketType::Connack);
    if (!packet) {
        ADD_FAILURE() << "no CONNACK came";
        return {.reason = ReasonCode::UnspecifiedError};
    }
    return packet->connack();
}

Codes Client::suback() {
    const Packet* packet = last(PacketType::Suback);
    return packet ? codes_of(packet->suback()) : Codes{};
}

Codes Client::unsuback() {
    const Packet* packet = last(PacketType::Unsuback);
    return packet ? codes_of(packet->unsuback()) : Codes{};
}

ReasonCode Client::ack_reason(Type type) {
    const Packet* packet = last(type);
    if (!packet) {
        ADD_FAILURE() << "no such acknowledgement came";
        return ReasonCode::UnspecifiedError;
    }
    return packet->ack().reason;
}

std::string Client::broker_id() {
    const auto assigned = connack().assigned_client_id;
    return assigned.empty() ? state_->id_ : std::string(assigned);
}

}  // namespace godwit::world
