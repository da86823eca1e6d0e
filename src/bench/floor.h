// The floor: a relay that does with the sockets what any broker must, and nothing besides: no
// protocol but what the load generator needs to believe in it. What it costs, the kernel costs.
// For measuring on loopback; it trusts every client.
#pragma once

#include "os/poller.h"
#include "os/socket.h"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace godwit::bench {

/// Topics as bench makes them, PREFIX/0000042; subscriptions to one of them or to all (".../#").
/// A publisher's first message decides where all of its messages go.
class Floor {
public:
    /// @errors  a sentence
    static Result<std::unique_ptr<Floor>, std::string> open(const os::SocketAddress& address);

    const os::SocketAddress& address() const { return listener_.address(); }
    /// Serves until a signal comes.
    void run();
    Floor(Floor&&) = delete;  // peers point into it

private:
    struct Peer {
        os::Fd fd;
        Buffer unread;
        Buffer out;
        bool dirty = false;
        bool waits_for_room = false;
        bool routed = false;
        bool old = false;  // MQTT 3
        uint32_t topic = 0;
        std::vector<uint32_t>* listed = nullptr;  // where it is a taker
    };

    Floor(os::Poller poller, os::Listener listener);
    void accept_all();
    void read(uint32_t number);
    size_t take_packets(uint32_t number, Bytes bytes);
    void take(uint32_t number, Bytes packet, size_t body_at);
    void on_publish(uint32_t number, Bytes packet, size_t body_at);
    void on_subscribe(uint32_t number, Bytes body);
    void answer(uint32_t number, uint8_t header, Bytes packet_id);
    void say(uint32_t number, Bytes bytes);
    void flush(uint32_t number);
    void close(uint32_t number);

    os::Poller poller_;
    os::Listener listener_;
    std::deque<Peer> peers_;
    std::vector<uint32_t> free_;
    std::vector<uint32_t> dirty_;
    std::deque<std::vector<uint32_t>> takers_;  // by topic; they stay where they are
    std::vector<uint32_t> takers_of_all_;
    std::vector<uint8_t> room_;
};

}  // namespace godwit::bench
