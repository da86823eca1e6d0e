// Sockets of one shard: descriptor, transport layers, and what the kernel has not taken yet. A
// silent plain connection owns no buffer.
#pragma once

#include "base/bytes.h"
#include "base/handle_table.h"
#include "base/ids.h"
#include "os/address.h"
#include "os/fd.h"
#include "os/poller.h"
#include "transport/wire.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

namespace godwit::server {

/// Who calls, in 20 bytes.
class PeerName {
public:
    PeerName() = default;
    explicit PeerName(const os::SocketAddress& address);
    /// "203.0.113.7:49152", "[2001:db8::1]:49152", "unix:"
    std::string text() const;
    /// The same without a port and brackets; "unix"
    std::string host() const;
    /// In network order; of IPv4, and of IPv4 in IPv6, the first four.
    const std::array<uint8_t, 16>& ip() const { return ip_; }
    uint8_t family() const { return family_; }
    bool is_unix() const { return family_ == 0; }

private:
    std::array<uint8_t, 16> ip_{};
    uint16_t port_ = 0;
    uint8_t family_ = 0;  // 0: unix
};

/// Bytes the kernel has not taken, in order.
class Unsent {
public:
    bool empty() const { return !rest_ || rest_->at == rest_->bytes.size(); }
    Bytes front() const { return rest_ ? Bytes(rest_->bytes).subspan(rest_->at) : Bytes(); }
    void append(Bytes more) { put_bytes(tail(), more); }
    /// For writers that append to a Buffer themselves.
    Buffer& tail() {
        if (!rest_) rest_ = std::make_unique<Rest>();
        return rest_->bytes;
    }
    /// So many of front() are gone. The memory goes with the last one.
    void consume(size_t count);

private:
    struct Rest {
        Buffer bytes;
        size_t at = 0;  // so many at the front are gone
    };
    std::unique_ptr<Rest> rest_;
};

struct Socket {
    std::unique_ptr<transport::Wire> wire;  // null: plain TCP, or it has not said a word
    Unsent unsent;
    os::Fd fd;
    uint32_t unflushed = 0;  // MQTT bytes in `unsent`, reported to the shard when it is empty
    PeerName peer;
    ListenerId listener;
    os::Interest interest = os::Interest::Read;  // as the poller has it
    bool paused : 1 = false;                     // the shard does not want more
    bool lingering : 1 = false;  // closed for the shard; sends its rest, then waits for the peer
    bool ended : 1 = false;      // our end is sent: shutdown was called
    bool gone : 1 = false;       // the peer's end came, or it broke: dropped at the end of the turn
    bool wants_write : 1 = false;
    bool identified : 1 = false;  // the shard knows of its certificate, or that it has none
    bool opening : 1 = false;     // what comes before MQTT has not begun
    bool admitted : 1 = false;    // its address has admission

    /// As told by a PROXY header, else the socket's.
    std::string peer_text() const;
};
static_assert(sizeof(Socket) <= 48, "docs/adr/0018-idle-memory.md");

/// Slots with generations: the ConnectionId that the shard knows.
class SocketTable {
public:
    ConnectionId add(Socket socket) { return sockets_.emplace(std::move(socket)); }
    /// nullptr when it is gone. At one place until it is taken.
    Socket* find(ConnectionId id) { return sockets_.find(id); }
    /// Frees the slot. @return the socket; dropping it closes the descriptor
    Socket take(ConnectionId id);
    size_t size() const { return sockets_.size(); }
    /// Calls visit(id, socket) for each.
    template <class Visit>
    void for_each(Visit&& visit) {
        sockets_.for_each(visit);
    }

private:
    HandleTable<Socket, ConnectionId> sockets_;
};

}  // namespace godwit::server
