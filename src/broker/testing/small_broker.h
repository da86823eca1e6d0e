// SmallBroker: the shards of a broker in one thread, on one disk in memory, with clients that
// answer what they get. For tests and fuzzers beside the code that want a store made by real
// shards, or want to know that a broker lives on what a store holds. Every broken promise is a
// GW_ASSERT.
#pragma once

#include "broker/shard.h"
#include "mqtt/decoder.h"
#include "mqtt/encoder.h"
#include "store/testing/faulty_disk.h"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace godwit::broker::testing {

class SmallBroker {
public:
    struct Client {
        uint16_t shard = 0;
        ConnectionId id;
        bool is_open = true;
        bool answers = true;  // acknowledges what it gets
        Buffer received;
        std::vector<std::string> topics;  // of the messages it got
    };

    explicit SmallBroker(uint16_t shard_count) : shard_count_(shard_count) {}

    /// The process ends here.
    void kill() {
        seats_.clear();
        clients.clear();
    }
    /// It starts from its disk. @return  false: a store is of a later version, or cannot be read
    bool open() {
        kill();
        seats_.reserve(shard_count_);
        std::vector<broker::ShardSeat> shards;
        for (uint16_t i = 0; i < shard_count_; ++i) {
            Seat& seat = seats_.emplace_back();
            auto opened = Shard::open(config(i), disk, folder(i), store_options, seat.fx);
            if (!opened) return false;
            seat.shard = std::move(opened->shard);
            seat.found = std::move(opened->found);
            seat.damage = std::move(opened->damage);
            if (seat.found.clock) now = std::max(now, seat.found.clock->now);
        }
        for (Seat& seat : seats_) shards.push_back({seat.shard.get(), &seat.fx});
        broker::settle(shards, now, wall());
        for (Seat& seat : seats_) seat.shard->handle(Restarted{}, now, seat.fx);
        for (uint16_t i = 0; i < shard_count_; ++i) perform(i);
        settle();
        return true;
    }

    /// @return  the client's number
    size_t connect(const mqtt::Connect& packet) {
        const auto number = uint32_t(clients.size());
        clients.push_back({.shard = uint16_t(number % shard_count_), .id = {number, 1}});
        give(clients[number].shard, Accepted{clients[number].id, {0}});
        send(number, [&](Buffer& out) { mqtt::encode_connect(out, packet); });
        settle();
        return number;
    }
    /// @param encode  appends a packet
    template <class Encode>
    void send(size_t client, Encode encode) {
        Buffer bytes;
        encode(bytes);
        if (!clients[client].is_open) return;
        give(clients[client].shard, Received{clients[client].id, bytes});
    }
    void publish(size_t client, const mqtt::PublishHead& head, std::string_view payload) {
        send(client, [&](Buffer& out) {
            mqtt::encode_publish(out, mqtt::Version::V5, head, as_bytes(payload));
        });
    }
    void subscribe(size_t client, std::string_view filter, mqtt::Qos qos,
                   uint32_t subscription_id = 0) {
        const mqtt::SubscribeEntry entry{filter, {.qos = qos}};
        send(client, [&](Buffer& out) {
            mqtt::encode_subscribe(out, mqtt::Version::V5,
                                   {.packet_id = {1},
                                    .subscription_id = subscription_id,
                                    .user_properties = {},
                                    .entries = {&entry, 1}});
        });
    }
    /// Its connection breaks.
    void cut(size_t client) {
        if (!std::exchange(clients[client].is_open, false)) return;
        give(clients[client].shard, Closed{clients[client].id, "cut"});
    }

    /// Turns until nobody has anything left to do at this moment.
    void settle() { GW_ASSERT(!run(kRoundsMax)); }
    /// The same, but a power loss may come in between. @return  somebody has something left to do
    bool run(size_t rounds) {
        bool busy = true;
        for (; busy && rounds > 0; --rounds) {
            busy = false;
            for (uint16_t i = 0; i < shard_count_; ++i) busy |= turn(i);
            for (size_t i = 0; i < clients.size(); ++i) busy |= answer(i);
        }
        return busy;
    }
    void advance(Duration duration) {
        now += duration;
        settle();
    }

    const Found& found(uint16_t shard) const { return seats_[shard].found; }
    const std::vector<store::Damage>& damage(uint16_t shard) const { return seats_[shard].damage; }
    const Counters& counters(uint16_t shard) const { return seats_[shard].shard->counters(); }
    static std::string folder(uint16_t shard) { return "shard-" + std::to_string(shard); }
    uint16_t shard_count() const { return shard_count_; }
    ShardConfig config(uint16_t shard) const {
        return {.id = {shard},
                .shard_count = shard_count_,
                .hash_key = {1, 2},
                .random_seed = 3,
                .options = &options};
    }

    store::testing::FaultyDisk disk{1};
    BrokerOptions options;
    store::Options store_options{.segment_bytes = store::Options::kSegmentBytesMin};
    Instant now{std::chrono::hours(1)};
    std::vector<Client> clients;

private:
    static constexpr size_t kRoundsMax = 100'000;

    struct Seat {
        std::unique_ptr<Shard> shard;
        Found found;
        std::vector<store::Damage> damage;
        Effects fx;
        std::deque<std::pair<ShardId, Envelope>> mail;
        std::deque<store::Work> work;
        std::deque<Effects::Move> moved;
        std::vector<std::pair<ConnectionId, uint32_t>> flushed;
    };

    WallTime wall() const { return {now.time_since_epoch().count() / 1'000'000}; }

    void give(uint16_t shard, const Input& input) {
        seats_[shard].shard->handle(input, now, seats_[shard].fx);
        perform(shard);
    }

    bool turn(uint16_t shard) {
        Seat& seat = seats_[shard];
        const auto due = seat.shard->next_deadline();
        bool busy = due && *due <= now;
        if (busy) give(shard, Tick{});
        for (auto& [from, envelope] : std::exchange(seat.mail, {})) {
            give(shard, Mail{from, &envelope});
            busy = true;
        }
        for (store::Work& work : std::exchange(seat.work, {})) {
            auto done = store::perform(std::move(work), disk, folder(shard));
            give(shard, StoreDone{&done});
            busy = true;
        }
        for (const Effects::Move& move : std::exchange(seat.moved, {})) {
            Client& client = clients[move.connection.slot];
            client.id.generation += 1;
            client.shard = shard;
            give(shard, Adopted{client.id, {0}, move.bytes});
            busy = true;
        }
        for (const auto& [connection, bytes] : std::exchange(seat.flushed, {}))
            give(shard, Flushed{connection, bytes});
        seat.shard->end_turn(now, wall(), seat.fx);
        perform(shard);
        return busy || !seat.work.empty() || !seat.mail.empty();
    }

    void perform(uint16_t shard) {
        Seat& seat = seats_[shard];
        Effects& fx = seat.fx;
        for (Effects::Post& post : fx.posts) {
            GW_ASSERT(post.to.value < shard_count_);
            seats_[post.to.value].mail.emplace_back(ShardId{shard}, std::move(post.envelope));
        }
        for (store::Work& work : fx.work) seat.work.push_back(std::move(work));
        for (const Effects::Dirty& dirty : fx.dirty) write(seat, dirty);
        for (const Effects::Close& close : fx.closes)
            clients[close.connection.slot].is_open = false;
        for (Effects::Move& move : fx.moves) seats_[move.to.value].moved.push_back(std::move(move));
        fx.clear();
    }

    void write(Seat& seat, const Effects::Dirty& dirty) {
        Buffer& out = clients[dirty.connection.slot].received;
        for (uint32_t at = dirty.first; at != Effects::kNone; at = seat.fx.writes[at].next) {
            const Effects::Write& write = seat.fx.writes[at];
            put_bytes(out, Bytes(seat.fx.arena).subspan(write.arena_at, write.arena_bytes));
            if (write.message) put_bytes(out, write.message->payload());
        }
        seat.flushed.emplace_back(dirty.connection, uint32_t(dirty.bytes));
    }

    /// Reads what came, all of which is well formed. @return  false when nothing had come
    bool answer(size_t number) {
        const Buffer bytes = std::exchange(clients[number].received, {});
        for (Bytes rest = bytes; !rest.empty();) {
            const auto status = mqtt::next_frame(rest, mqtt::kPacketBytesMax);
            GW_ASSERT(status && status->complete);
            answer(number, status->frame);
            rest = rest.subspan(status->frame.size);
        }
        return !bytes.empty();
    }

    void answer(size_t number, const mqtt::Frame& frame) {
        using mqtt::PacketType;
        const auto ack = [&](auto encode, PacketId id) {
            if (clients[number].answers)
                send(number, [&](Buffer& out) {
                    encode(out, mqtt::Version::V5, {id, {}, {}, {}});
                });
        };
        if (frame.type() == PacketType::Publish) {
            const auto packet =
                mqtt::decode_publish(frame, mqtt::Version::V5, {}, mqtt::Sender::Server);
            if (!packet) std::fprintf(stderr, "%s\n", packet.error().what);
            GW_ASSERT(packet.has_value());
            clients[number].topics.emplace_back(packet->topic);
            if (packet->qos == mqtt::Qos::AtLeastOnce) ack(mqtt::encode_puback, packet->packet_id);
            if (packet->qos == mqtt::Qos::ExactlyOnce) ack(mqtt::encode_pubrec, packet->packet_id);
        } else if (frame.type() == PacketType::Pubrel || frame.type() == PacketType::Pubrec) {
            const auto packet = mqtt::decode_ack(frame, mqtt::Version::V5, {});
            GW_ASSERT(packet.has_value());
            const bool rel = frame.type() == PacketType::Pubrel;
            ack(rel ? mqtt::encode_pubcomp : mqtt::encode_pubrel, packet->packet_id);
        }
    }

    uint16_t shard_count_;
    std::vector<Seat> seats_;
};

}  // namespace godwit::broker::testing
