#include "bench/floor.h"

#include "bench/publish_template.h"
#include "mqtt/decoder.h"
#include "os/signals.h"
#include "os/thread.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace godwit::bench {

namespace {

constexpr uint64_t kListenerToken = ~uint64_t(0);
constexpr uint64_t kSignalToken = kListenerToken - 1;
constexpr size_t kRoomBytes = 256 * 1024;
constexpr size_t kDigits = 7;

uint16_t number16(Bytes bytes) {
    return uint16_t(bytes[0] << 8 | bytes[1]);
}

/// The number that a topic of ours ends with.
uint32_t topic_number(std::string_view topic) {
    uint32_t number = 0;
    if (topic.size() < kDigits) return 0;
    const char* end = topic.data() + topic.size();
    std::from_chars(end - kDigits, end, number);
    return number;
}

}  // namespace

Floor::Floor(os::Poller poller, os::Listener listener)
    : poller_(std::move(poller)), listener_(std::move(listener)), room_(kRoomBytes) {}

Result<std::unique_ptr<Floor>, std::string> Floor::open(const os::SocketAddress& address) {
    auto poller = os::Poller::open();
    if (!poller) return Err{poller.error().text()};
    auto listener = os::listen_tcp(address);
    if (!listener) return Err{address.text() + ": " + listener.error().text()};
    if (auto added = poller->add(listener->fd(), kListenerToken, os::Interest::Read); !added)
        return Err{added.error().text()};
    return std::unique_ptr<Floor>(new Floor(std::move(*poller), std::move(*listener)));
}

void Floor::run() {
    os::ignore_sigpipe();
    (void)os::raise_file_limit();
    auto signals = os::SignalReader::open();
    if (!signals || !poller_.add(signals->fd(), kSignalToken, os::Interest::Read)) return;
    std::array<os::PollEvent, 256> room;
    while (!signals->next()) {
        for (const os::PollEvent& event : poller_.wait(std::nullopt, room)) {
            if (event.token == kListenerToken) accept_all();
            if (event.token >= kSignalToken) continue;
            const auto number = uint32_t(event.token);
            if (event.writable && peers_[number].fd) flush(number);
            if ((event.readable || event.hangup) && peers_[number].fd) read(number);
        }
        for (const uint32_t number : dirty_)
            if (peers_[number].fd && !peers_[number].waits_for_room) flush(number);
        dirty_.clear();
    }
}

void Floor::accept_all() {
    while (auto accepted = os::accept_one(listener_.fd())) {
        if (free_.empty()) {
            free_.push_back(uint32_t(peers_.size()));
            peers_.emplace_back();
        }
        const uint32_t number = free_.back();
        if (!poller_.add(accepted->fd.get(), number, os::Interest::Read)) return;
        free_.pop_back();
        peers_[number].fd = std::move(accepted->fd);
    }
}

void Floor::read(uint32_t number) {
    Peer& peer = peers_[number];
    const size_t kept = peer.unread.size();
    if (room_.size() < 2 * kept) room_.resize(2 * kept);
    const auto got = os::receive_some(peer.fd.get(), std::span(room_).subspan(kept));
    if (!got) {
        if (got.error().kind != os::StreamError::Kind::WouldBlock) close(number);
        return;
    }
    std::copy(peer.unread.begin(), peer.unread.end(), room_.begin());
    const Bytes bytes = Bytes(room_).first(kept + *got);
    const size_t used = take_packets(number, bytes);
    if (peer.fd) peer.unread.assign(bytes.begin() + std::ptrdiff_t(used), bytes.end());
}

size_t Floor::take_packets(uint32_t number, Bytes bytes) {
    size_t used = 0;
    while (peers_[number].fd) {
        const auto found = mqtt::next_frame(bytes.subspan(used), mqtt::kPacketBytesMax);
        if (!found) close(number);
        if (!found || !found->complete) break;
        const size_t size = found->frame.size;
        take(number, bytes.subspan(used, size), size - found->frame.body.size());
        used += size;
    }
    return used;
}

void Floor::take(uint32_t number, Bytes packet, size_t body_at) {
    Peer& peer = peers_[number];
    switch (mqtt::PacketType(packet[0] >> 4)) {
        case mqtt::PacketType::Publish:
            return on_publish(number, packet, body_at);
        case mqtt::PacketType::Connect: {
            const Bytes body = packet.subspan(body_at);
            peer.old = body.size() > 6 && body[6] < 5;
            const uint8_t accepted[] = {0x20, uint8_t(peer.old ? 2 : 3), 0, 0, 0};
            return say(number, Bytes(accepted).first(peer.old ? 4 : 5));
        }
        case mqtt::PacketType::Subscribe:
            return on_subscribe(number, packet.subspan(body_at));
        case mqtt::PacketType::Disconnect:
            return close(number);
        case mqtt::PacketType::Pubrec:  // of a subscriber
            return answer(number, 0x62, packet.subspan(body_at));
        case mqtt::PacketType::Pubrel:  // of a publisher
            return answer(number, 0x70, packet.subspan(body_at));
        default:
            return;  // PUBACK or PUBCOMP of a subscriber: nobody waits for it
    }
}

void Floor::on_publish(uint32_t number, Bytes packet, size_t body_at) {
    Peer& peer = peers_[number];
    const Bytes body = packet.subspan(body_at);
    const size_t topic_bytes = number16(body);
    if (!peer.routed) {
        peer.topic = topic_number(as_text(body.subspan(2, topic_bytes)));
        peer.routed = true;
    }
    const int qos = packet[0] >> 1 & 3;
    if (qos != 0) answer(number, qos == 1 ? 0x40 : 0x50, body.subspan(2 + topic_bytes));
    if (peer.topic < takers_.size())
        for (const uint32_t taker : takers_[peer.topic]) say(taker, packet);
    for (const uint32_t taker : takers_of_all_) say(taker, packet);
}

void Floor::on_subscribe(uint32_t number, Bytes body) {
    const size_t filter_at = peers_[number].old ? 2 : 3;
    const std::string_view filter =
        as_text(body.subspan(filter_at + 2, number16(body.subspan(filter_at))));
    const uint8_t qos = body[filter_at + 2 + filter.size()] & 3;
    const uint32_t topic = topic_number(filter);
    const bool all = filter.ends_with('#');
    if (!all && takers_.size() <= topic) takers_.resize(topic + 1);
    Peer& peer = peers_[number];
    if (peer.listed == nullptr) {
        peer.listed = all ? &takers_of_all_ : &takers_[topic];
        peer.listed->push_back(number);
    }
    if (peer.old)
        say(number, Buffer{0x90, 3, body[0], body[1], qos});
    else
        say(number, Buffer{0x90, 4, body[0], body[1], 0, qos});
}

void Floor::answer(uint32_t number, uint8_t header, Bytes packet_id) {
    const uint8_t answer[] = {header, 2, packet_id[0], packet_id[1]};
    say(number, answer);
}

void Floor::say(uint32_t number, Bytes bytes) {
    Peer& peer = peers_[number];
    put_bytes(peer.out, bytes);
    if (peer.dirty) return;
    peer.dirty = true;
    dirty_.push_back(number);
}

void Floor::flush(uint32_t number) {
    Peer& peer = peers_[number];
    peer.dirty = false;
    const Bytes bytes(peer.out);
    const auto taken = os::write_some(peer.fd.get(), std::span(&bytes, 1));
    if (!taken && taken.error().kind != os::StreamError::Kind::WouldBlock) return close(number);
    peer.out.erase(peer.out.begin(), peer.out.begin() + std::ptrdiff_t(taken ? *taken : 0));
    const bool waits = !peer.out.empty();
    if (waits != peer.waits_for_room)
        poller_.modify(peer.fd.get(), number, waits ? os::Interest::ReadWrite : os::Interest::Read);
    peer.waits_for_room = waits;
}

void Floor::close(uint32_t number) {
    Peer& peer = peers_[number];
    if (peer.listed != nullptr) std::erase(*peer.listed, number);
    peer = Peer{};
    free_.push_back(number);
}

}  // namespace godwit::bench
