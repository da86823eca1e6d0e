#include "sim/network.h"

#include <algorithm>

namespace godwit::sim {

using std::chrono::milliseconds;

Wire& Network::open(uint32_t client) {
    const auto number = uint32_t(wires_.size());
    const uint64_t luck = plan_.seed * 0x9e3779b97f4a7c15 + client * 1'000'003ull + number;
    wires_.push_back(std::make_unique<Wire>(number, luck));
    Wire& wire = *wires_.back();
    wire.latency = plan_.clients[client].latency;
    wire.jitter = plan_.clients[client].jitter;
    wire.up_last = wire.down_last = agenda_.now();
    return wire;
}

Instant Network::arrival(Wire& wire, Instant last) {
    Duration late = wire.latency;
    if (!calm_ && wire.jitter.count() > 0)
        late += Duration(wire.random.below(uint64_t(wire.jitter.count())));
    return std::max(last, agenda_.now() + late);
}

void Network::send(Wire& wire, Bytes bytes) {
    wire.sent_bytes += bytes.size();
    if (wire.broken || wire.gone_at != kNever) return;
    while (!bytes.empty()) {
        const bool piece = plan_.network.cut_bytes && !calm_ && wire.random.below(4) == 0;
        const size_t count = piece ? 1 + wire.random.below(bytes.size()) : bytes.size();
        wire.up_last = arrival(wire, wire.up_last);
        wire.up.push_back({wire.up_last, Buffer(bytes.begin(), bytes.begin() + ptrdiff_t(count))});
        agenda_.put(wire.up_last, Due::Kind::ToBroker, wire.number);
        bytes = bytes.subspan(count);
    }
}

void Network::write(Wire& wire, Bytes bytes) {
    put_bytes(wire.unsent, bytes);
    push(wire, calm_ ? size_t(1) << 30 : plan_.network.socket_bytes);
}

void Network::push(Wire& wire, size_t room) {
    if (wire.unsent.empty() || wire.in_network >= room) return;
    const size_t count = std::min(wire.unsent.size(), room - wire.in_network);
    wire.in_network += uint32_t(count);
    wire.to_flush += uint32_t(count);
    const auto end = wire.unsent.begin() + ptrdiff_t(count);
    if (!wire.broken) {
        wire.down_last = arrival(wire, wire.down_last);
        wire.down.push_back({wire.down_last, Buffer(wire.unsent.begin(), end)});
        agenda_.put(wire.down_last, Due::Kind::ToClient, wire.number);
    }
    wire.unsent.erase(wire.unsent.begin(), end);
}

Buffer Network::read(Wire& wire, size_t most) {
    if (most >= wire.inbox.size()) most = wire.inbox.size();
    Buffer bytes(wire.inbox.begin(), wire.inbox.begin() + ptrdiff_t(most));
    wire.inbox.erase(wire.inbox.begin(), wire.inbox.begin() + ptrdiff_t(most));
    wire.in_network -= uint32_t(std::min<size_t>(most, wire.in_network));
    if (!wire.broken && !wire.unsent.empty()) {
        push(wire, calm_ ? size_t(1) << 30 : plan_.network.socket_bytes);
        agenda_.put(agenda_.now() + wire.latency, Due::Kind::ToBroker, wire.number);
    }
    return bytes;
}

void Network::drop_up(Wire& wire) {
    wire.up.clear();
}

void Network::drop_down(Wire& wire) {
    wire.down.clear();
    wire.unsent.clear();
}

void Network::tell_broker(Wire& wire, Instant at) {
    wire.gone_at = std::min(wire.gone_at, at);
    agenda_.put(wire.gone_at, Due::Kind::ToBroker, wire.number);
}

void Network::tell_client(Wire& wire, Instant at) {
    wire.closed_at = std::min(wire.closed_at, at);
    agenda_.put(wire.closed_at, Due::Kind::ToClient, wire.number);
}

void Network::cut(Wire& wire, CutKind kind) {
    const auto in_a_while = [&](milliseconds most) {
        return agenda_.now() + Duration(wire.random.below(uint64_t(Duration(most).count())));
    };
    switch (kind) {
        case CutKind::Reset:
            wire.broken = true;
            drop_up(wire);
            drop_down(wire);
            tell_broker(wire, in_a_while(milliseconds(300)));
            tell_client(wire, in_a_while(milliseconds(300)));
            break;
        case CutKind::Close:
            if (!wire.half_open) tell_broker(wire, arrival(wire, wire.up_last));
            tell_client(wire, agenda_.now());
            break;
        case CutKind::HalfOpen:
            wire.broken = wire.half_open = true;
            drop_up(wire);
            drop_down(wire);
            break;
    }
}

void Network::finish(Wire& wire) {
    wire.arrived.clear();
    drop_up(wire);
    if (wire.half_open) return;
    const bool reset = !calm_ && wire.random.below(5) == 0;
    if (reset) drop_down(wire);
    push(wire, size_t(1) << 30);
    tell_client(wire, arrival(wire, wire.down_last));
}

void Network::abandon(Wire& wire) {
    wire.arrived.clear();
    wire.unsent.clear();
    drop_up(wire);
    if (!wire.half_open) tell_client(wire, arrival(wire, wire.down_last));
}

bool Network::arrive_at_broker(Wire& wire) {
    if (wire.stage == Wire::Stage::Gone) return false;
    while (!wire.up.empty() && wire.up.front().at <= agenda_.now()) {
        put_bytes(wire.arrived, wire.up.front().bytes);
        wire.up.pop_front();
    }
    if (wire.gone_at <= agenda_.now()) wire.gone_told = true;
    return wire.has_input();
}

void Network::arrive_at_client(Wire& wire) {
    while (!wire.down.empty() && wire.down.front().at <= agenda_.now()) {
        put_bytes(wire.inbox, wire.down.front().bytes);
        wire.down.pop_front();
    }
}

}  // namespace godwit::sim
