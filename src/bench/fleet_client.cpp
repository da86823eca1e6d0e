// One client's turn: what came is read and answered, what its party wants to say is written.
#include "bench/fleet.h"

#include "client/explain.h"
#include "mqtt/encoder.h"
#include "os/socket.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::bench {

namespace {

constexpr mqtt::DecodeLimits kLimits{};
/// A connection may keep so much for the next time that it needs it.
constexpr size_t kKeptBytesMax = 4096;

void empty(Buffer& buffer) {
    if (buffer.capacity() > kKeptBytesMax)
        buffer = Buffer();
    else
        buffer.clear();
}

}  // namespace

void Fleet::on_event(const os::PollEvent& event) {
    if (signals_ && event.token == ~uint64_t(0)) {
        while (signals_->next()) interrupted_ = true;
        return;
    }
    Client& client = clients_[event.token];
    if (!client.fd) return;  // closed in this round
    out_.clear();
    raw_.clear();
    if (client.state == ClientState::Connecting) {
        if (!event.writable && !event.hangup) return;
        on_connected(client);
    } else {
        if (event.writable && !client.unsent.empty()) flush(client, {});
        if (client.fd && (event.readable || event.hangup)) receive(client);
    }
    if (client.fd) take_turn(client);
}

void Fleet::take_turn(Client& client) {
    if (client.state == ClientState::Open && client.unsent.empty()) {
        if (client.ping_due) {
            mqtt::encode_pingreq(out_);
            client.ping_due = false;
            client.pinged = now_;
        }
        client.party->on_turn(client, now_, out_);
        if (!client.fd) return;
    }
    send(client);
    if (client.fd && client.state == ClientState::Leaving) say_goodbye(client);
}

void Fleet::say_goodbye(Client& client) {
    if (client.said_goodbye || !client.unsent.empty()) return;
    client.said_goodbye = true;
    out_.clear();
    raw_.clear();
    mqtt::encode_disconnect(out_, options_.version, {});
    send(client);
    if (!client.fd) return;
    raw_.clear();
    if (client.wire) client.wire->close(transport::CloseCode::Normal, raw_);
    if (!raw_.empty()) flush(client, raw_);
    if (client.fd) os::shutdown_write(client.fd.get());
}

// --- reading ---

void Fleet::receive(Client& client) {
    const size_t kept = client.wire ? 0 : client.unread.size();
    if (room_.size() < 2 * kept) room_.resize(2 * kept);
    const std::span<uint8_t> free = std::span(room_).subspan(kept);
    const auto got = os::receive_some(client.fd.get(), free);
    ++transfers_;
    if (!got) {
        if (got.error().kind == os::StreamError::Kind::WouldBlock) return;
        if (client.state == ClientState::Leaving) return end(client);
        const bool before = client.state < ClientState::Open;
        return lose(
            client, before ? Fault::NoConnection : Fault::Lost,
            fmt::format("{} {}: {}", where(),
                        before ? "ended a connection before it was accepted" : "ended a connection",
                        got.error().text()));
    }
    bytes_in_ += *got;
    if (client.state == ClientState::Leaving) return;
    Bytes mqtt = Bytes(room_).first(kept + *got);
    if (client.wire) {
        plain_.assign(client.unread.begin(), client.unread.end());
        const auto received = client.wire->receive(free.first(*got), plain_, raw_);
        if (!received) return lose(client, Fault::Lost, received.error().what);
        if (client.state == ClientState::Opening && client.wire->ready()) greet(client);
        mqtt = plain_;
    } else if (kept > 0) {
        std::copy(client.unread.begin(), client.unread.end(), room_.begin());
    }
    const size_t used = take_frames(client, mqtt);
    if (!client.fd) return;
    empty(client.unread);
    if (used < mqtt.size()) put_bytes(client.unread, mqtt.subspan(used));
    plain_.clear();
}

/// @return the bytes of the whole packets in it
size_t Fleet::take_frames(Client& client, Bytes mqtt) {
    size_t used = 0;
    while (client.fd && client.state != ClientState::Leaving) {
        const auto found = mqtt::next_frame(mqtt.subspan(used), mqtt::kPacketBytesMax);
        if (!found) {
            lose(client, Fault::Protocol, fmt::format("broken packet: {}", found.error().what));
            break;
        }
        if (!found->complete) break;
        used += found->frame.size;
        on_frame(client, found->frame);
    }
    return used;
}

void Fleet::on_frame(Client& client, const mqtt::Frame& frame) {
    using enum mqtt::PacketType;
    const bool expected = (frame.type() == Connack) == (client.state == ClientState::Greeting);
    if (!expected) return lose(client, Fault::Protocol, "unexpected packet from the broker");
    switch (frame.type()) {
        case Publish:
            return on_publish(client, frame);
        case Puback:
        case Pubrec:
        case Pubrel:
        case Pubcomp:
            return on_ack(client, frame);
        case Connack:
            return on_connack(client, frame);
        case Suback:
            if (const auto packet = mqtt::decode_suback(frame, options_.version, kLimits))
                return client.party->on_suback(client, *packet, now_);
            return lose(client, Fault::Protocol, "broken SUBACK");
        case Pingresp:
            if (client.pinged != Instant{}) ping_times_.record(now_ - client.pinged);
            client.pinged = {};
            return;
        case Unsuback:
            return;
        case Disconnect:
            return on_disconnect(client, frame);
        default:
            return lose(
                client, Fault::Protocol,
                mqtt::unexpected_packet(frame, options_.version, mqtt::Sender::Server).what);
    }
}

void Fleet::on_connack(Client& client, const mqtt::Frame& frame) {
    const auto packet = mqtt::decode_connack(frame, options_.version, kLimits);
    if (!packet)
        return lose(client, Fault::Protocol,
                    fmt::format("broken CONNACK: {}", packet.error().what));
    if (packet->reason != mqtt::ReasonCode::Success)
        return lose(
            client, Fault::Refused,
            fmt::format("{} refused a client: {}{}", where(), client::reason_words(packet->reason),
                        packet->reason_string.empty()
                            ? std::string()
                            : fmt::format(" ({})", packet->reason_string)));
    client.session_present = packet->session_present;
    client.receive_maximum = packet->receive_maximum.value_or(65535);
    client.state = ClientState::Open;
    --connecting_count_;
    ++open_count_;
    connect_times_.record(now_ - client.since);
    client.party->on_open(client, now_);
}

void Fleet::on_publish(Client& client, const mqtt::Frame& frame) {
    const auto packet =
        mqtt::decode_publish(frame, options_.version, kLimits, mqtt::Sender::Server);
    if (!packet)
        return lose(client, Fault::Protocol,
                    fmt::format("broken PUBLISH: {}", packet.error().what));
    client.party->on_message(client, *packet, now_);
    if (packet->qos == mqtt::Qos::AtLeastOnce)
        mqtt::encode_puback(out_, options_.version, {.packet_id = packet->packet_id});
    else if (packet->qos == mqtt::Qos::ExactlyOnce)
        mqtt::encode_pubrec(out_, options_.version, {.packet_id = packet->packet_id});
}

void Fleet::on_ack(Client& client, const mqtt::Frame& frame) {
    const auto packet = mqtt::decode_ack(frame, options_.version, kLimits);
    if (!packet)
        return lose(client, Fault::Protocol,
                    fmt::format("broken acknowledgement: {}", packet.error().what));
    const mqtt::Ack answer{.packet_id = packet->packet_id};
    switch (frame.type()) {
        case mqtt::PacketType::Pubrel:
            mqtt::encode_pubcomp(out_, options_.version, answer);
            return client.party->on_released(client);
        case mqtt::PacketType::Pubrec:
            if (mqtt::is_error(packet->reason)) break;
            return mqtt::encode_pubrel(out_, options_.version, answer);
        default:
            break;
    }
    client.party->on_done(client, *packet, now_);
}

void Fleet::on_disconnect(Client& client, const mqtt::Frame& frame) {
    const auto packet =
        mqtt::decode_disconnect(frame, options_.version, kLimits, mqtt::Sender::Server);
    const std::string reason =
        packet ? client::reason_words(packet->reason) : std::string("broken DISCONNECT");
    lose(client, Fault::Lost, fmt::format("{} disconnected a client: {}", where(), reason));
}

// --- writing ---

void Fleet::send(Client& client) {
    if (!client.wire) {
        if (!out_.empty()) flush(client, out_);
        return;
    }
    if (!out_.empty()) {
        const auto sent = client.wire->send(out_, raw_);
        if (!sent) return lose(client, Fault::Lost, sent.error().what);
    }
    if (!raw_.empty()) flush(client, raw_);
}

void Fleet::flush(Client& client, Bytes bytes) {
    if (!client.unsent.empty()) {
        put_bytes(client.unsent, bytes);
        bytes = client.unsent;
    }
    const auto taken = os::write_some(client.fd.get(), std::span(&bytes, 1));
    ++transfers_;
    if (!taken && taken.error().kind != os::StreamError::Kind::WouldBlock) {
        if (client.state == ClientState::Leaving) return end(client);
        return lose(client, client.state < ClientState::Open ? Fault::NoConnection : Fault::Lost,
                    fmt::format("{} ended a connection: {}", where(), taken.error().text()));
    }
    const size_t sent = taken ? *taken : 0;
    bytes_out_ += sent;
    keep_unsent(client, bytes.subspan(sent));
}

/// @param rest  may lie within client.unsent
void Fleet::keep_unsent(Client& client, Bytes rest) {
    if (rest.empty()) {
        empty(client.unsent);
    } else if (client.unsent.empty()) {
        client.unsent.assign(rest.begin(), rest.end());
    } else {
        client.unsent.erase(client.unsent.begin(),
                            client.unsent.end() - std::ptrdiff_t(rest.size()));
    }
    hear_of_room(client, !rest.empty());
}

void Fleet::hear_of_room(Client& client, bool wanted) {
    if (client.hears_of_room == wanted) return;
    client.hears_of_room = wanted;
    poller_.modify(client.fd.get(), client.slot,
                   wanted ? os::Interest::ReadWrite : os::Interest::Read);
}

}  // namespace godwit::bench
