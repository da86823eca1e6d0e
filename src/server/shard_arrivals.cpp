// How connections come to a shard: accepted, or from the shard that did.
#include "server/shard_runner.h"

#include <utility>

namespace godwit::server {

namespace {

constexpr size_t kAcceptsPerTurn = 64;
constexpr size_t kTlsAcceptsPerTurn = 8;  // they cost more, before anything is said
constexpr size_t kArrivalsPerTurn = 64;
/// Until those who make room have made it.
constexpr auto kRoomTime = std::chrono::milliseconds(1);
constexpr auto kTellTime = std::chrono::seconds(1);
constexpr const char* kOutOfDescriptors = "out of file descriptors; raise LimitNOFILE or ulimit -n";
constexpr const char* kCrowdedOut =
    "out of file descriptors, and no CONNECT had come from it; raise LimitNOFILE or ulimit -n";
/// The last part of the descriptors is for clients that are known, the disk and the log. Of it half
/// may be used by those who have just come.
constexpr uint64_t kLastPart = 16;

}  // namespace

Result<Done, os::IoError> ShardRunner::take_file_table() {
    std::vector<int> keep = parts_.crossing->descriptors_of(parts_.shard.id);
    keep.push_back(poller_.fd());
    for (const OpenListener* listener : parts_.listeners) keep.push_back(listener->listener.fd());
    return os::take_own_file_table(keep);
}

void ShardRunner::accept_from(OpenListener& listener) {
    if (!is_open(listener)) return;
    const uint64_t files = parts_.files_max;
    const uint64_t crowded_from = files - files / kLastPart;
    const uint64_t full_from = files - files / (2 * kLastPart);
    const auto in_use = [this]() -> uint64_t {
        if (parts_.crossing->has_own_tables()) return sockets_.size();
        uint64_t sum = 0;
        for (const OpenListener* each : parts_.listeners) sum += each->connections;
        return sum;
    };
    if (in_use() >= full_from && make_room(newcomers_kept())) return pause_accepting(kRoomTime);
    for (size_t i = 0; i < (listener.tls ? kTlsAcceptsPerTurn : kAcceptsPerTurn); ++i) {
        auto accepted = os::accept_one(listener.listener.fd());
        if (accepted) {
            const bool has_asked = in_use() >= crowded_from && make_room(newcomers_kept());
            open(listener, std::move(*accepted));
            if (has_asked && in_use() >= full_from) return pause_accepting(kRoomTime);
            continue;
        }
        if (accepted.error() == os::AcceptError::Aborted) continue;
        if (accepted.error() == os::AcceptError::OutOfDescriptors && make_room(0))
            return pause_accepting(kRoomTime);
        if (accepted.error() != os::AcceptError::WouldBlock) {
            parts_.log->log(LogLine(LogLevel::Error, "listener.paused")
                                .add("listener", listener.name)
                                .add("reason", kOutOfDescriptors));
            pause_accepting();
        }
        return;
    }
}

/// One goes, so that another may come: who lingers, else the connection that has been there longest
/// without a CONNECT; of another shard where this one has few. Its descriptor is free when the turn
/// ends.
/// @param kept  of this shard so many stay in any case
/// @return      whether there was one
bool ShardRunner::make_room(size_t kept) {
    if (end_one_lingering()) return true;
    Crossing& crossing = *parts_.crossing;
    // Who has many finds an old one here, and need not wait for another shard's turn.
    const bool has_many = newcomers_.size() >= parts_.files_max / 4 / parts_.shard.shard_count;
    const bool stays_here = has_many || crossing.has_own_tables();
    const auto where = stays_here ? std::nullopt : crossing.oldest_newcomer();
    if (!where || *where == parts_.shard.id) return crowd_out_oldest(kept);
    crossing.mailbox(*where).post(MakeRoom{});
    return true;
}

/// It was told that it is to go, and has had a moment to read that.
bool ShardRunner::end_one_lingering() {
    while (!lingering_.empty()) {
        const ConnectionId id = lingering_.front().second;
        lingering_.pop_front();
        const Socket* socket = sockets_.find(id);
        if (!socket || socket->gone) continue;
        drop(id);
        return true;
    }
    return false;
}

bool ShardRunner::crowd_out_oldest(size_t kept) {
    const auto oldest = newcomers_.take_oldest(kept, [this](ConnectionId id) {
        const Socket* socket = sockets_.find(id);
        return socket && !socket->lingering && shard_->awaits_connect(id);
    });
    tell_oldest_newcomer();
    if (!oldest) return false;
    Socket& socket = *sockets_.find(*oldest);
    turn_away(*parts_.listeners[socket.listener.value], socket.peer_text(), kCrowdedOut);
    on_gone(*oldest, socket, kCrowdedOut);
    return true;
}

/// Of this shard, while others make room.
size_t ShardRunner::newcomers_kept() const {
    return parts_.files_max / (2 * kLastPart) / parts_.shard.shard_count;
}

void ShardRunner::tell_oldest_newcomer() {
    parts_.crossing->tell_oldest_newcomer(parts_.shard.id, newcomers_.oldest(newcomers_kept()));
}

/// Stops taking connections for a moment, or begins again.
void ShardRunner::pause_accepting(Duration pause) {
    accepting_ = accept_again_ != kNever;
    accept_again_ = accepting_ ? kNever : now_ + pause;
    watch_listeners();
}

/// Beyond what waits here, they wait with the kernel, which tells their clients nothing wrong.
bool ShardRunner::is_open(const OpenListener& listener) const {
    return accepting_ && (listener.plain() || !openings_.is_full(listener.opening()));
}

/// A listener that is not open is not watched, or it would wake the shard again and again.
void ShardRunner::watch_listeners() {
    for (OpenListener* listener : parts_.listeners) {
        const auto watched = watched_.begin() + listener->id.value;
        if (*watched == is_open(*listener)) continue;
        *watched = !*watched;
        if (*watched)
            (void)poller_.add_exclusive(listener->listener.fd(), listener->id.value);
        else
            poller_.remove(listener->listener.fd());
    }
}

void ShardRunner::open(OpenListener& listener, os::Accepted accepted) {
    Socket socket;
    socket.peer = PeerName(accepted.peer);
    if (const char* why = refusal(listener, socket))
        return turn_away(listener, socket.peer.text(), why);
    socket.fd = std::move(accepted.fd);
    socket.listener = listener.id;
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
    newcomers_.add(id, now_, [this](ConnectionId each) { return shard_->awaits_connect(each); });
    tell_oldest_newcomer();
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
