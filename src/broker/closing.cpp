#include "broker/closing.h"

#include "base/mutant.h"
#include "broker/connecting.h"
#include "broker/delivering.h"
#include "broker/keeping/keeping.h"
#include "broker/keeping/loading.h"
#include "broker/limiting.h"
#include "broker/publishing.h"
#include "broker/realm_memory.h"
#include "broker/refusal_lines.h"
#include "broker/sharing.h"
#include "broker/slowing.h"
#include "broker/subscribing.h"
#include "mqtt/encoder.h"

namespace godwit::broker {

using mqtt::ReasonCode;
using mqtt::Version;

namespace {

/// WebSocket close code that says the same.
uint16_t websocket_code(ReasonCode reason) {
    if (!mqtt::is_error(reason)) return 1000;
    if (reason == ReasonCode::ServerShuttingDown) return 1001;
    if (reason == ReasonCode::PacketTooLarge) return 1009;
    if (reason == ReasonCode::MalformedPacket || reason == ReasonCode::ProtocolError) return 1002;
    return 1008;
}

/// The id is dead from here on; the object goes when the input is handled.
void close(Core& core, Connection& c, ReasonCode reason) {
    c.closing = true;
    core.dying.push_back(c.id);
    core.fx->closes.push_back({c.id, websocket_code(reason)});
}

/// Sends the packet, without its explanations where they would make it too large for the client, or
/// not at all.
template <class Packet>
void send_trimmed(Core& core, Connection& c, Packet packet,
                  void (*encode)(Buffer&, Version, const Packet&)) {
    const auto append = [&](Buffer& out) { encode(out, c.version, packet); };
    if (send_packet(core, c, append)) return;
    packet.reason_string = packet.server_reference = {};
    send_packet(core, c, append);
}

/// The word that packets of this type have for it [MQTT5-3.2.2-8] [MQTT5-3.14.2-1].
ReasonCode listed(ReasonCode reason, mqtt::PacketType type) {
    if (mqtt::is_listed(reason, type, mqtt::Sender::Server)) return reason;
    const bool identity = reason == ReasonCode::BadUserNameOrPassword ||
                          reason == ReasonCode::BadAuthenticationMethod;
    return identity ? ReasonCode::NotAuthorized : ReasonCode::UnspecifiedError;
}

void send_disconnect(Core& core, Connection& c, ReasonCode reason, std::string_view detail) {
    if (c.version != Version::V5 || c.state != Connection::State::Online) return;
    mqtt::Disconnect packet{.reason = listed(reason, mqtt::PacketType::Disconnect)};
    if (c.problem_information) packet.reason_string = detail;
    if (reason == ReasonCode::ServerShuttingDown)
        packet.server_reference = core.options.server_reference;
    send_trimmed(core, c, packet, mqtt::encode_disconnect);  // [MQTT5-3.14.2-3]
}

uint32_t seconds_of(Instant at) {
    return uint32_t(
        std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count());
}

/// When its silence is too long; kNever without a keep alive.
Instant keep_alive_end(const Connection& c) {
    if (c.keepalive_s == 0) return kNever;
    return c.silent_since + std::chrono::milliseconds(c.keepalive_s * 1500ll);
}

Instant expiry_of(const Connection& c) {
    if (GW_MUTANT(TokensNeverExpire)) return kNever;
    return c.features ? c.features->expires : kNever;
}

/// When the packet that has begun to come had its time; kNever where none has.
Instant packet_due(const Core& core, const Connection& c) {
    if (!c.partial || core.limits.packet_timeout <= Duration::zero()) return kNever;
    const Unhandled& partial = *c.partial;
    const auto status = mqtt::next_frame(partial.bytes, core.limits.packet_bytes_max);
    const uint64_t bytes = status ? status->bytes_needed : partial.bytes.size();
    return Instant(std::chrono::seconds(partial.since_s)) + core.limits.packet_timeout +
           std::chrono::seconds(1 + bytes / 1024);
}

bool has_connack_code(ReasonCode reason) {
    return reason == ReasonCode::UnsupportedProtocolVersion ||
           reason == ReasonCode::ClientIdentifierNotValid;
}

/// Who it is, or claims to be; empty: nobody.
std::string user_of(Core& core, const Connection& c) {
    if (c.pending) return waiting_username(core, c).value_or("");
    const Session* session = core.find(c.session);
    return session ? std::string(session->user().value_or("")) : std::string();
}

}  // namespace

void disconnect(Core& core, Connection& c, ReasonCode reason, std::string detail) {
    if (c.closing) return;
    const bool broken =
        reason == ReasonCode::MalformedPacket || reason == ReasonCode::ProtocolError;
    if (broken) ++core.counters.malformed;
    if (c.state != Connection::State::Online) ++core.counters.connections_refused;
    send_disconnect(core, c, reason, detail);
    core.event(mqtt::is_error(reason) ? Severity::Warning : Severity::Info, "disconnected", c,
               mqtt::reason_name(reason), std::move(detail));
    core.fx->events.back().user = user_of(core, c);
    detach(core, c, reason != ReasonCode::Success);
    close(core, c, reason);
}

void refuse_bytes(Core& core, Connection& c, const mqtt::DecodeError& error) {
    std::string detail = std::string(error.what) + " at byte " + std::to_string(error.offset);
    if (c.state != Connection::State::AwaitConnect)
        return disconnect(core, c, error.reason, std::move(detail));
    if (c.version_known && (c.version == Version::V5 || has_connack_code(error.reason))) {
        ++core.counters.malformed;
        return refuse_connect(core, c, error.reason, std::move(detail));
    }
    disconnect(core, c, error.reason, std::move(detail));
}

void refuse_connect(Core& core, Connection& c, ReasonCode reason, std::string detail,
                    ConnectionId rival) {
    mqtt::Connack packet{.reason = listed(reason, mqtt::PacketType::Connack)};
    if (c.problem_information) packet.reason_string = detail;
    if (reason == ReasonCode::UseAnotherServer || reason == ReasonCode::ServerMoved)
        packet.server_reference = core.options.server_reference;
    send_trimmed(core, c, packet, mqtt::encode_connack);  // [MQTT5-3.2.2-19]
    ++core.counters.connections_refused;
    core.event(Severity::Warning, "refused", c, mqtt::reason_name(reason), std::move(detail));
    core.fx->events.back().other = rival;
    core.fx->events.back().user = user_of(core, c);
    close(core, c, reason);
}

void on_disconnect(Core& core, Connection& c, const mqtt::Disconnect& packet) {
    Session* session = core.find(c.session);
    if (packet.session_expiry_s && session) {
        // A session that was to end with its connection cannot be prolonged now: MQTT 5.0
        // section 3.14.2.2.2
        if (session->ends_with_connection && *packet.session_expiry_s != 0)
            return disconnect(core, c, ReasonCode::ProtocolError,
                              "session expiry in DISCONNECT after none in CONNECT");
        session->expiry_s = std::min(*packet.session_expiry_s, core.limits.session_expiry_max_s);
        session->ends_with_connection = session->expiry_s == 0;
    }
    core.event(Severity::Info, "disconnected", c, mqtt::reason_name(packet.reason),
               "by the client");
    detach(core, c, packet.reason != ReasonCode::Success);
    close(core, c, ReasonCode::Success);
}

void on_closed(Core& core, Connection& c, std::string_view why) {
    if (c.closing) return;
    const bool online = c.state == Connection::State::Online;
    if (!online) ++core.counters.connections_refused;
    core.event(Severity::Info, online ? "disconnected" : "refused", c, "connection_lost",
               std::string(why));
    detach(core, c, true);
    c.closing = true;
    core.dying.push_back(c.id);
}

void detach(Core& core, Connection& c, bool publish_will) {
    if (c.state != Connection::State::Online) return;
    c.state = Connection::State::AwaitConnect;
    Session* session = core.find(c.session);
    GW_ASSERT(session && session->online && session->connection == c.id);
    tell_untold_refusals(core, *session);
    if (core.rates.bounded) leave_lines(core, c, *session);
    session->online = false;
    session->expires = kNever;
    if (session->outbox) session->outbox->trim();
    remove_connection(core, session->realm, c);
    leave_groups_for_now(core, *session);
    if (!publish_will && !GW_MUTANT(WillAfterDisconnect))
        session->will.reset();  // [MQTT5-3.14.4-3]
    const auto armed = [&](TimerToken::Kind kind, Instant due) {
        core.arm(due, {kind, session->self.slot, session->self.generation});
        return due;
    };
    if (session->will && session->will->delay_s > 0 && !session->ends_with_connection &&
        !GW_MUTANT(WillIgnoresDelay)) {
        const auto delay = std::chrono::seconds(session->will->delay_s);
        session->will->due = armed(TimerToken::Kind::WillDelay, core.now + delay);
    } else {
        publish_will_of(core, *session);
    }
    if (session->ends_with_connection) return end_session(core, *session, "with its connection");
    session->expires =
        armed(TimerToken::Kind::SessionExpiry, core.now + std::chrono::seconds(session->expiry_s));
    park(core, *session);
    keep_session(core, *session);
    recount_session(core, *session);
}

void end_session(Core& core, Session& session, const char* reason) {
    GW_ASSERT(!session.online);
    publish_will_of(core, session);
    drop_subscriptions(core, session);
    const size_t lost = drop_outbox(core, session);
    forget_session(core, session);
    core.event(lost > 0 ? Severity::Info : Severity::Debug, "session_ended", session, reason,
               lost > 0 ? std::to_string(lost) + " messages dropped" : std::string());
    uncount_session(core, session);
    remove_session(core, session.realm);
    core.clients.erase(core.sessions, session);
    core.sessions.erase(session.self);
}

void on_session_expiry_timer(Core& core, SessionRef ref) {
    Session* session = core.find(ref);
    if (!session || session->online || session->expires > core.now) return;  // came back since
    if (GW_MUTANT(SessionOutlivesExpiry)) return;
    ++core.counters.sessions_expired;
    end_session(core, *session, "expired");
}

void on_will_timer(Core& core, SessionRef ref) {
    Session* session = core.find(ref);
    if (!session || session->online || !session->will || session->will->due > core.now) return;
    publish_will_of(core, *session);
    recount_session(core, *session);
}

void begin_packet(Core& core, Connection& c) {
    if (c.partial) c.partial->since_s = seconds_of(core.now);
    watch(core, c);
}

void watch(Core& core, Connection& c) {
    const bool online = c.state == Connection::State::Online;
    const Instant due = online ? std::min({keep_alive_end(c), expiry_of(c), packet_due(core, c)})
                               : c.silent_since + core.limits.connect_timeout;
    if (due == kNever || c.watch_due <= due) return;  // what comes first arms again
    c.watch_due = due;
    core.arm(c.watch_due, {TimerToken::Kind::Connection, c.id.slot, c.id.generation});
}

void on_connection_timer(Core& core, ConnectionId id) {
    Connection* c = core.find(id);
    if (!c || c->watch_due > core.now) return;
    c->watch_due = kNever;
    if (c->state != Connection::State::Online)
        return disconnect(core, *c, ReasonCode::MaximumConnectTime, "no accepted CONNECT in time");
    if (expiry_of(*c) <= core.now)
        return disconnect(core, *c, ReasonCode::NotAuthorized, "its token has expired");
    if (c->is_paused()) {  // we do not listen: its silence is ours
        c->silent_since = core.now;
        if (c->partial) c->partial->since_s = seconds_of(core.now);
        return watch(core, *c);
    }
    if (packet_due(core, *c) <= core.now)
        return disconnect(core, *c, ReasonCode::KeepAliveTimeout,
                          "the rest of a packet did not come in time");
    if (keep_alive_end(*c) > core.now) return watch(core, *c);
    if (GW_MUTANT(IgnoreKeepAlive)) return;
    ++core.counters.keepalive_timeouts;
    disconnect(core, *c, ReasonCode::KeepAliveTimeout, "silent for 1.5 keep alives");
}

}  // namespace godwit::broker
