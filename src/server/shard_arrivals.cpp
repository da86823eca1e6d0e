// How connections come to a shard: accepted, or from the shard that did.
#include "server/shard_runner.h"

#include <utility>

namespace godwit::server {

namespace {

constexpr size_t kAcceptsPerTurn = 64;
constexpr size_t kTlsAcceptsPerTurn = 16;  // they cost more, before anything is said
constexpr size_t kArrivalsPerTurn = 64;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kTellTime = std::chrono::seconds(1);
constexpr const char* kOutOfDescriptors = "out of file descriptors; raise LimitNOFILE or ulimit -n";

}  // namespace

Result<Done, os::IoError> ShardRunner::take_file_table() {
    std::vector<int> keep = parts_.crossing->descriptors_of(parts_.shard.id);
    keep.push_back(poller_.fd());
    for (const OpenListener* listener : parts_.listeners) keep.push_back(listener->listener.fd());
    return os::take_own_file_table(keep);
}

void ShardRunner::accept_from(OpenListener& listener) {
    if (!accepting_) return;
    // Beyond that they wait with the kernel, which tells their clients nothing wrong.
    if (!listener.plain() && openings_.is_full()) return;
    for (size_t i = 0; i < (listener.tls ? kTlsAcceptsPerTurn : kAcceptsPerTurn); ++i) {
        auto accepted = os::accept_one(listener.listener.fd());
        if (accepted) {
            open(listener, std::move(*accepted));
            continue;
        }
        if (accepted.error() == os::AcceptError::Aborted) continue;
        if (accepted.error() != os::AcceptError::WouldBlock) {
            parts_.log->log(LogLine(LogLevel::Error, "listener.paused")
                                .add("listener", listener.name)
                                .add("reason", kOutOfDescriptors));
            pause_accepting();
        }
        return;
    }
}

/// Stops taking connections for a moment, or begins again.
void ShardRunner::pause_accepting() {
    accepting_ = accept_again_ != kNever;
    accept_again_ = accepting_ ? kNever : now_ + kAcceptPause;
    for (OpenListener* listener : parts_.listeners) {
        if (!accepting_)
            poller_.remove(listener->listener.fd());
        else
            (void)poller_.add_exclusive(listener->listener.fd(), listener->id.value);
    }
}

void ShardRunner::open(OpenListener& listener, os::Accepted accepted) {
    Socket socket;
    socket.peer = PeerName(accepted.peer);
    if (const char* why = refusal(listener, socket))
        return turn_away(listener, socket.peer.text(), why);
    socket.fd = std::move(accepted.fd);
    socket.listener = listener.id;
    if (!listener.plain())
        socket.wire = transport::Wire::server({.proxy_protocol = listener.proxy_protocol,
                                               .tls = parts_.tls[listener.id.value].get(),
                                               .websocket = listener.websocket,
                                               .websocket_path = listener.websocket_path});
    socket.opening = !listener.plain();
    const int fd = socket.fd.get();
    const ConnectionId id = sockets_.add(std::move(socket));
    if (!poller_.add(fd, token_of(id), os::Interest::Read)) {
        const Socket lost = sockets_.take(id);
        if (lost.admitted) parts_.admission->leave(lost.peer);
        return;
    }
    ++listener.connections;
    feed(broker::Accepted{id, listener.id});
}

/// Null: it is taken. Where a PROXY header is to come, the address is asked about after it.
const char* ShardRunner::refusal(const OpenListener& listener, Socket& socket) {
    if (listener.connections_max != 0 && listener.connections >= listener.connections_max)
        return "listener's connections_max";
    if (const char* why = parts_.admission->admit_to_listener(listener.id, now_)) return why;
    if (listener.proxy_protocol) return nullptr;
    const char* why = parts_.admission->admit_from(socket.peer, now_);
    socket.admitted = why == nullptr;
    return why;
}

/// Tells one in a while, and how many there were.
void ShardRunner::turn_away(const OpenListener& listener, const std::string& address,
                            const char* why) {
    ++turned_away_;
    if (now_ < tell_turned_away_) return;
    tell_turned_away_ = now_ + kTellTime;
    const LogLine line = LogLine(LogLevel::Warning, "connection.refused")
                             .add("address", address)
                             .add("listener", listener.name)
                             .add("reason", why)
                             .add("count", turned_away_ - turned_away_told_);
    parts_.log->log(line);
    parts_.audit->note(line);
    turned_away_told_ = turned_away_;
}

/// It counts no more.
void ShardRunner::release(const Socket& socket) {
    --parts_.listeners[socket.listener.value]->connections;
    if (socket.admitted) parts_.admission->leave(socket.peer);
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

/// A client that has begun to speak, on a listener where something comes before MQTT.
void ShardRunner::begin_opening(ConnectionId id, Socket& socket) {
    const bool tls = parts_.listeners[socket.listener.value]->tls;
    if (openings_.ask(id, tls ? Openings::kTlsCost : Openings::kPlainCost)) {
        socket.opening = false;
        return read_from(id, socket);
    }
    socket.interest = os::Interest::None;
    poller_.modify(socket.fd.get(), token_of(id), socket.interest);
}

void ShardRunner::begin_waiting_openings() {
    openings_.begin_turn();
    while (const auto id = openings_.next()) {
        Socket* socket = sockets_.find(*id);
        if (!socket || socket->lingering) continue;
        socket->opening = false;
        set_interest(*id, *socket);
        read_from(*id, *socket);
    }
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

void ShardRunner::take_arrivals() {
    for (size_t i = 0; i < kArrivalsPerTurn; ++i) {
        auto moved = parts_.crossing->receive(parts_.shard.id);
        if (!moved) return;
        if (moved->socket.fd) {
            adopt(std::move(*moved));
            continue;
        }
        release(moved->socket);
        turn_away(*parts_.listeners[moved->socket.listener.value], moved->socket.peer_text(),
                  kOutOfDescriptors);
    }
}

void ShardRunner::adopt(MovedConnection moved) {
    if (stopping_) return;
    Socket& socket = moved.socket;
    const int fd = socket.fd.get();
    const ListenerId listener = socket.listener;
    socket.wants_write = !socket.unsent.empty();
    const auto interest = socket.wants_write ? os::Interest::ReadWrite : os::Interest::Read;
    socket.interest = interest;
    socket.paused = false;
    const transport::PeerIdentity peer =
        socket.wire ? socket.wire->peer() : transport::PeerIdentity();
    const ConnectionId id = sockets_.add(std::move(moved.socket));
    if (!poller_.add(fd, token_of(id), interest)) return drop(id);
    if (is_revoked(*sockets_.find(id))) {  // the list came while it was on its way
        feed(broker::Accepted{id, listener});
        return feed(broker::Revoked{id});
    }
    feed(broker::Adopted{id, listener, moved.bytes, peer.certificate_name, peer.sni,
                         moved.verdict.get()});
}

}  // namespace godwit::server
