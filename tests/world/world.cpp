#include "world/world.h"

#include "mqtt/encoder.h"
#include "world/process_host.h"

#include <gtest/gtest.h>
#include <algorithm>

namespace godwit::world {

namespace {

/// Hops of mail between shards until a client notices something: a message to a shared group goes
/// to the group's home, then to the member's.
constexpr int kHops = 3;
/// Enough clients with ids of their own that each of a few shards is home of one.
constexpr int kProbes = 32;
/// Too large for the probes themselves: they are subscribed, which is what counts, and get nothing.
const std::string kProbePayload(100, 'x');
constexpr std::string_view kProbeTopic = "$probe";

std::unique_ptr<Host> make_host(uint64_t seed) {
    const Setting& setting = current_setting();
    if (!setting.process) return std::make_unique<CoreHost>(seed, CoreOptions{});
    return std::make_unique<ProcessHost>(*process_binary(), setting.shards);
}

}  // namespace

AnyWorld::AnyWorld(uint64_t seed) : AnyWorld(seed, make_host(seed)) {
    if (!host_->is_core()) make_probes();
}

AnyWorld::AnyWorld(uint64_t seed, std::unique_ptr<Host> host)
    : seed_(seed), host_(std::move(host)) {}

AnyWorld::~AnyWorld() {
    if (::testing::Test::HasFailure())
        std::printf("seed: GODWIT_SEED=%llu\n", static_cast<unsigned long long>(seed_));
}

Client AnyWorld::dial(const ConnectOptions& options) {
    ClientState& state = clients_.emplace_back(*this, "");
    state.dial(options);
    return Client(state);
}

Client AnyWorld::connect(std::string_view id, const ConnectOptions& options) {
    ClientState& state = clients_.emplace_back(*this, std::string(id));
    return Client(state).connect(options);
}

Client AnyWorld::connect_v311(std::string_view id, ConnectOptions options) {
    options.version = mqtt::Version::V311;
    return connect(id, options);
}

bool AnyWorld::absorb() {
    bool any = false;
    for (ClientState& each : clients_) any |= each.absorb();
    for (ClientState& each : probes_) any |= each.absorb();
    return any;
}

void AnyWorld::run_until(const std::function<bool()>& done) {
    if (host_->is_core())  // to the end: what a script sees does not depend on when it looks
        return host_->run_until([] { return false; }, [this] { return absorb(); });
    host_->run_until(done, [this] { return absorb(); });
}

void AnyWorld::flush(ClientState& client) {
    if (!host_->is_core() && client.online()) client.ping_for_barrier();
    run_until([&client] { return client.barrier_pings_ == 0 || client.closed(); });
}

void AnyWorld::settle() {
    if (!host_->is_core()) return barrier();
    host_->run_until([] { return false; }, [this] { return absorb(); });
}

// --- the real process ---
// When it has had all its effects cannot be seen from outside, but it can be asked: a PINGRESP
// tells that a connection's earlier packets were handled; the PUBACK of a probe that every shard
// subscribes to tells that every shard has handled the mail which the probe's shard posted before.
// A few rounds of that follow every hop; a last ping has all output in front of it.

void AnyWorld::make_probes() {
    const ConnectOptions options{.packet_bytes_max = 80};
    const std::vector<mqtt::SubscribeEntry> entries{{kProbeTopic, {}}};
    for (int i = 0; i < kProbes; ++i) {
        ClientState& state = probes_.emplace_back(*this, "probe-" + std::to_string(i));
        state.dial(options);
        Buffer out = connect_packet(state.id_, options);
        mqtt::encode_subscribe(out, mqtt::Version::V5, {.packet_id = {1}, .entries = entries});
        state.send(out);
    }
    run_until([this] {
        return std::all_of(probes_.begin(), probes_.end(), [](const ClientState& each) {
            return each.count(mqtt::PacketType::Suback) > 0;
        });
    });
}

void AnyWorld::ping_all() {
    for (ClientState& each : clients_)
        if (each.online()) each.ping_for_barrier();
    host_->run_until(
        [this] {
            for (const ClientState& each : clients_)
                if (each.barrier_pings_ > 0 && !each.closed()) return false;
            return true;
        },
        [this] { return absorb(); });
}

void AnyWorld::flush_shards() {
    std::vector<size_t> before;
    for (ClientState& each : probes_) {
        before.push_back(each.count(mqtt::PacketType::Puback));
        each.send(publish_packet(mqtt::Version::V5, kProbeTopic, kProbePayload,
                                 {.qos = 1, .packet_id = each.next_packet_id()}));
    }
    host_->run_until(
        [&] {
            for (size_t i = 0; i < probes_.size(); ++i)
                if (probes_[i].count(mqtt::PacketType::Puback) == before[i]) return false;
            return true;
        },
        [this] { return absorb(); });
    for (ClientState& each : probes_) each.packets_.clear(), each.connection_begin_ = 0;
}

size_t AnyWorld::packets_seen() const {
    size_t count = 0;
    for (const ClientState& each : clients_) count += each.packets_.size();
    return count;
}

void AnyWorld::barrier() {
    for (size_t before = packets_seen() + 1; before != packets_seen();) {
        before = packets_seen();  // an acknowledgement may have called for more
        for (int hop = 0; hop < kHops; ++hop) {
            ping_all();
            flush_shards();
        }
        ping_all();
        absorb();
    }
}

// --- the core ---

World::World(uint64_t seed, CoreOptions options)
    : AnyWorld(seed, std::make_unique<CoreHost>(seed, std::move(options))),
      core_(&static_cast<CoreHost&>(host())) {}

std::string World::id_on(uint16_t shard, std::string_view stem) const {
    for (int i = 0;; ++i) {
        std::string id = std::string(stem) + "-" + std::to_string(i);
        if (core_->home_of(id).value == shard % shard_count()) return id;
    }
}

}  // namespace godwit::world
