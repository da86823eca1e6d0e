// Network: the wires between clients and shards. Bytes keep their order within a wire and no order
// between wires; they come late, in pieces, or not at all. A wire holds only so much towards a
// client: what it does not take stays with the broker, which is not told that it was flushed.
#pragma once

#include "base/random.h"
#include "sim/agenda.h"
#include "sim/plan.h"

#include <deque>
#include <memory>
#include <vector>

namespace godwit::sim {

/// Bytes under way.
struct Chunk {
    Instant at;
    Buffer bytes;
};

struct Wire {
    enum class Stage : uint8_t { Accepted, Adopted, Open, Gone };  // what the shard learns next

    Wire(uint32_t wire_number, uint64_t seed) : number(wire_number), random(seed) {}

    const uint32_t number;  // also of the connection in the history
    Random random;          // its own, so that one wire's luck is not another's
    Duration latency{}, jitter{};

    // --- the broker's end ---
    Stage stage = Stage::Accepted;
    uint16_t shard = 0;
    ConnectionId id;
    Buffer adopted_bytes;
    Buffer arrived;         // not read by the shard yet
    uint32_t to_flush = 0;  // taken by the network, the shard does not know yet
    bool paused = false;
    bool listed = false;     // waits in its shard's list
    bool gone_told = false;  // the shard will learn (or has learnt) that the client is gone
    uint64_t read_bytes = 0;
    uint64_t written_bytes = 0;
    std::vector<Mark> writes;  // of what the broker wrote

    // --- under way ---
    std::deque<Chunk> up, down;
    Instant up_last, down_last;
    Buffer unsent;               // the network has no room for it
    uint32_t in_network = 0;     // towards the client, not taken by it
    Instant gone_at = kNever;    // when the shard's end learns that the client is gone
    Instant closed_at = kNever;  // when the client's end learns that the connection is gone
    bool broken = false;         // nothing passes any more
    bool half_open = false;      // and nobody is told

    // --- the client's end ---
    Buffer inbox;
    uint64_t sent_bytes = 0;
    bool client_closed = false;  // it looks at this wire no more

    /// The shard has something to do with it.
    bool has_input() const {
        if (stage == Stage::Gone) return false;
        if (stage != Stage::Open || to_flush > 0) return true;
        return (!paused && !arrived.empty()) || (gone_told && arrived.empty()) ||
               (gone_told && paused);
    }
};

class Network {
public:
    Network(const Plan& plan, Agenda& agenda) : plan_(plan), agenda_(agenda) {}

    Wire& open(uint32_t client);
    Wire& wire(uint32_t number) { return *wires_[number]; }
    size_t size() const { return wires_.size(); }
    /// No more jitter, no more pieces, all sockets roomy.
    void calm() { calm_ = true; }

    // --- by the client ---
    void send(Wire& wire, Bytes bytes);
    /// Up to `most` bytes of what has arrived. The room is free again.
    Buffer read(Wire& wire, size_t most);
    /// The client breaks it, or the network does.
    void cut(Wire& wire, CutKind kind);
    bool client_learns(const Wire& wire) const {
        return wire.closed_at <= agenda_.now() && wire.inbox.empty();
    }

    // --- by the shard ---
    void write(Wire& wire, Bytes bytes);
    /// The broker closes: what it wrote before still goes out, unless it is bad luck.
    void finish(Wire& wire);

    /// The broker is no more: what the network had taken still goes out, and then it is gone.
    void abandon(Wire& wire);

    // --- by the agenda ---
    /// Moves what has come by now. @return the broker's end has news
    bool arrive_at_broker(Wire& wire);
    void arrive_at_client(Wire& wire);

private:
    Instant arrival(Wire& wire, Instant last);
    void push(Wire& wire, size_t room);
    void drop_up(Wire& wire);
    void drop_down(Wire& wire);
    void tell_broker(Wire& wire, Instant at);
    void tell_client(Wire& wire, Instant at);

    const Plan& plan_;
    Agenda& agenda_;
    std::vector<std::unique_ptr<Wire>> wires_;
    bool calm_ = false;
};

}  // namespace godwit::sim
