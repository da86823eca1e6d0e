// CoreHost: the broker's shards in memory and the driver that a process would be. A turn: pick a
// shard that has input, hand it some of it, end the turn, perform its effects. Which shard, which
// sources, how many bytes: drawn from the seed. Between two shards mail keeps its order.
#pragma once

#include "auth/policy.h"
#include "base/random.h"
#include "broker/shard.h"
#include "store/testing/faulty_disk.h"
#include "world/host.h"
#include "world/setting.h"

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace godwit::world {

struct AuthAnswer {
    mqtt::ReasonCode reason = mqtt::ReasonCode::Success;
    std::string data;
    std::string why = "said the test";
    std::vector<auth::Claim> claims;
    std::optional<std::string> username;
    Duration lasts = Duration::max();
    std::string realm;
    std::string_view method = "password";
};
using Authenticator = std::function<AuthAnswer(const broker::AuthRequest&)>;

struct CoreOptions {
    std::optional<uint16_t> shards;  // else as the setting says
    std::optional<bool> durable;     // each shard has a disk; else as the setting says
    broker::BrokerOptions options;
    uint64_t pending_bytes_max = store::Options{}.pending_bytes_max;  // of each shard's log
    Authenticator authenticator;                                      // none: everybody is welcome
    std::string certificate;  // its name, that every client shows; empty: none shows one
    bool slow_disk = false;   // what it has to do mostly waits until nothing else is to be done
    bool cut_bytes = true;    // deliver received bytes in random pieces, and divide turns finely
};

/// One connection, both ends.
struct Pipe {
    enum class Stage : uint8_t { Accepted, Adopted, Open, Closed };  // what the shard learns next
    Stage stage = Stage::Accepted;
    uint16_t shard = 0;
    ConnectionId id;
    ListenerId listener;
    std::string server_name;  // that it asked TLS for; empty: none
    Buffer adopted_bytes;
    std::unique_ptr<const broker::Verdict> adopted_verdict;
    Buffer to_broker;
    Buffer to_client;       // arrived
    Buffer stalled;         // not taken by a client that does not read
    uint32_t to_flush = 0;  // taken by the client, the shard does not know yet
    bool paused = false;
    bool reading = true;
    bool cut = false;  // by the client
    uint16_t websocket_code = 0;
};

class CoreHost : public Host {
public:
    CoreHost(uint64_t seed, CoreOptions options);
    ~CoreHost() override;

    std::unique_ptr<Link> dial(uint16_t listener) override;
    void run_until(const std::function<bool()>& done, const Absorb& absorb) override;
    bool is_core() const override { return true; }

    /// Moves the clock deadline by deadline; `settle` is called after each.
    void advance(Duration duration, const std::function<void()>& settle);
    Instant now() const { return now_; }

    // --- the broker's other inputs; they take effect when the world settles ---
    void kick(std::string_view client_id, mqtt::ReasonCode reason);
    void shut_down();
    void inject(std::string_view topic, std::string_view payload, uint8_t qos, bool retain);
    /// Rules as an ACL file; nullopt: everything is allowed.
    void set_acl(std::optional<std::string_view> text);
    /// Rules as a policy file.
    void set_policy(std::string_view text);
    /// These users are gone, or have other passwords.
    void change_users(std::vector<std::string> users);

    void set_memory(broker::Memory memory);

    enum class Crash : uint8_t { Kill, PowerLoss };
    /// The process ends between two turns and starts again from its disks, `downtime` later. Every
    /// connection is gone. @param shards  from then on, if their number is to change
    void restart(Crash crash, Duration downtime = {}, std::optional<uint16_t> shards = {});
    /// No disk gets anything done meanwhile.
    void set_disks_stalled(bool stalled) { disks_stalled_ = stalled; }
    store::testing::FaultyDisk& disk(uint16_t shard) { return *disks_.at(shard); }

    uint16_t shard_count() const { return uint16_t(shards_.size()); }
    broker::Counters counters() const;  // summed
    const broker::Counters& counters(uint16_t shard) const;
    std::string server_name;  // that those who dial ask TLS for
    std::vector<broker::Event> events;
    std::vector<broker::AuthRequest> auth_requests;
    ShardId home_of(std::string_view client_id) const;
    /// What the administrator is told of a session.
    std::optional<broker::SessionReport> report(std::string_view client_id) const;
    /// What is held for a realm on all shards.
    broker::RealmReport realm(size_t number) const;
    ShardId home_of_group(std::string_view share, std::string_view filter) const;

private:
    struct ShardSeat;
    struct Source;
    using Order = std::function<void(ShardSeat&)>;

    std::vector<uint16_t> busy_shards() const;
    std::vector<Source> sources_of(uint16_t shard) const;
    bool tick_due(const ShardSeat& seat) const;
    bool puts_off_disk();
    bool waits_for_disk_alone(uint16_t shard) const;
    bool has_input(const Pipe& pipe) const;
    bool has_disk_work(const ShardSeat& seat) const;
    void run_turn(uint16_t shard);
    void feed(ShardSeat& seat, const Source& source);
    std::vector<broker::ShardSeat> open_logs();
    void open_shards();
    void use_policy(std::unique_ptr<auth::Policy> policy);
    void reshard(uint16_t shards);
    std::vector<broker::LogFolder> logs() const;
    WallTime wall() const;
    void feed_disk(ShardSeat& seat);
    void feed_mail(ShardSeat& seat, uint16_t from);
    void feed_pipe(ShardSeat& seat, Pipe& pipe);
    void give(ShardSeat& seat, const broker::Input& input);
    void perform(ShardSeat& seat);
    void perform_writes(ShardSeat& seat);
    void perform_moves(ShardSeat& seat);
    void answer_authentication(ShardSeat& seat);
    ConnectionId seat_connection(uint16_t shard, Pipe* pipe);
    Pipe* release(ShardSeat& seat, ConnectionId id);
    void order_all(const Order& order);
    size_t some_of(size_t count);

    CoreOptions options_;
    Random random_;
    Instant now_{std::chrono::hours(1000)};
    std::unique_ptr<broker::SharedRates> rates_;
    broker::ShardConfig config_;
    std::vector<std::unique_ptr<store::testing::FaultyDisk>> disks_;  // by shard; empty: no logs
    bool disks_stalled_ = false;
    std::vector<std::unique_ptr<ShardSeat>> shards_;
    std::vector<std::unique_ptr<Pipe>> pipes_;  // links point here; none outlives the host
    std::vector<std::unique_ptr<auth::Policy>> policies_;  // the last is in force
    std::unique_ptr<broker::Core> map_;  // answers where things live; never driven
};

}  // namespace godwit::world
