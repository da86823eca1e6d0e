// For tests: random valid packets of every type, version and side, with all properties that fit.
#pragma once

#include "base/random.h"
#include "mqtt/packet_writer.h"
#include "mqtt/property_table.h"
#include "mqtt/testing/any_packet.h"

#include <deque>
#include <string>

namespace godwit::mqtt::testing {

/// Owns the bytes behind the views of the packets it has made.
class RandomPackets {
public:
    explicit RandomPackets(uint64_t seed) : random_(seed) {}

    AnyPacket make(PacketType type, Version version, Sender sender) {
        version_ = version;
        switch (type) {
            case PacketType::Connect:
                return {type, connect()};
            case PacketType::Connack:
                return {type, connack()};
            case PacketType::Publish:
                return {type, publish(sender)};
            case PacketType::Subscribe:
                return {type, subscribe()};
            case PacketType::Unsubscribe:
                return {type, unsubscribe()};
            case PacketType::Suback:
            case PacketType::Unsuback:
                return {type, suback(type)};
            case PacketType::Disconnect:
                return {type, disconnect(sender)};
            case PacketType::Auth:
                return {type, auth(sender)};
            case PacketType::Pingreq:
            case PacketType::Pingresp:
                return {type, Done{}};
            default:
                return {type, ack(type)};
        }
    }

    bool chance(uint32_t percent) { return random_.below(100) < percent; }
    uint32_t below(uint32_t bound) { return uint32_t(random_.below(bound)); }

private:
    bool is_v5() const { return version_ == Version::V5; }
    uint16_t u16() { return uint16_t(random_.next()); }
    uint32_t u32() { return uint32_t(random_.next() >> (32 + below(32))); }
    PacketId packet_id() { return PacketId{uint16_t(1 + below(65535))}; }

    std::string_view text(uint32_t pieces_min = 0) {
        static constexpr std::string_view kPieces[] = {"a", "Z", "/", "$", "sensor", "\x7f",
                                                       "ü", "€", "😀", " ", "42"};
        std::string& owned = texts_.emplace_back();
        const uint32_t pieces = pieces_min + below(chance(10) ? 100 : 6);
        for (uint32_t i = 0; i < pieces; ++i) owned += kPieces[below(std::size(kPieces))];
        return owned;
    }
    Bytes bytes() {
        std::string& owned = texts_.emplace_back();
        for (uint32_t left = below(chance(10) ? 300 : 8); left > 0; --left)
            owned += char(uint8_t(random_.next()));
        return as_bytes(owned);
    }
    std::optional<uint32_t> maybe_u32() {
        if (chance(50)) return std::nullopt;
        return u32();
    }
    template <class T>
    std::optional<T> maybe(T value) {
        if (chance(50)) return std::nullopt;
        return value;
    }
    std::string_view maybe_text() { return chance(50) ? text(1) : std::string_view(); }

    UserProperties user_properties() {
        UserPropertyList& list = lists_.emplace_back();
        for (uint32_t left = below(4); left > 0; --left) list.add(text(), text());
        return list.view();
    }

    /// A list of what travels with a message, in any order, with more before it.
    Bytes message_properties(Buffer list) {
        const auto put = [&](Property property) {
            if (chance(50)) put_property(list, property);
        };
        put({.id = PropertyId::PayloadFormatIndicator, .number = below(2)});
        put({.id = PropertyId::UserProperty, .text = text(), .value = text()});
        put({.id = PropertyId::ContentType, .text = text()});
        put({.id = PropertyId::CorrelationData, .text = as_text(bytes())});
        put({.id = PropertyId::UserProperty, .text = text(), .value = text()});
        put({.id = PropertyId::ResponseTopic, .text = text()});
        return buffers_.emplace_back(std::move(list));
    }

    Connect connect() {
        Connect p{.version = version_,
                  .bridge = !is_v5() && chance(20),
                  .clean_start = chance(50),
                  .keepalive_s = u16(),
                  .client_id = text()};
        if (chance(50)) p.will = will();
        p.username = maybe(text());
        if (is_v5() || p.username) p.password = maybe(bytes());
        if (!is_v5()) return p;
        p.session_expiry_s = u32();
        p.receive_maximum = uint16_t(1 + below(65535));
        p.packet_bytes_max = 1 + below(0xffff'ffff);
        p.topic_alias_maximum = u16();
        p.request_response_information = chance(50);
        p.request_problem_information = chance(50);
        p.auth_method = maybe(text());
        if (p.auth_method) p.auth_data = bytes();
        p.user_properties = user_properties();
        return p;
    }
    Will will() {
        Will w{.topic = text(), .payload = bytes(), .qos = Qos(below(3)), .retain = chance(50)};
        if (!is_v5()) return w;
        w.delay_s = u32();
        w.expiry_s = maybe_u32();
        w.properties = message_properties({});
        return w;
    }
    Connack connack() {
        Connack p{.reason = reason(PacketType::Connack, Sender::Server)};
        if (!is_v5()) p.reason = from_v3_return_code(uint8_t(below(6)));
        p.session_present =
            version_ != Version::V31 && p.reason == ReasonCode::Success && chance(50);
        if (!is_v5()) return p;
        p.session_expiry_s = maybe_u32();
        p.receive_maximum = maybe(uint16_t(1 + below(65535)));
        p.maximum_qos = maybe(Qos(below(2)));
        p.retain_available = maybe(chance(50));
        p.packet_bytes_max = maybe(1 + below(0xffff'ffff));
        p.assigned_client_id = maybe_text();
        p.topic_alias_maximum = maybe(u16());
        p.reason_string = maybe_text();
        p.user_properties = user_properties();
        p.wildcard_available = maybe(chance(50));
        p.subscription_ids_available = maybe(chance(50));
        p.shared_available = maybe(chance(50));
        p.server_keepalive_s = maybe(u16());
        p.response_information = maybe_text();
        p.server_reference = maybe_text();
        p.auth_method = maybe(text());
        if (p.auth_method) p.auth_data = bytes();
        return p;
    }
    Publish publish(Sender sender) {
        Publish p{.qos = Qos(below(3)), .retain = chance(50), .topic = text(1), .payload = bytes()};
        p.dup = p.qos != Qos::AtMostOnce && chance(50);
        if (p.qos != Qos::AtMostOnce) p.packet_id = packet_id();
        if (!is_v5()) return p;
        Buffer list;
        if (chance(50)) p.topic_alias = uint16_t(1 + below(65535));
        if (p.topic_alias != 0 && chance(50)) p.topic = {};
        if (p.topic_alias != 0)
            put_property(list, {.id = PropertyId::TopicAlias, .number = p.topic_alias});
        p.expiry_s = maybe_u32();
        if (p.expiry_s)
            put_property(list, {.id = PropertyId::MessageExpiryInterval, .number = *p.expiry_s});
        for (uint32_t left = sender == Sender::Server ? below(3) : 0; left > 0; --left)
            put_property(list, {.id = PropertyId::SubscriptionIdentifier,
                                .number = 1 + below(kRemainingLengthMax)});
        p.properties = message_properties(std::move(list));
        return p;
    }
    Ack ack(PacketType type) {
        Ack p{.packet_id = packet_id()};
        if (!is_v5()) return p;
        if (chance(70)) p.reason = reason(type, Sender::Client);
        if (chance(50)) p.reason_string = text();
        if (chance(50)) p.user_properties = user_properties();
        return p;
    }
    SubscribeEntries entries(bool with_options) {
        Buffer& list = buffers_.emplace_back();
        const uint32_t count = 1 + below(5);
        for (uint32_t i = 0; i < count; ++i) {
            put_prefixed(list, text());
            if (!with_options) continue;
            put_u8(list, uint8_t(below(3) | (is_v5() ? below(4) << 2 | below(3) << 4 : 0)));
        }
        return SubscribeEntries(list, version_, with_options, count);
    }
    Subscribe subscribe() {
        Subscribe p{.packet_id = packet_id(), .entries = entries(true)};
        if (is_v5() && chance(50)) p.subscription_id = 1 + below(kRemainingLengthMax);
        if (is_v5()) p.user_properties = user_properties();
        return p;
    }
    Unsubscribe unsubscribe() {
        Unsubscribe p{.packet_id = packet_id(), .entries = entries(false)};
        if (is_v5()) p.user_properties = user_properties();
        return p;
    }
    Suback suback(PacketType type) {
        Suback p{.packet_id = packet_id()};
        if (type == PacketType::Unsuback && !is_v5()) return p;
        static constexpr uint8_t kV3[] = {0, 1, 2, 0x80};
        auto& codes = buffers_.emplace_back();
        for (uint32_t left = 1 + below(5); left > 0; --left)
            codes.push_back(is_v5() ? uint8_t(reason(type, Sender::Server)) : kV3[below(4)]);
        p.reasons = codes;
        if (!is_v5()) return p;
        p.reason_string = maybe_text();
        p.user_properties = user_properties();
        return p;
    }
    Disconnect disconnect(Sender sender) {
        Disconnect p;
        if (!is_v5()) return p;
        if (chance(70)) p.reason = reason(PacketType::Disconnect, sender);
        if (chance(40)) return p;
        if (sender == Sender::Client) p.session_expiry_s = maybe_u32();
        if (sender == Sender::Server) p.server_reference = maybe_text();
        p.reason_string = maybe_text();
        p.user_properties = user_properties();
        return p;
    }
    Auth auth(Sender sender) {
        Auth p{.reason = reason(PacketType::Auth, sender)};
        if (p.reason == ReasonCode::Success && chance(30)) return p;
        p.method = text();
        p.data = bytes();
        p.reason_string = maybe_text();
        p.user_properties = user_properties();
        return p;
    }
    ReasonCode reason(PacketType type, Sender sender) {
        ReasonCode code{};
        do code = ReasonCode(below(256));
        while (!is_listed(code, type, sender));
        return code;
    }

    Random random_;
    Version version_ = Version::V5;
    std::deque<std::string> texts_;
    std::deque<UserPropertyList> lists_;
    std::deque<Buffer> buffers_;
};

}  // namespace godwit::mqtt::testing
