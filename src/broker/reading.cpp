#include "broker/reading.h"

#include "base/mutant.h"
#include "broker/closing.h"
#include "broker/connecting.h"
#include "broker/delivering.h"
#include "broker/publishing.h"
#include "broker/realm_memory.h"
#include "broker/scarcity.h"
#include "broker/slowing.h"
#include "broker/subscribing.h"
#include "mqtt/encoder.h"

#include <utility>

namespace godwit::broker {

using mqtt::PacketType;
using mqtt::ReasonCode;

namespace {

/// Answers that wait for a client to read them, above the bound for what is delivered to it.
constexpr uint64_t kAnswerBytesMax = 64 * 1024;
/// A busy connection may take so much more than the average, and always so much.
constexpr uint64_t kShareFactor = 16;
constexpr uint64_t kShareMin = 16;
/// A turn goes on with no more connections than this.
constexpr size_t kGoOnMax = 128;

mqtt::DecodeLimits decode_limits(const Core& core) {
    return {.properties_max = core.limits.properties_max, .filters_max = core.limits.filters_max};
}

/// Calls `walk(packet)`, or answers bytes that are none.
template <class Packet, class Walk>
void with(Core& core, Connection& c, const Result<Packet, mqtt::DecodeError>& packet, Walk&& walk) {
    if (!packet) return refuse_bytes(core, c, packet.error());
    walk(*packet);
}

void on_ack(Core& core, Connection& c, const mqtt::Frame& frame) {
    with(core, c, mqtt::decode_ack(frame, c.version, decode_limits(core)),
         [&](const mqtt::Ack& ack) {
             switch (frame.type()) {
                 case PacketType::Puback:
                     return on_puback(core, c, ack);
                 case PacketType::Pubrec:
                     return on_pubrec(core, c, ack);
                 case PacketType::Pubrel:
                     return on_pubrel(core, c, ack);
                 default:
                     return on_pubcomp(core, c, ack);
             }
         });
}

/// The one place where packet types part.
void on_packet(Core& core, Connection& c, const mqtt::Frame& frame) {
    switch (frame.type()) {
        case PacketType::Publish:
            return with(core, c, mqtt::decode_publish(frame, c.version, decode_limits(core)),
                        [&](const mqtt::Publish& packet) { on_publish(core, c, packet); });
        case PacketType::Puback:
        case PacketType::Pubrec:
        case PacketType::Pubrel:
        case PacketType::Pubcomp:
            return on_ack(core, c, frame);
        case PacketType::Subscribe:
            return with(core, c, mqtt::decode_subscribe(frame, c.version, decode_limits(core)),
                        [&](const mqtt::Subscribe& packet) { on_subscribe(core, c, packet); });
        case PacketType::Unsubscribe:
            return with(core, c, mqtt::decode_unsubscribe(frame, c.version, decode_limits(core)),
                        [&](const mqtt::Unsubscribe& packet) { on_unsubscribe(core, c, packet); });
        case PacketType::Pingreq:
            return with(core, c, mqtt::decode_ping(frame), [&](Done) {
                send_packet(core, c,
                            [](Buffer& out) { mqtt::encode_pingresp(out); });  // [MQTT5-3.12.4-1]
            });
        case PacketType::Disconnect:
            return with(core, c, mqtt::decode_disconnect(frame, c.version, decode_limits(core)),
                        [&](const mqtt::Disconnect& packet) { on_disconnect(core, c, packet); });
        case PacketType::Auth:
            if (c.version != mqtt::Version::V5) break;
            return with(core, c, mqtt::decode_auth(frame, decode_limits(core)),
                        [&](const mqtt::Auth& packet) { on_auth(core, c, packet); });
        case PacketType::Connect:
            return disconnect(core, c, ReasonCode::ProtocolError,
                              "a second CONNECT");  // [MQTT5-3.1.0-2]
        default:
            break;
    }
    if (GW_MUTANT(AnyPacketFromClient)) return;
    refuse_bytes(core, c, mqtt::unexpected_packet(frame, c.version));
}

/// Before CONNECT is accepted: CONNECT first (see handle_front), then only AUTH or DISCONNECT
/// [MQTT5-3.1.2-30].
void on_early_packet(Core& core, Connection& c, const mqtt::Frame& frame) {
    if (c.state == Connection::State::AwaitConnect) return on_connect(core, c, frame);
    if (frame.type() == PacketType::Auth || frame.type() == PacketType::Disconnect)
        return on_packet(core, c, frame);
    disconnect(core, c, ReasonCode::ProtocolError, "not AUTH or DISCONNECT before CONNACK");
}

uint32_t packet_bytes_max(const Core& core, const Connection& c) {
    const bool early = c.state != Connection::State::Online;
    return early ? core.limits.preconnect_bytes_max : core.limits.packet_bytes_max;
}

uint32_t scarce_packet_bytes(const Connection& c) {
    const bool early = c.state != Connection::State::Online;
    return early ? kScarceConnectBytes : kScarcePacketBytes;
}

/// Handles the packet at the front of `in`. @return its size; 0: not whole yet, or not to be
/// handled now
uint32_t handle_front(Core& core, Connection& c, Bytes in, uint32_t& bytes_needed) {
    if (c.state == Connection::State::AwaitConnect &&
        mqtt::PacketType(in[0] >> 4) != PacketType::Connect) {
        // [MQTT5-3.1.0-1], told from the first byte: what is no MQTT is not waited for.
        disconnect(core, c, ReasonCode::ProtocolError, "the first packet is not CONNECT");
        return 0;
    }
    const auto status = mqtt::next_frame(in, packet_bytes_max(core, c));
    if (!status) {
        refuse_bytes(core, c, status.error());
        return 0;
    }
    bytes_needed = status->bytes_needed;
    if (!status->complete) return 0;
    if (c.state == Connection::State::Online) {
        if (core.rates.bounded && !may_take(core, c, status->frame)) return 0;
        on_packet(core, c, status->frame);
    } else {
        on_early_packet(core, c, status->frame);
    }
    if (c.is_paused(Pause::Disk)) {  // it comes again
        keep_places(core, c);
        return 0;
    }
    ++core.counters.packets_received;
    ++core.pace.work;
    return status->frame.size;
}

bool may_go_on(const Connection& c) {
    return !c.closing && !c.is_paused() && !c.is_moving();
}

/// Pauses a connection that has asked enough of this turn, or does not read its answers.
void pause_if_busy(Core& core, Connection& c, uint64_t work_max) {
    if (c.unsent_bytes >= output_bytes_max(core, c) + kAnswerBytesMax &&
        !GW_MUTANT(UnreadAnswersPileUp))
        return pause_reading(core, c, Pause::Output);
    if (core.pace.work < work_max) return;
    core.pace.unfinished.push_back({c.id, (core.pace.work - work_max) / core.pace.share});
    pause_reading(core, c, Pause::Share);
}

/// Handles whole packets from the front of `in`. @return the bytes handled
size_t handle_all(Core& core, Connection& c, Bytes in) {
    size_t handled = 0;
    uint32_t needed = 0;
    const uint64_t work_before = core.pace.work, work_max = work_before + core.pace.share;
    while (may_go_on(c) && handled < in.size()) {
        const uint32_t size = handle_front(core, c, in.subspan(handled), needed);
        if (size == 0 || c.is_moving()) break;  // a CONNECT that moves is handled where it goes
        handled += size;
        if (may_go_on(c) && handled < in.size()) pause_if_busy(core, c, work_max);
    }
    core.pace.read_work += core.pace.work - work_before;
    return handled;
}

/// Handles what was kept as far as it is whole. @cost all in all, a few copies of each byte
void handle_kept(Core& core, Connection& c) {
    if (!c.partial) return;
    const auto kept = std::move(c.partial);
    const Bytes all = kept->bytes;
    const Instant came_before = std::exchange(core.pace.came, kept->came);
    const size_t handled = kept->at + handle_all(core, c, all.subspan(kept->at));
    core.pace.came = came_before;
    if (c.closing || handled == all.size()) return;
    c.partial = std::make_unique<Unhandled>();
    c.partial->came = kept->came;
    if (!c.is_paused() || handled > all.size() / 2) {
        put_bytes(c.partial->bytes, all.subspan(handled));
    } else {
        c.partial->bytes = std::move(kept->bytes);
        c.partial->at = uint32_t(handled);
    }
    if (c.state == Connection::State::Online) begin_packet(core, c);
}

void keep_bytes(const Core& core, Connection& c, Bytes in) {
    if (!c.partial) c.partial = std::make_unique<Unhandled>();
    put_bytes(c.partial->bytes, in);
    c.partial->came = core.now;
}

/// Completes the cut-off packet alone, so that what follows it is not copied. @return what is left
/// of `in`
Bytes complete_partial(Core& core, Connection& c, Bytes in) {
    while (c.partial && !in.empty() && may_go_on(c)) {
        Buffer& partial = c.partial->bytes;
        const auto status = mqtt::next_frame(partial, packet_bytes_max(core, c));
        if (!status) {
            refuse_bytes(core, c, status.error());
            break;
        }
        if (!status->complete) {
            if (is_scarce(core, c) && status->bytes_needed > scarce_packet_bytes(c)) {
                disconnect(core, c, ReasonCode::QuotaExceeded,
                           "memory is scarce, and its packet is large");
                break;
            }
            const size_t take = std::min(in.size(), status->bytes_needed - partial.size());
            put_bytes(partial, in.first(take));
            c.partial->came = core.now;
            in = in.subspan(take);
            if (partial.size() < status->bytes_needed) break;
        }
        handle_kept(core, c);
    }
    return in;
}

}  // namespace

void on_received(Core& core, Connection& c, Bytes in) {
    core.counters.bytes_received += in.size();
    ++core.pace.readers;
    if (c.state == Connection::State::Online) c.silent_since = core.now;
    core.pace.came = core.now;
    const bool goes_on = c.partial != nullptr;
    const uint64_t packets_before = core.counters.packets_received;
    in = complete_partial(core, c, in);
    if (!c.closing && !c.partial) in = in.subspan(handle_all(core, c, in));
    if (!c.closing && !in.empty()) keep_bytes(core, c, in);
    const bool is_new = !goes_on || core.counters.packets_received > packets_before;
    if (is_new && c.partial && !c.closing && c.state == Connection::State::Online)
        begin_packet(core, c);
    if (core.counts_memory) recount_unread(core, c);
    if (c.is_moving() && !c.closing) move_away(core, c, nullptr);
}

void move_away(Core& core, Connection& c, std::unique_ptr<const Verdict> verdict) {
    Buffer unhandled = c.partial ? std::move(c.partial->bytes) : Buffer();
    core.fx->moves.push_back({c.id, c.moving_to, std::move(unhandled), std::move(verdict)});
    c.closing = true;
    core.dying.push_back(c.id);
}

void pause_reading(Core& core, Connection& c, Pause why) {
    if (c.closing) return;
    const bool reading = !c.is_paused();
    c.pauses |= uint8_t(why);
    if (!reading) return;
    std::erase(core.fx->resumes, c.id);  // the last word of a turn counts
    core.fx->pauses.push_back(c.id);
}

void resume_reading(Core& core, Connection& c, Pause why) {
    if (!c.is_paused(why) || c.closing) return;
    c.pauses &= uint8_t(~uint8_t(why));
    if (why == Pause::Disk) --core.counters.connections_held_back;
    if (c.is_paused()) return;
    std::erase(core.fx->pauses, c.id);
    core.fx->resumes.push_back(c.id);
    handle_kept(core, c);
    if (core.counts_memory) recount_unread(core, c);
}

void read_on(Core& core) {
    auto& waiting = core.pace.unfinished;
    for (size_t count = std::min(waiting.size(), kGoOnMax); count > 0; --count) {
        const auto next = waiting.front();
        waiting.pop_front();
        Connection* c = core.find(next.connection);
        if (!c) continue;
        if (next.turns > 0) {
            waiting.push_back({next.connection, next.turns - 1});
            continue;
        }
        ++core.pace.readers;
        if (next.waited_in_line)
            go_on(core, *c);
        else
            resume_reading(core, *c, Pause::Share);
    }
}

void finish_reading(Core& core, Connection& c) {
    while (c.is_paused(Pause::Share)) resume_reading(core, c, Pause::Share);
}

void divide_turn(Core& core) {
    Pace& pace = core.pace;
    const uint64_t readers = std::exchange(pace.readers, 0);
    const uint64_t work = std::exchange(pace.read_work, 0);
    const uint64_t whole = core.config.pace.turn_work;
    if (readers == 1) pace.share = whole;
    if (readers <= 1) return;
    const uint64_t fair = std::max(work / readers * kShareFactor, kShareMin);
    pace.share = std::max<uint64_t>(std::min(whole / readers, fair), 1);
}

}  // namespace godwit::broker
