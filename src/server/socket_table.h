// Sockets of one shard: descriptor, transport layers, and what the kernel has not taken yet. A
// silent plain connection owns no buffer.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"
#include "base/instant.h"
#include "os/address.h"
#include "os/fd.h"
#include "transport/wire.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace godwit::server {

/// Who calls, in 20 bytes.
class PeerName {
public:
    PeerName() = default;
    explicit PeerName(const os::SocketAddress& address);
    /// "203.0.113.7:49152", "[2001:db8::1]:49152", "unix:"
    std::string text() const;

private:
    std::array<uint8_t, 16> ip_{};
    uint16_t port_ = 0;
    uint8_t family_ = 0;  // 0: unix
};

/// Bytes the kernel has not taken, in order.
class Unsent {
public:
    bool empty() const { return at_ == bytes_.size(); }
    Bytes front() const { return Bytes(bytes_).subspan(at_); }
    void append(Bytes more) { put_bytes(bytes_, more); }
    /// For writers that append to a Buffer themselves.
    Buffer& tail() { return bytes_; }
    /// So many of front() are gone. The memory goes with the last one.
    void consume(size_t count);

private:
    Buffer bytes_;
    size_t at_ = 0;
};

struct Socket {
    os::Fd fd;
    ListenerId listener;
    PeerName peer;
    bool paused = false;     // the shard does not want more
    bool lingering = false;  // closed for the shard; sends its rest, then waits for the peer's end
    bool ended = false;      // our end is sent: shutdown was called
    bool gone = false;       // the peer's end came, or it broke: dropped at the end of the turn
    bool wants_write = false;
    bool identified = false;  // the shard knows of its certificate, or that it has none
    std::unique_ptr<transport::Wire> wire;  // null: plain TCP
    Unsent unsent;
    uint32_t unflushed = 0;  // MQTT bytes in `unsent`, reported to the shard when it is empty
    Instant linger_until = kNever;

    /// As told by a PROXY header, else the socket's.
    std::string peer_text() const;
};

/// Slots with generations: the ConnectionId that the shard knows.
class SocketTable {
public:
    ConnectionId add(std::unique_ptr<Socket> socket);
    /// nullptr when it is gone.
    Socket* find(ConnectionId id);
    /// Frees the slot. @return the socket; dropping it closes the descriptor
    std::unique_ptr<Socket> take(ConnectionId id);
    size_t size() const { return size_; }

private:
    struct Slot {
        std::unique_ptr<Socket> socket;
        uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_;
    size_t size_ = 0;
};

}  // namespace godwit::server
