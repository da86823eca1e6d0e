#include "world/core_host.h"

#include "auth/acl.h"
#include "auth/policy_file.h"
#include "broker/keeping/resharding.h"
#include "broker/testing/log_image.h"

#include <gtest/gtest.h>
#include <algorithm>

namespace godwit::world {

namespace {

/// A run that needs more turns than this to come to rest goes in circles.
constexpr size_t kTurnsMax = 2'000'000;

class PipeLink : public Link {
public:
    explicit PipeLink(Pipe& pipe) : pipe_(pipe) {}
    ~PipeLink() override { PipeLink::cut(); }
    void send(Bytes bytes) override {
        if (pipe_.stage != Pipe::Stage::Closed && !pipe_.cut) put_bytes(pipe_.to_broker, bytes);
    }
    void cut() override {
        pipe_.cut = true;
        pipe_.to_client.clear();
    }
    Buffer take() override { return std::exchange(pipe_.to_client, {}); }
    bool closed() const override {
        return pipe_.cut || (pipe_.stage == Pipe::Stage::Closed && pipe_.to_client.empty());
    }
    void set_reading(bool on) override {
        pipe_.reading = on;
        if (!on) return;
        put_bytes(pipe_.to_client, pipe_.stalled);
        pipe_.to_flush += uint32_t(pipe_.stalled.size());
        pipe_.stalled.clear();
    }

private:
    Pipe& pipe_;
};

}  // namespace

struct CoreHost::ShardSeat {
    explicit ShardSeat(const broker::ShardConfig& config)
        : id(config.id), shard(std::make_unique<broker::Shard>(config)), mail(config.shard_count) {}
    struct Slot {
        uint32_t generation = 0;
        Pipe* pipe = nullptr;
    };
    ShardId id;
    std::unique_ptr<broker::Shard> shard;
    broker::Effects fx;
    std::deque<store::Work> disk_work;
    std::vector<Slot> slots;
    std::vector<std::deque<broker::Envelope>> mail;  // by sender
    std::deque<broker::Verdict> verdicts;
    std::deque<Order> orders;
};

/// Where a shard's next input can come from.
struct CoreHost::Source {
    enum class Kind : uint8_t { Mail, Pipe, Verdict, Order, Disk, Tick };
    Kind kind;
    size_t index = 0;
};

CoreHost::CoreHost(uint64_t seed, CoreOptions options)
    : options_(std::move(options)), random_(seed) {
    const uint16_t count = options_.shards.value_or(current_setting().shards);
    config_.shard_count = count;
    config_.hash_key = {random_.next(), random_.next()};
    config_.random_seed = random_.next();
    config_.options = &options_.options;
    if (options_.cut_bytes && config_.random_seed % 3 == 0) config_.pace.turn_work = 3;
    if (options_.durable.value_or(current_setting().durable))
        for (uint16_t i = 0; i < count; ++i)
            disks_.push_back(std::make_unique<store::testing::FaultyDisk>(random_.next()));
    open_shards();
    map_ = std::make_unique<broker::Core>(config_);
}

/// The shards as their disks say, knowing of each other. Without disks: new ones.
std::vector<broker::ShardSeat> CoreHost::open_logs() {
    shards_.clear();
    rates_ = std::make_unique<broker::SharedRates>(options_.options);
    config_.rates = rates_.get();
    std::vector<broker::ShardSeat> seats;
    for (uint16_t i = 0; i < config_.shard_count; ++i) {
        config_.id = {i};
        shards_.push_back(std::make_unique<ShardSeat>(config_));
        ShardSeat& seat = *shards_.back();
        seat.fx.least_severity = broker::Severity::Debug;
        if (disks_.empty()) continue;
        const store::Options log{.segment_bytes = 1 << 20,
                                 .pending_bytes_max = options_.pending_bytes_max};
        auto opened = broker::Shard::open(config_, *disks_[i], "", log, seat.fx);
        GW_ASSERT(opened);
        for (const store::Damage& each : opened->damage) ADD_FAILURE() << each.what;
        seat.shard = std::move(opened->shard);
        seats.push_back({seat.shard.get(), &seat.fx});
    }
    broker::settle(seats, now_, wall());
    return seats;
}

void CoreHost::open_shards() {
    if (open_logs().empty()) return;
    for (const auto& seat : shards_) {
        give(*seat, broker::Restarted{});
        perform(*seat);
    }
}

std::vector<broker::LogFolder> CoreHost::logs() const {
    std::vector<broker::LogFolder> logs;
    for (const auto& disk : disks_) logs.push_back({disk.get(), ""});
    return logs;
}

/// As the process does it, from disks to other disks; the new ones must hold what the old ones did.
void CoreHost::reshard(uint16_t shards) {
    struct NoWatch : broker::ReshardWatch {
        void on_progress(size_t, uint64_t, uint64_t) override {}
    } nobody;
    const auto seats = open_logs();
    for (const auto& seat : shards_) {
        give(*seat, broker::PolicyChanged{policies_.empty() ? nullptr : policies_.back().get()});
        give(*seat, broker::Restarted{});
    }
    ASSERT_TRUE(broker::come_to_rest(seats, logs(), now_, wall()));
    shards_.clear();
    const auto before = logs();
    const auto old_disks = std::exchange(disks_, {});
    for (uint16_t i = 0; i < shards; ++i)
        disks_.push_back(std::make_unique<store::testing::FaultyDisk>(random_.next()));
    const auto moved = broker::reshard({.from = before,
                                        .to = logs(),
                                        .key = config_.hash_key,
                                        .store = {.segment_bytes = 1 << 20},
                                        .now = now_,
                                        .wall = wall()},
                                       nobody);
    ASSERT_TRUE(moved) << moved.error().what;
    EXPECT_EQ(moved->dropped, 0u);
    EXPECT_EQ(broker::testing::image_of(logs()), broker::testing::image_of(before));
    config_.shard_count = shards;
    map_ = std::make_unique<broker::Core>(config_);
}

void CoreHost::restart(Crash crash, Duration downtime, std::optional<uint16_t> shards) {
    for (const auto& pipe : pipes_) {
        pipe->stage = Pipe::Stage::Closed;
        pipe->stalled.clear();
    }
    if (crash == Crash::PowerLoss)
        for (const auto& disk : disks_) disk->power_loss(random_);
    now_ += downtime;
    if (shards) reshard(*shards);
    open_shards();
    const auto* policy = policies_.empty() ? nullptr : policies_.back().get();
    order_all([this, policy](ShardSeat& seat) { give(seat, broker::PolicyChanged{policy}); });
}

WallTime CoreHost::wall() const {
    return WallTime{now_.time_since_epoch().count() / 1'000'000};
}

CoreHost::~CoreHost() = default;

std::unique_ptr<Link> CoreHost::dial(uint16_t listener) {
    const auto shard = uint16_t(random_.below(shards_.size()));
    pipes_.push_back(std::make_unique<Pipe>());
    Pipe& pipe = *pipes_.back();
    pipe.listener = {listener};
    pipe.server_name = server_name;
    pipe.shard = shard;
    pipe.id = seat_connection(shard, &pipe);
    return std::make_unique<PipeLink>(pipe);
}

ConnectionId CoreHost::seat_connection(uint16_t shard, Pipe* pipe) {
    auto& slots = shards_[shard]->slots;
    size_t at = 0;
    while (at < slots.size() && slots[at].pipe) ++at;
    if (at == slots.size()) slots.emplace_back();
    slots[at].pipe = pipe;
    return {uint32_t(at), ++slots[at].generation};
}

Pipe* CoreHost::release(ShardSeat& seat, ConnectionId id) {
    auto& slot = seat.slots.at(id.slot);
    EXPECT_EQ(slot.generation, id.generation) << "an effect names a connection that is gone";
    return std::exchange(slot.pipe, nullptr);
}

// --- what is there to do ---

bool CoreHost::has_input(const Pipe& pipe) const {
    if (pipe.stage == Pipe::Stage::Closed) return false;
    if (pipe.stage != Pipe::Stage::Open || pipe.to_flush > 0 || pipe.cut) return true;
    return !pipe.paused && !pipe.to_broker.empty();
}

bool CoreHost::has_disk_work(const ShardSeat& seat) const {
    return !disks_stalled_ && !seat.disk_work.empty();
}

bool CoreHost::tick_due(const ShardSeat& seat) const {
    const auto due = seat.shard->next_deadline();
    return due && *due <= now_;
}

std::vector<CoreHost::Source> CoreHost::sources_of(uint16_t shard) const {
    const ShardSeat& seat = *shards_[shard];
    std::vector<Source> found;
    for (size_t from = 0; from < seat.mail.size(); ++from)
        if (!seat.mail[from].empty()) found.push_back({Source::Kind::Mail, from});
    for (size_t i = 0; i < pipes_.size(); ++i)
        if (pipes_[i]->shard == shard && has_input(*pipes_[i]))
            found.push_back({Source::Kind::Pipe, i});
    if (!seat.verdicts.empty()) found.push_back({Source::Kind::Verdict});
    if (!seat.orders.empty()) found.push_back({Source::Kind::Order});
    if (has_disk_work(seat)) found.push_back({Source::Kind::Disk});
    if (tick_due(seat)) found.push_back({Source::Kind::Tick});
    return found;
}

std::vector<uint16_t> CoreHost::busy_shards() const {
    std::vector<bool> busy(shards_.size());
    for (const auto& pipe : pipes_)
        if (has_input(*pipe)) busy[pipe->shard] = true;
    std::vector<uint16_t> found;
    for (uint16_t i = 0; i < shards_.size(); ++i) {
        const ShardSeat& seat = *shards_[i];
        const bool mail = std::any_of(seat.mail.begin(), seat.mail.end(),
                                      [](const auto& box) { return !box.empty(); });
        if (busy[i] || mail || !seat.verdicts.empty() || has_disk_work(seat) ||
            !seat.orders.empty() || tick_due(seat))
            found.push_back(i);
    }
    return found;
}

// --- turns ---

void CoreHost::run_until(const std::function<bool()>& done, const Absorb& absorb) {
    for (size_t turn = 0;; ++turn) {
        if (turn == kTurnsMax) {
            ADD_FAILURE() << "the broker does not come to rest";
            return;
        }
        if (done()) return;
        const auto busy = busy_shards();
        if (busy.empty()) {
            if (!absorb()) return;
            continue;
        }
        const uint16_t shard = busy[random_.below(busy.size())];
        if (busy.size() > 1 && puts_off_disk() && waits_for_disk_alone(shard)) continue;
        run_turn(shard);
        if (random_.below(4) == 0) absorb();
    }
}

size_t CoreHost::some_of(size_t count) {
    return random_.below(2) == 0 ? count : 1 + random_.below(count);
}

bool CoreHost::puts_off_disk() {
    return options_.slow_disk && random_.below(8) != 0;
}

bool CoreHost::waits_for_disk_alone(uint16_t shard) const {
    const auto sources = sources_of(shard);
    return sources.size() == 1 && sources[0].kind == Source::Kind::Disk;
}

void CoreHost::run_turn(uint16_t shard) {
    ShardSeat& seat = *shards_[shard];
    // As it does: what a client does after an answer is stamped later, on whatever shard.
    now_ += std::chrono::microseconds(1);
    auto sources = sources_of(shard);
    if (sources.size() > 1 && puts_off_disk())
        std::erase_if(sources, [](const Source& each) { return each.kind == Source::Kind::Disk; });
    for (size_t i = sources.size(); i > 1; --i)
        std::swap(sources[i - 1], sources[random_.below(i)]);
    sources.resize(some_of(sources.size()));
    for (const Source& source : sources) feed(seat, source);
    seat.shard->end_turn(now_, wall(), seat.fx);
    perform(seat);
}

void CoreHost::give(ShardSeat& seat, const broker::Input& input) {
    seat.shard->handle(input, now_, seat.fx);
}

void CoreHost::feed(ShardSeat& seat, const Source& source) {
    switch (source.kind) {
        case Source::Kind::Mail:
            return feed_mail(seat, uint16_t(source.index));
        case Source::Kind::Pipe:
            return feed_pipe(seat, *pipes_[source.index]);
        case Source::Kind::Verdict:
            give(seat, seat.verdicts.front());
            return seat.verdicts.pop_front();
        case Source::Kind::Order:
            seat.orders.front()(seat);
            return seat.orders.pop_front();
        case Source::Kind::Disk:
            return feed_disk(seat);
        case Source::Kind::Tick:
            return give(seat, broker::Tick{});
    }
}

void CoreHost::feed_disk(ShardSeat& seat) {
    auto done = store::perform(std::move(seat.disk_work.front()), *disks_[seat.id.value], "");
    seat.disk_work.pop_front();
    give(seat, broker::StoreDone{&done});
}

void CoreHost::feed_mail(ShardSeat& seat, uint16_t from) {
    auto& box = seat.mail[from];
    for (size_t count = some_of(box.size()); count > 0; --count) {
        const broker::Envelope envelope = std::move(box.front());
        box.pop_front();
        give(seat, broker::Mail{{from}, &envelope});
    }
}

void CoreHost::feed_pipe(ShardSeat& seat, Pipe& pipe) {
    if (pipe.stage == Pipe::Stage::Accepted) {
        pipe.stage = Pipe::Stage::Open;
        give(seat, broker::Accepted{.connection = pipe.id, .listener = pipe.listener});
        if (!pipe.server_name.empty() || !options_.certificate.empty())
            give(seat, broker::Identified{.connection = pipe.id,
                                          .common_name = options_.certificate,
                                          .server_name = pipe.server_name});
        return;
    }
    if (pipe.stage == Pipe::Stage::Adopted) {
        pipe.stage = Pipe::Stage::Open;
        const Buffer bytes = std::exchange(pipe.adopted_bytes, {});
        const auto verdict = std::exchange(pipe.adopted_verdict, {});
        return give(seat, broker::Adopted{.connection = pipe.id,
                                          .listener = pipe.listener,
                                          .bytes = bytes,
                                          .common_name = options_.certificate,
                                          .server_name = pipe.server_name,
                                          .verdict = verdict.get()});
    }
    if (pipe.to_flush > 0)
        return give(seat, broker::Flushed{pipe.id, std::exchange(pipe.to_flush, 0)});
    if (!pipe.to_broker.empty() && !pipe.paused) {
        size_t count = pipe.to_broker.size();
        if (options_.cut_bytes && random_.below(3) == 0) count = 1 + random_.below(count);
        const Buffer bytes(pipe.to_broker.begin(), pipe.to_broker.begin() + std::ptrdiff_t(count));
        pipe.to_broker.erase(pipe.to_broker.begin(),
                             pipe.to_broker.begin() + std::ptrdiff_t(count));
        return give(seat, broker::Received{pipe.id, bytes});
    }
    if (pipe.cut) {
        pipe.stage = Pipe::Stage::Closed;
        const ConnectionId id = pipe.id;
        release(seat, id);
        give(seat, broker::Closed{id, "cut"});
    }
}

// --- effects ---

void CoreHost::perform(ShardSeat& seat) {
    perform_writes(seat);
    broker::Effects& fx = seat.fx;
    for (const auto& close : fx.closes) {
        if (Pipe* pipe = release(seat, close.connection)) {
            pipe->stage = Pipe::Stage::Closed;
            pipe->websocket_code = close.websocket_code;
        }
    }
    const auto set_paused = [&](ConnectionId id, bool paused) {
        const auto& slot = seat.slots.at(id.slot);
        if (slot.generation == id.generation && slot.pipe) slot.pipe->paused = paused;
    };
    // A connection is in one of the two lists at most.
    for (const ConnectionId id : fx.pauses) set_paused(id, true);
    for (const ConnectionId id : fx.resumes) set_paused(id, false);
    perform_moves(seat);
    for (auto& post : fx.posts) {
        EXPECT_NE(post.to, seat.id);
        shards_.at(post.to.value)->mail[seat.id.value].push_back(std::move(post.envelope));
    }
    for (auto& work : fx.work) seat.disk_work.push_back(std::move(work));
    answer_authentication(seat);
    std::move(fx.events.begin(), fx.events.end(), std::back_inserter(events));
    fx.clear();
}

void CoreHost::perform_writes(ShardSeat& seat) {
    const broker::Effects& fx = seat.fx;
    for (const auto& dirty : fx.dirty) {
        const auto& slot = seat.slots.at(dirty.connection.slot);
        EXPECT_EQ(slot.generation, dirty.connection.generation);
        Pipe* pipe = slot.pipe;
        if (!pipe) continue;  // cut by the client
        Buffer& out = pipe->reading ? pipe->to_client : pipe->stalled;
        const size_t before = out.size();
        for (uint32_t at = dirty.first; at != broker::Effects::kNone; at = fx.writes[at].next) {
            const auto& write = fx.writes[at];
            put_bytes(out, Bytes(fx.arena).subspan(write.arena_at, write.arena_bytes));
            if (write.message) put_bytes(out, write.message->payload());
        }
        EXPECT_EQ(out.size() - before, dirty.bytes);
        if (pipe->reading) pipe->to_flush += uint32_t(out.size() - before);
        if (pipe->cut) out.clear();
    }
}

void CoreHost::perform_moves(ShardSeat& seat) {
    for (auto& move : seat.fx.moves) {
        Pipe* pipe = release(seat, move.connection);
        if (!pipe) continue;
        pipe->shard = move.to.value;
        pipe->id = seat_connection(move.to.value, pipe);
        pipe->stage = Pipe::Stage::Adopted;
        pipe->adopted_bytes = std::move(move.bytes);
        pipe->adopted_verdict = std::move(move.verdict);
        pipe->paused = false;
    }
}

void CoreHost::answer_authentication(ShardSeat& seat) {
    for (const auto& request : seat.fx.auth_requests) {
        const AuthAnswer answer =
            options_.authenticator ? options_.authenticator(request) : AuthAnswer{};
        const Instant expires = answer.lasts == Duration::max() ? kNever : now_ + answer.lasts;
        seat.verdicts.push_back({request.connection, answer.reason, answer.data, answer.why,
                                 answer.claims, answer.username, expires, answer.realm,
                                 answer.method});
        auth_requests.push_back(request);
    }
}

// --- time and the other inputs ---

void CoreHost::advance(Duration duration, const std::function<void()>& settle) {
    const Instant end = now_ + duration;
    for (;;) {
        std::optional<Instant> next;
        for (const auto& seat : shards_)
            if (const auto due = seat->shard->next_deadline(); due && (!next || *due < *next))
                next = due;
        if (!next || *next > end) break;
        now_ = std::max(now_, *next);
        settle();
    }
    now_ = end;
}

void CoreHost::order_all(const Order& order) {
    for (const auto& seat : shards_) seat->orders.push_back(order);
}

void CoreHost::kick(std::string_view client_id, mqtt::ReasonCode reason) {
    order_all([this, id = std::string(client_id), reason](ShardSeat& seat) {
        give(seat, broker::Kick{{}, id, reason});
    });
}

void CoreHost::shut_down() {
    order_all([this](ShardSeat& seat) { give(seat, broker::Shutdown{}); });
}

void CoreHost::inject(std::string_view topic, std::string_view payload, uint8_t qos, bool retain) {
    shards_[random_.below(shards_.size())]->orders.push_back([this, topic = std::string(topic),
                                                              payload = std::string(payload), qos,
                                                              retain](ShardSeat& seat) {
        give(seat, broker::Inject{{}, topic, as_bytes(payload), mqtt::Qos(qos), retain});
    });
}

void CoreHost::set_acl(std::optional<std::string_view> text) {
    if (!text) return use_policy(nullptr);
    auto parsed = auth::parse_acl(*text);
    ASSERT_TRUE(parsed) << "the test's ACL";
    use_policy(std::make_unique<auth::Policy>(*std::move(parsed)));
}

void CoreHost::set_policy(std::string_view text) {
    auto parsed = auth::parse_policy(text);
    ASSERT_TRUE(parsed) << "the test's policy: " << parsed.error().what;
    use_policy(std::make_unique<auth::Policy>(std::move(parsed->policy)));
}

/// Old ones stay: a shard may be about to use one.
void CoreHost::use_policy(std::unique_ptr<auth::Policy> policy) {
    if (policy) policy->set_source("policy");
    const auto* next = policy.get();
    policies_.push_back(std::move(policy));
    order_all([this, next](ShardSeat& seat) { give(seat, broker::PolicyChanged{next}); });
}

void CoreHost::set_memory(broker::Memory memory) {
    order_all([this, memory](ShardSeat& seat) { give(seat, broker::MemoryState{memory}); });
}

void CoreHost::change_users(std::vector<std::string> users) {
    std::ranges::sort(users);
    order_all([this, users](ShardSeat& seat) { give(seat, broker::UsersChanged{users}); });
}

const broker::Counters& CoreHost::counters(uint16_t shard) const {
    return shards_.at(shard)->shard->counters();
}

broker::Counters CoreHost::counters() const {
    broker::Counters sum;
    for (const auto& seat : shards_) sum += seat->shard->counters();
    return sum;
}

ShardId CoreHost::home_of(std::string_view client_id) const {
    return map_->home_of_client({}, client_id);
}

std::optional<broker::SessionReport> CoreHost::report(std::string_view client_id) const {
    return shards_.at(home_of(client_id).value)->shard->report({}, client_id);
}

broker::RealmReport CoreHost::realm(size_t number) const {
    broker::RealmReport sum;
    for (const auto& seat : shards_) sum += seat->shard->report_realms().at(number);
    return sum;
}

ShardId CoreHost::home_of_group(std::string_view share, std::string_view filter) const {
    return map_->home_of_group({{}, std::string(share), std::string(filter)});
}

}  // namespace godwit::world
