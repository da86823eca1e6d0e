// The turns of the fleet, and how its clients come and go.
#include "bench/fleet.h"

#include "client/explain.h"
#include "mqtt/encoder.h"
#include "os/clock.h"
#include "os/entropy.h"
#include "os/socket.h"
#include "os/thread.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace godwit::bench {

namespace {

using namespace std::chrono_literals;

constexpr uint64_t kSignalToken = ~uint64_t(0);
constexpr Duration kTickTime = 100ms;
constexpr Duration kAttemptTime = 30s;
/// Attempts that begin in a turn: those whose handshakes are under way go on meanwhile, as if each
/// client had a machine of its own.
constexpr size_t kStartsPerTurn = 64;
/// After a failure that is not the last word, nobody tries for so long.
constexpr Duration kRetryTime = 20ms;
/// A sleep is so much too long: what is due sooner is waited for without one. (A thread that never
/// sleeps keeps the broker from its core where there are few.)
constexpr Duration kPollerStep = 100us;
/// Descriptors for other things than connections.
constexpr size_t kOwnDescriptors = 64;
constexpr size_t kRoomBytes = 256 * 1024;

std::vector<os::SocketAddress> loopback_addresses(uint32_t count) {
    std::vector<os::SocketAddress> out;
    for (uint32_t i = 0; i < count; ++i)
        out.push_back(*os::parse_address(fmt::format("127.1.{}.{}:0", i / 250 % 250, i % 250 + 1)));
    return out;
}

std::string advice(int code) {
    if (code == EADDRNOTAVAIL)
        return "; no port is free there: spread the connections over more own addresses with "
               "--sources";
    if (code == EMFILE || code == ENFILE) return "; raise the limit of open files (ulimit -n)";
    return "";
}

}  // namespace

Result<std::unique_ptr<Fleet>, std::string> Fleet::make(FleetOptions options, Faults& faults) {
    auto poller = os::Poller::open();
    if (!poller) return Err{poller.error().text()};
    std::unique_ptr<Fleet> fleet(new Fleet(std::move(options), faults, std::move(*poller)));
    if (const auto prepared = fleet->prepare(); !prepared) return Err{prepared.error()};
    return fleet;
}

Fleet::Fleet(FleetOptions options, Faults& faults, os::Poller poller)
    : options_(std::move(options)),
      faults_(faults),
      poller_(std::move(poller)),
      room_(kRoomBytes),
      now_(os::monotonic_now()) {}

Fleet::~Fleet() = default;

Result<Done, std::string> Fleet::prepare() {
    os::ignore_sigpipe();
    const auto limit = os::raise_file_limit();
    if (!limit) return Err{limit.error().text()};
    open_max_ = *limit > kOwnDescriptors ? size_t(*limit - kOwnDescriptors) : 0;
    if (options_.hears_signals)
        if (auto heard = hear_signals(); !heard) return heard;
    sources_ = loopback_addresses(options_.sources);
    set_pace(options_.connecting_max, options_.connects_per_second);
    const client::Endpoint& to = options_.endpoint;
    if (!to.unix_path.empty()) return Done{};
    auto resolved = os::resolve({to.host, to.port != 0 ? to.port : client::usual_port(to)});
    if (!resolved) return Err{fmt::format("{}: {}", to.host, os::describe(resolved.error()))};
    // Of "localhost", most brokers serve the IPv4 half.
    const auto ipv4 = std::find_if(resolved->begin(), resolved->end(),
                                   [](const auto& a) { return a.family() == AF_INET; });
    address_ = ipv4 != resolved->end() ? *ipv4 : resolved->front();
    if (address_.family() != AF_INET) sources_.clear();
    return Done{};
}

Result<Done, std::string> Fleet::hear_signals() {
    auto signals = os::SignalReader::open();
    if (!signals) return Err{signals.error().text()};
    signals_ = std::move(*signals);
    if (auto added = poller_.add(signals_->fd(), kSignalToken, os::Interest::Read); !added)
        return Err{added.error().text()};
    return Done{};
}

Client& Fleet::add(Party& party, uint32_t number) {
    if (std::find(parties_.begin(), parties_.end(), &party) == parties_.end())
        parties_.push_back(&party);
    return clients_.emplace_back(party, number, uint32_t(clients_.size()));
}

// --- turns ---

void Fleet::step_back() {
    os::step_back();
    is_behind_ = true;
}

void Fleet::look_at_clock() {
    now_ = os::monotonic_now();
}

void Fleet::turn(Instant deadline) {
    start_waiting();
    take_events(time_to_wait(next_due(deadline)));
    run_awake();
    if (now_ >= next_tick_) tick();
}

Instant Fleet::next_due(Instant deadline) {
    Instant due = std::min(deadline, next_tick_);
    for (Party* party : parties_) due = std::min(due, party->on_time(now_));
    due = std::min(due, order_pings());
    if (may_start())
        due = std::min(due, std::max(retry_at_, pace_ ? pace_->due_at(started_) : now_));
    return due;
}

Duration Fleet::time_to_wait(Instant due) const {
    if (options_.busy || !awake_.empty() || due <= now_) return Duration::zero();
    const Duration wait = due - now_;
    return wait < kPollerStep ? Duration::zero() : wait - kPollerStep;
}

void Fleet::take_events(Duration wait) {
    std::array<os::PollEvent, 256> events;
    const auto came = poller_.wait(wait, events);
    now_ = os::monotonic_now();
    for (const os::PollEvent& event : came) {
        on_event(event);
        if (is_behind_) os::make_way();
    }
}

void Fleet::run_awake() {
    // Who is woken meanwhile has its turn in the next round, after the sockets have had theirs.
    turns_.swap(awake_);
    for (const uint32_t slot : turns_) {
        Client& client = clients_[slot];
        if (!client.awake) continue;
        client.awake = false;
        if (!client.fd || !client.unsent.empty()) continue;
        out_.clear();
        raw_.clear();
        take_turn(client);
        if (is_behind_) os::make_way();
    }
    turns_.clear();
}

void Fleet::tick() {
    next_tick_ = now_ + kTickTime;
    give_up_old_attempts();
    if (ticker_ != nullptr) ticker_->on_tick(now_);
}

void Fleet::wake(Client& client) {
    if (client.awake || !client.fd) return;
    client.awake = true;
    awake_.push_back(client.slot);
}

/// @return when the next client is to ping
Instant Fleet::order_pings() {
    if (options_.keepalive_s == 0 || clients_.empty()) return kNever;
    // A client pings when four fifths of its keep alive are over; they take turns.
    if (!pings_) pings_.emplace(now_, double(clients_.size()) / (0.8 * options_.keepalive_s));
    for (; pings_done_ < pings_->due_by(now_); ++pings_done_) {
        Client& client = clients_[pings_done_ % clients_.size()];
        if (client.state != ClientState::Open) continue;
        client.ping_due = true;
        wake(client);
    }
    return pings_->due_at(pings_done_);
}

// --- connecting ---

void Fleet::set_pace(uint32_t connecting_max, double connects_per_second) {
    options_.connecting_max = connecting_max;
    options_.connects_per_second = connects_per_second;
    pace_.reset();
}

void Fleet::connect(Client& client) {
    GW_ASSERT(client.state == ClientState::Idle);
    client.state = ClientState::Queued;
    queued_.push_back(client.slot);
    if (pings_ && pings_done_ == 0) pings_.reset();
}

void Fleet::start_waiting() {
    if (queued_.empty()) return pace_.reset();
    if (!pace_ && options_.connects_per_second > 0) {
        pace_.emplace(now_, options_.connects_per_second);
        started_ = 0;
    }
    if (retry_at_ > now_) return;
    for (size_t i = 0; i < kStartsPerTurn && may_start(); ++i) {
        if (pace_ && pace_->due_at(started_) > now_) return;
        Client& client = clients_[queued_.front()];
        queued_.pop_front();
        if (client.state != ClientState::Queued) continue;
        if (!start(client)) return queued_.push_front(client.slot);
        ++started_;
        if (retry_at_ > now_) return;
    }
}

bool Fleet::may_start() const {
    return !queued_.empty() && connecting_count_ < options_.connecting_max &&
           sockets_ < open_max_ && !faults_.is_hopeless();
}

Result<os::Fd, os::IoError> Fleet::open_socket(const Client& client) const {
    if (!options_.endpoint.unix_path.empty()) return os::connect_unix(options_.endpoint.unix_path);
    const auto* source = sources_.empty() ? nullptr : &sources_[client.slot % sources_.size()];
    return os::connect_tcp(address_, source);
}

/// @return false: later, it stays at the front
bool Fleet::start(Client& client) {
    auto fd = open_socket(client);
    if (!fd && fd.error().code == EAGAIN) {  // a Unix socket's backlog is full
        retry_at_ = now_ + 1ms;
        return false;
    }
    client.state = ClientState::Connecting;
    ++connecting_count_;
    client.since = now_;
    attempts_.push_back({client.slot, now_});
    if (!fd) {
        lose(client, Fault::NoConnection,
             client::explain_no_connection(fd.error().code, options_.endpoint, where()) +
                 advice(fd.error().code));
        return true;
    }
    client.fd = std::move(*fd);
    ++sockets_;
    client.hears_of_room = true;
    if (auto added = poller_.add(client.fd.get(), client.slot, os::Interest::ReadWrite); !added)
        lose(client, Fault::NoConnection, added.error().text());
    return true;
}

void Fleet::on_connected(Client& client) {
    const client::Endpoint& to = options_.endpoint;
    if (const auto decided = os::socket_error(client.fd.get()); !decided)
        return lose(client, Fault::NoConnection,
                    client::explain_no_connection(decided.error().code, to, where()) +
                        advice(decided.error().code));
    if (to.unix_path.empty()) os::set_nodelay(client.fd.get());
    if (!to.tls && !to.websocket) return greet(client);
    const std::string host =
        to.unix_path.empty()
            ? fmt::format("{}:{}", to.host, to.port != 0 ? to.port : client::usual_port(to))
            : std::string("localhost");
    transport::ClientWireOptions wire;
    wire.tls = to.tls && options_.tls ? &*options_.tls : nullptr;
    wire.tls_server_name = to.tls_server_name.empty() ? to.host : to.tls_server_name;
    wire.tls_check_name = to.tls_check_name;
    wire.websocket = to.websocket;
    wire.websocket_path = to.websocket_path;
    wire.websocket_host = host;
    wire.websocket_protocol = options_.version == mqtt::Version::V31 ? "mqttv3.1" : "mqtt";
    wire.mask_key = os::random_hash_key();
    auto made = transport::Wire::client(wire, raw_);
    if (!made) return lose(client, Fault::NoConnection, made.error().what);
    client.wire = std::move(*made);
    client.state = ClientState::Opening;
}

void Fleet::greet(Client& client) {
    client.state = ClientState::Greeting;
    client.party->greet(client, out_);
}

void Fleet::give_up_old_attempts() {
    while (!attempts_.empty()) {
        const auto [slot, since] = attempts_.front();
        Client& client = clients_[slot];
        const bool decided = client.since != since || client.state == ClientState::Idle ||
                             client.state >= ClientState::Open;
        if (!decided && now_ - since < kAttemptTime) return;
        attempts_.pop_front();
        if (!decided)
            lose(client, Fault::NoConnection,
                 fmt::format("{} has not accepted a connection within 30 s", where()));
    }
}

std::string Fleet::where() const {
    return client::to_text(options_.endpoint);
}

// --- leaving ---

void Fleet::leave(Client& client) {
    if (client.state != ClientState::Open) return drop(client);
    client.state = ClientState::Leaving;
    client.said_goodbye = false;
    --open_count_;
    wake(client);
}

void Fleet::drop(Client& client) {
    if (client.state != ClientState::Idle) end(client);
}

void Fleet::end(Client& client) {
    const ClientState was = client.state;
    if (was == ClientState::Open) --open_count_;
    if (was > ClientState::Queued && was < ClientState::Open) --connecting_count_;
    if (client.fd) --sockets_;
    client.fd.reset();
    client.wire.reset();
    client.unread = Buffer();
    client.unsent = Buffer();
    client.awake = client.ping_due = false;
    client.pinged = {};
    client.state = ClientState::Idle;
    client.party->on_gone(client, now_);
}

void Fleet::lose(Client& client, Fault kind, const std::string& why) {
    const bool again = insists_ && client.state < ClientState::Open && kind != Fault::Protocol;
    if (!again) faults_.add(kind, why);
    end(client);
    if (!again) return;
    ++repeated_attempts_;
    retry_at_ = now_ + kRetryTime;
    connect(client);
}

}  // namespace godwit::bench
