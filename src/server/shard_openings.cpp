// What comes before MQTT on a shard's connections: PROXY header, TLS, WebSocket; and whose
// certificates are no longer trusted.
#include "server/shard_runner.h"

#include <utility>

namespace godwit::server {

namespace {

/// For so long after a message there may be a next one that wants its turn.
constexpr auto kMessagesFlow = std::chrono::seconds(1);

}  // namespace

/// A client that has begun to speak, on a listener where something comes before MQTT.
void ShardRunner::begin_opening(ConnectionId id, Socket& socket) {
    const Openings::Kind kind = parts_.listeners[socket.listener.value]->opening();
    if (openings_.ask(id, kind)) return open_wire(id, socket);
    socket.interest = os::Interest::None;
    poller_.modify(socket.fd.get(), token_of(id), socket.interest);
}

/// A step of a TLS handshake takes as long as many messages. So they come last in a turn, once what
/// the others asked for has gone out, and have no more time than the others had, or one step. Those
/// under way go on in one turn, and others begin in the next; while messages flow, not before as
/// much time has gone by as the steps took. Who has no step in this turn is told of in a later one.
void ShardRunner::take_openings() {
    while (begin_next_opening(Openings::Kind::Plain)) {
    }
    const Instant began = read_clock();
    const auto has_time = [this, until = began + (began - now_)] { return read_clock() < until; };
    const bool none_waits = openings_.next_deadline() > now_;
    openings_go_on_ = !opening_events_.empty() && (!openings_go_on_ || none_waits);
    if (openings_go_on_) {
        for (const os::PollEvent& event : opening_events_) {
            on_event(event);
            if (!has_time()) break;
        }
    } else {
        while (begin_next_opening(Openings::Kind::Tls) && has_time()) {
        }
    }
    opening_events_.clear();
    const Instant ended = read_clock();
    if (ended < messages_at_ + kMessagesFlow) openings_.pause_tls(ended - began, ended);
}

/// Something of a TLS handshake that has begun.
bool ShardRunner::is_opening(const os::PollEvent& event) {
    const ConnectionId id = connection_of(event.token);
    if (id.generation == 0) return false;  // no connection
    const Socket* socket = sockets_.find(id);
    return socket && socket->wire && !socket->identified && !socket->lingering &&
           parts_.listeners[socket->listener.value]->tls;
}

/// @return  whether one has begun
bool ShardRunner::begin_next_opening(Openings::Kind kind) {
    while (const auto id = openings_.next(kind)) {
        if (Socket* socket = sockets_.find(*id); socket && !socket->lingering) {
            set_interest(*id, *socket);
            open_wire(*id, *socket);
            return true;
        }
        openings_.end(*id, false);
    }
    return false;
}

/// Only now, since of TLS a wire takes some 20 KiB, and many who call say nothing.
void ShardRunner::open_wire(ConnectionId id, Socket& socket) {
    const OpenListener& listener = *parts_.listeners[socket.listener.value];
    socket.opening = false;
    socket.wire = transport::Wire::server({.proxy_protocol = listener.proxy_protocol,
                                           .tls = parts_.tls[listener.id.value].get(),
                                           .websocket = listener.websocket,
                                           .websocket_path = listener.websocket_path});
    read_from(id, socket);
}

/// Takes the PROXY header, and asks about the address in it before anything else is begun.
/// @return  whether there is more to read in `raw`
bool ShardRunner::receive_proxy(ConnectionId id, Socket& socket, Bytes& raw) {
    const auto rest = socket.wire->receive_proxy(raw);
    if (!rest) {
        end_by_transport(id, socket, rest.error().what);
        end_if_sent(socket);
        return false;
    }
    raw = *rest;
    if (socket.wire->awaits_proxy()) return false;
    if (const auto told = os::parse_address(socket.wire->peer().address))
        socket.peer = PeerName(*told);
    const char* why = parts_.admission->admit_from(socket.peer, now_);
    socket.admitted = why == nullptr;
    if (socket.admitted) return !raw.empty();
    turn_away(*parts_.listeners[socket.listener.value], socket.peer_text(), why);
    on_gone(id, socket, why);
    return false;
}

/// Tells the shard whose certificate it is, once, before it sees what the peer sent.
void ShardRunner::identify(ConnectionId id, Socket& socket) {
    if (socket.identified || !socket.wire->ready()) return;
    socket.identified = true;
    openings_.end(id, true);
    const transport::PeerIdentity& peer = socket.wire->peer();
    if (!peer.certificate_name.empty() || !peer.sni.empty())
        feed(broker::Identified{id, peer.certificate_name, peer.sni});
    // A handshake that began before a new list came was not checked against it.
    if (is_revoked(socket)) feed(broker::Revoked{id});
}

/// Whoever judges a login may want to know.
LoginPeer ShardRunner::login_peer(ConnectionId id) {
    const Socket* socket = sockets_.find(id);
    if (!socket) return {};
    LoginPeer peer{.address = socket->peer.host(),
                   .server_name = {},
                   .certificate_name = {},
                   .certificate_subject = {}};
    if (!socket->wire) return peer;
    const transport::PeerIdentity& known = socket->wire->peer();
    peer.server_name = known.sni;
    peer.certificate_name = known.certificate_name;
    peer.certificate_subject = known.certificate_subject;
    return peer;
}

bool ShardRunner::is_revoked(const Socket& socket) const {
    const transport::TlsContext* context = parts_.tls[socket.listener.value].get();
    return context && socket.wire && socket.wire->is_revoked_by(*context);
}

/// Whose certificate was revoked meanwhile goes.
/// @cost  one look at each socket, where the trust has changed
void ShardRunner::replace_tls(NewTls fresh) {
    auto& current = parts_.tls[fresh.listener.value];
    const bool same_trust = current->trust() == fresh.context->trust();
    current = std::move(fresh.context);
    if (same_trust) return;
    std::vector<ConnectionId> revoked;
    sockets_.for_each([&](ConnectionId id, const Socket& socket) {
        if (socket.listener == fresh.listener && !socket.lingering && is_revoked(socket))
            revoked.push_back(id);
    });
    for (const ConnectionId id : revoked) feed(broker::Revoked{id});
}

}  // namespace godwit::server
