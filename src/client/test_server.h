// For tests: a server's side of the conversation with a ClientProtocol. It writes what the test
// says and reads what the client sent into short lines.
#pragma once

#include "client/client_protocol.h"

#include <fmt/format.h>

#include <string>
#include <vector>

namespace godwit::client {

/// "PUBLISH 1 q1 dup retain t=payload", "PUBREL 1 0", "SUBSCRIBE 1 a b", "PINGREQ", ...
inline std::string line_of(const mqtt::Frame& frame, mqtt::Version version) {
    using mqtt::PacketType;
    const mqtt::DecodeLimits limits;
    switch (frame.type()) {
        case PacketType::Connect:
            return "CONNECT " + std::string(mqtt::decode_connect(frame, limits)->client_id);
        case PacketType::Publish: {
            const auto p = mqtt::decode_publish(frame, version, limits);
            return fmt::format("PUBLISH {} q{}{}{} {}={}{}", p->packet_id.value, int(p->qos),
                               p->dup ? " dup" : "", p->retain ? " retain" : "", p->topic,
                               as_text(p->payload),
                               p->topic_alias ? fmt::format(" alias {}", p->topic_alias) : "");
        }
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp: {
            constexpr const char* kNames[] = {"PUBACK", "PUBREC", "PUBREL", "PUBCOMP"};
            const auto p = mqtt::decode_ack(frame, version, limits);
            return fmt::format("{} {} {}", kNames[int(frame.type()) - int(PacketType::Puback)],
                               p->packet_id.value, mqtt::reason_name(p->reason));
        }
        case PacketType::Subscribe: {
            const auto p = mqtt::decode_subscribe(frame, version, limits);
            std::string line = fmt::format("SUBSCRIBE {}", p->packet_id.value);
            for (const auto& entry : p->entries) line += fmt::format(" {}", entry.filter);
            return line;
        }
        case PacketType::Unsubscribe:
            return fmt::format("UNSUBSCRIBE {}",
                               mqtt::decode_unsubscribe(frame, version, limits)->packet_id.value);
        case PacketType::Pingreq:
            return "PINGREQ";
        case PacketType::Disconnect:
            return fmt::format(
                "DISCONNECT {}",
                mqtt::reason_name(mqtt::decode_disconnect(frame, version, limits)->reason));
        default:
            return "?";
    }
}

struct TestServer {
    ClientProtocol& client;
    Instant now{std::chrono::hours(1)};
    std::string events{};  // of the client, in short words

    using Lines = std::vector<std::string>;

    mqtt::Version version() const { return client.version(); }

    /// What the client has written since the last time.
    Lines sent() {
        Lines lines;
        for (Bytes rest = client.output(); !rest.empty();) {
            const auto status = mqtt::next_frame(rest, mqtt::kPacketBytesMax);
            if (!status || !status->complete) return {"not a packet"};
            lines.push_back(line_of(status->frame, version()));
            rest = rest.subspan(status->frame.size);
        }
        client.output_taken(now);
        return lines;
    }

    /// Hands bytes over and notes the events that come of them.
    TestServer& write(Bytes bytes) {
        put_bytes(client.input(), bytes);
        while (const auto event = client.next_event()) note(*event);
        return *this;
    }

    TestServer& accept(const mqtt::Connack& packet = {}) {
        client.begin(now);
        sent();
        return write([&](Buffer& out) { mqtt::encode_connack(out, version(), packet); });
    }
    template <class Encode>
    requires std::is_invocable_v<Encode, Buffer&> TestServer& write(Encode&& encode) {
        Buffer out;
        encode(out);
        return write(Bytes(out));
    }
    TestServer& publish(const mqtt::PublishHead& head, std::string_view payload = "x") {
        return write(
            [&](Buffer& out) { mqtt::encode_publish(out, version(), head, as_bytes(payload)); });
    }
    TestServer& puback(uint16_t id, mqtt::ReasonCode reason = {}) {
        return write([&](Buffer& out) {
            mqtt::encode_puback(out, version(), {.packet_id = {id}, .reason = reason});
        });
    }
    TestServer& pubrec(uint16_t id, mqtt::ReasonCode reason = {}) {
        return write([&](Buffer& out) {
            mqtt::encode_pubrec(out, version(), {.packet_id = {id}, .reason = reason});
        });
    }
    TestServer& pubrel(uint16_t id) {
        return write(
            [&](Buffer& out) { mqtt::encode_pubrel(out, version(), {.packet_id = {id}}); });
    }
    TestServer& pubcomp(uint16_t id) {
        return write(
            [&](Buffer& out) { mqtt::encode_pubcomp(out, version(), {.packet_id = {id}}); });
    }
    TestServer& suback(uint16_t id, const Buffer& reasons) {
        return write([&](Buffer& out) {
            mqtt::encode_suback(out, version(), {.packet_id = {id}, .reasons = reasons});
        });
    }
    /// The events so far.
    std::string told() { return std::exchange(events, {}); }

    void note(const Event& event) {
        if (!events.empty()) events += ", ";
        if (std::holds_alternative<Connected>(event)) events += "connected";
        if (const auto* e = std::get_if<Received>(&event))
            events += fmt::format("received {}={}", e->packet.topic, as_text(e->packet.payload));
        if (const auto* e = std::get_if<Published>(&event))
            events += fmt::format("published {} {}", e->id.value, mqtt::reason_name(e->reason));
        if (const auto* e = std::get_if<Subscribed>(&event))
            events += fmt::format("subscribed {}", e->packet.packet_id.value);
        if (const auto* e = std::get_if<Unsubscribed>(&event))
            events += fmt::format("unsubscribed {}", e->packet.packet_id.value);
        if (const auto* e = std::get_if<Ended>(&event))
            events += fmt::format("ended {}: {} {}", int(e->cause), mqtt::reason_name(e->reason),
                                  e->reason_string);
    }
};

}  // namespace godwit::client
