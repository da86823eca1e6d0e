// How connections come to a shard: accepted, or from the shard that did.
#include "server/shard_runner.h"

#include <utility>

namespace godwit::server {

namespace {

constexpr size_t kAcceptsPerTurn = 64;
constexpr size_t kTlsAcceptsPerTurn = 16;  // they cost more, before anything is said
constexpr size_t kArrivalsPerTurn = 64;
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr auto kTellFull = std::chrono::seconds(1);
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
    const bool is_tls = listener.current_tls.load(std::memory_order_relaxed) != nullptr;
    // Beyond that they wait with the kernel, which tells their clients nothing wrong.
    if (is_tls && openings_.is_full()) return;
    for (size_t i = 0; i < (is_tls ? kTlsAcceptsPerTurn : kAcceptsPerTurn); ++i) {
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
    if (listener.connections_max != 0 && listener.connections >= listener.connections_max) {
        parts_.log->log(LogLine(LogLevel::Warning, "connection.refused")
                            .add("address", accepted.peer.text())
                            .add("listener", listener.name)
                            .add("reason", "listener's connections_max"));
        return;
    }
    Socket socket;
    socket.peer = PeerName(accepted.peer);
    socket.fd = std::move(accepted.fd);
    socket.listener = listener.id;
    if (!listener.plain())
        socket.wire =
            transport::Wire::server({.proxy_protocol = listener.proxy_protocol,
                                     .tls = listener.current_tls.load(std::memory_order_acquire),
                                     .websocket = listener.websocket,
                                     .websocket_path = listener.websocket_path});
    socket.opening = !listener.tls.empty();
    const int fd = socket.fd.get();
    const ConnectionId id = sockets_.add(std::move(socket));
    if (!poller_.add(fd, token_of(id), os::Interest::Read)) {
        (void)sockets_.take(id);
        return;
    }
    ++listener.connections;
    feed(broker::Accepted{id, listener.id});
}

/// A client that has begun to speak TLS.
void ShardRunner::begin_opening(ConnectionId id, Socket& socket) {
    if (openings_.ask(id)) {
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

void ShardRunner::take_arrivals() {
    for (size_t i = 0; i < kArrivalsPerTurn; ++i) {
        auto moved = parts_.crossing->receive(parts_.shard.id);
        if (!moved) return;
        if (moved->socket.fd) {
            adopt(std::move(*moved));
            continue;
        }
        OpenListener& listener = *parts_.listeners[moved->socket.listener.value];
        --listener.connections;
        if (now_ < tell_full_) continue;
        tell_full_ = now_ + kTellFull;
        parts_.log->log(LogLine(LogLevel::Error, "connection.refused")
                            .add("address", moved->socket.peer_text())
                            .add("listener", listener.name)
                            .add("reason", kOutOfDescriptors));
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
    const std::string name =
        socket.wire ? socket.wire->peer().certificate_common_name : std::string();
    const ConnectionId id = sockets_.add(std::move(moved.socket));
    if (!poller_.add(fd, token_of(id), interest)) return drop(id);
    feed(broker::Adopted{id, listener, moved.bytes, name});
}

}  // namespace godwit::server
