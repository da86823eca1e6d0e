#include "desk.h"

#include "mqtt/encoder.h"

namespace godwit::bench {

struct Desk::Shard {
    Shard(uint16_t number, uint64_t seed) : id{number}, disk(seed) {}
    struct Letter {
        ShardId from;
        broker::Envelope envelope;
    };
    ShardId id;
    store::testing::FaultyDisk disk;  // read once, when the log is opened
    std::unique_ptr<broker::Shard> shard;
    broker::Effects fx;
    std::deque<Letter> mail;
    std::vector<store::Work> work;
    std::vector<broker::Flushed> flushed;
    uint32_t connections = 0;
};

Desk::Desk(uint16_t shards, bool durable) {
    config_.shard_count = shards;
    config_.hash_key = {1, 2};
    config_.options = &options_;
    std::vector<broker::ShardSeat> seats;
    for (uint16_t i = 0; i < shards; ++i) {
        config_.id = {i};
        shards_.push_back(std::make_unique<Shard>(i, i));
        Shard& at = *shards_.back();
        if (!durable) {
            at.shard = std::make_unique<broker::Shard>(config_);
            continue;
        }
        auto opened = broker::Shard::open(config_, at.disk, "", {.salt = 1}, at.fx);
        GW_ASSERT(opened);
        at.shard = std::move(opened->shard);
        seats.push_back({at.shard.get(), &at.fx});
    }
    if (durable) {
        broker::settle(seats, now_, WallTime{1});
        for (const auto& at : shards_) give(*at, broker::Restarted{});
        settle();
    }
    map_ = std::make_unique<broker::Core>(config_);
}

Desk::~Desk() = default;

ShardId Desk::home_of(std::string_view client_id) const {
    return map_->home_of_client({0}, client_id);
}

Seat Desk::connect(std::string_view client_id, bool clean_session) {
    Shard& at = *shards_[home_of(client_id).value];
    const Seat seat{at.id.value, {at.connections++, 1}};
    give(at, broker::Accepted{seat.connection, {0}});
    Buffer packet;
    mqtt::encode_connect(
        packet,
        {.version = mqtt::Version::V311, .clean_start = clean_session, .client_id = client_id});
    receive(seat, packet);
    settle();
    return seat;
}

void Desk::subscribe(const Seat& seat, std::string_view filter, mqtt::Qos qos) {
    const mqtt::SubscribeEntry entry{filter, {.qos = qos}};
    Buffer packet;
    mqtt::encode_subscribe(packet, mqtt::Version::V311, {.packet_id = {1}, .entries = {&entry, 1}});
    receive(seat, packet);
    settle();
}

void Desk::cut(const Seat& seat) {
    give(*shards_[seat.shard], broker::Closed{seat.connection, "cut"});
    settle();
}

void Desk::receive(const Seat& seat, Bytes bytes) {
    give(*shards_[seat.shard], broker::Received{seat.connection, bytes});
}

uint64_t Desk::counted(uint64_t broker::Counters::*counter) const {
    uint64_t sum = 0;
    for (const auto& at : shards_) sum += at->shard->counters().*counter;
    return sum;
}

void Desk::give(Shard& at, const broker::Input& input) {
    at.shard->handle(input, now_, at.fx);
}

void Desk::settle() {
    bool busy = true;
    while (busy) {
        busy = false;
        for (const auto& at : shards_) busy |= end_turn(*at);
    }
}

void Desk::deliver_letters(Shard& at) {
    while (!at.mail.empty()) {
        const Shard::Letter letter = std::move(at.mail.front());
        at.mail.pop_front();
        give(at, broker::Mail{letter.from, &letter.envelope});
    }
    for (const auto& flushed : at.flushed) give(at, flushed);
    at.flushed.clear();
    for (store::Work& work : at.work) {
        GW_ASSERT(work.kind != store::Work::Kind::Read);  // nothing is written that could be read
        store::WorkDone done{.work = std::move(work)};
        give(at, broker::StoreDone{&done});
    }
    at.work.clear();
}

bool Desk::end_turn(Shard& at) {
    deliver_letters(at);
    at.shard->end_turn(now_, WallTime{1}, at.fx);
    if (at.fx.empty()) return false;
    GW_ASSERT(at.fx.closes.empty() && at.fx.moves.empty());
    for (const auto& dirty : at.fx.dirty)
        at.flushed.push_back({dirty.connection, uint32_t(dirty.bytes)});
    for (auto& post : at.fx.posts)
        shards_[post.to.value]->mail.push_back({at.id, std::move(post.envelope)});
    for (auto& work : at.fx.work) at.work.push_back(std::move(work));
    at.fx.clear();
    return true;
}

}  // namespace godwit::bench
