// World: a broker with scripted clients around it.
//   AnyWorld  whatever the running test's setting says: the core alone or the real process
//   World     the core alone: N shards in memory, a virtual clock, a network that cuts bytes
//             anywhere and mail that is late, all from one seed
// Nothing sleeps. The same seed gives the same run of the core.
#pragma once

#include "broker/options.h"
#include "world/client.h"
#include "world/core_host.h"
#include "world/setting.h"

#include <deque>

namespace godwit::world {

class AnyWorld {
public:
    explicit AnyWorld(uint64_t seed);
    ~AnyWorld();
    AnyWorld(const AnyWorld&) = delete;
    AnyWorld& operator=(const AnyWorld&) = delete;

    /// Dials, sends CONNECT, waits for the answer.
    Client connect(std::string_view id, const ConnectOptions& options = {});
    /// 3.1.1 with the usual options.
    Client connect_v311(std::string_view id, ConnectOptions options = {});
    /// Dials only.
    Client dial(const ConnectOptions& options = {});

    /// Until everything that was sent has had all its effects, on every shard.
    void settle();
    /// Until `done()`, or nothing is left to do.
    void run_until(const std::function<bool()>& done);
    /// Until the broker has handled what this client sent.
    void flush(ClientState& client);
    Host& host() { return *host_; }

protected:
    AnyWorld(uint64_t seed, std::unique_ptr<Host> host);

private:
    friend class Client;
    bool absorb();
    void barrier();
    size_t packets_seen() const;
    void make_probes();
    void ping_all();
    void flush_shards();

    uint64_t seed_;
    std::unique_ptr<Host> host_;
    std::deque<ClientState> clients_;
    std::deque<ClientState> probes_;  // of the process: see barrier()
};

class World : public AnyWorld {
public:
    explicit World(uint64_t seed, CoreOptions options = {});

    CoreHost& core() { return *core_; }
    /// Time passes; everything that falls due happens in order.
    void advance(Duration duration) {
        settle();
        core_->advance(duration, [this] { settle(); });
    }
    /// The broker ends between two turns, whatever is under way, and starts again from its disks.
    void restart(CoreHost::Crash crash = CoreHost::Crash::PowerLoss, Duration downtime = {},
                 std::optional<uint16_t> shards = {}) {
        core_->restart(crash, downtime, shards);
        settle();
    }
    /// A client id that begins with `stem` and whose home is `shard` (modulo their number).
    std::string id_on(uint16_t shard, std::string_view stem) const;
    /// A topic, likewise for its retained message.
    std::string topic_on(uint16_t shard, std::string_view stem) const { return id_on(shard, stem); }
    uint16_t shard_count() const { return core_->shard_count(); }
    broker::Counters counters() const { return core_->counters(); }

private:
    CoreHost* core_;
};

}  // namespace godwit::world
