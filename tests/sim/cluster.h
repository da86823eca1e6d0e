// Cluster: the broker's shards, each with its mail, its connections and its own pace, and the
// driver that a process would be. A turn: some of what has come, in any order but that of one wire
// and one sender; end of turn; effects performed. A shard may come late to its turn, and mail to
// its shard.
#pragma once

#include "broker/shard.h"
#include "sim/drives.h"
#include "sim/network.h"

#include <deque>
#include <map>
#include <memory>
#include <vector>

namespace godwit::sim {

enum class CrashKind : uint8_t {
    Killed,     // what was written to the disks is there
    PowerLost,  // what was not synced may be lost or torn
};

class Cluster {
public:
    Cluster(const Plan& plan, Agenda& agenda, Network& network, History& history);
    ~Cluster();

    // --- by the agenda ---
    void on_turn(uint16_t shard);
    void on_tick(uint16_t shard);
    void on_disk(uint16_t shard);
    /// A wire has news for its shard.
    void wake(Wire& wire);

    /// Gives the wire a shard to be accepted by.
    void accept(Wire& wire);
    /// By the administrator; on every shard.
    void kick(std::string_view client_id);
    void stall(uint16_t shard, Duration duration);
    /// All shards, connections and mail are gone, between two turns. What the network has of their
    /// output still arrives. What their disks were about to write may be there, or a part of it;
    /// `kind` decides about what was not synced.
    void crash(CrashKind kind);
    /// The machines are down for a while, and bits flip.
    void rot() { drives_.rot(); }
    /// Builds the shards anew, from their disks.
    void restart();
    /// A fault of the disks begins.
    void trouble_disks(const Action& action) { drives_.trouble(action); }
    /// The time of day jumps.
    void step_clock(Duration by);
    void calm();
    /// Fills in where clients and topics are at home.
    void note_homes() const;

    broker::Counters counters() const;
    /// Nothing between shards, nothing unread.
    bool idle() const;
    uint64_t turns() const { return turn_; }

private:
    struct Letter {
        Instant at;
        uint32_t hop = kNone;  // in History::hops
        broker::Envelope envelope;
    };
    struct Seat;
    struct Source {
        enum class Kind : uint8_t { Mail, Wire, Kick, Disk, Tick };
        Kind kind;
        uint32_t index = 0;
    };

    broker::ShardConfig config_of(uint16_t shard) const;
    void schedule(Seat& seat, Instant at);
    Duration lateness();
    std::vector<Source> sources_of(Seat& seat);
    void feed(Seat& seat, const Source& source);
    void feed_mail(Seat& seat, uint32_t from);
    void feed_wire(Seat& seat, Wire& wire);
    void feed_bytes(Seat& seat, Wire& wire);
    void give(Seat& seat, const broker::Input& input);
    void note_closes(Seat& seat);
    void note_accepts(Seat& seat);
    void note_closed(Wire& wire);
    void perform(Seat& seat);
    void perform_writes(Seat& seat);
    void perform_moves(Seat& seat);
    void perform_posts(Seat& seat);
    void note_drops(Seat& seat);
    void seat_wire(Seat& seat, Wire& wire);
    Wire* at(Seat& seat, ConnectionId id);
    void after_turn(Seat& seat);
    std::optional<Instant> open_log(Seat& seat);
    void set_clock(std::optional<Instant> found);
    Instant now() const { return agenda_.now() + ahead_; }
    Instant agenda_time(Instant broker) const {
        return broker == kNever ? kNever : broker - ahead_;
    }
    std::optional<Instant> next_deadline(const Seat& seat) const;
    void begin_disk_work(Seat& seat);
    void tear_disk_work(Seat& seat);
    WallTime wall() const;

    const Plan& plan_;
    Agenda& agenda_;
    Network& network_;
    History& history_;
    Random random_;
    broker::BrokerOptions options_;
    std::unique_ptr<broker::SharedRates> rates_;
    Drives drives_;
    std::vector<std::unique_ptr<Seat>> seats_;
    std::map<std::string, uint32_t, std::less<>> client_numbers_;
    uint64_t group_drops_before_ = 0;  // by shards that have crashed
    uint64_t turn_ = 0;
    uint64_t order_ = 0;     // of accepted and closed connections
    Duration wall_ahead_{};  // the time of day, before the agenda
    Duration up_behind_{};   // what the machine's monotonic clock lacks: it begins at 0 with it
    Duration ahead_{};       // the broker's clock, before the agenda
    bool calm_ = false;
    bool restarting_ = false;
};

}  // namespace godwit::sim
