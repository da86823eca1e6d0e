#include "broker/reading.h"

#include "broker/shard.h"
#include "mqtt/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::broker {
namespace {

using mqtt::Qos;
using mqtt::Version;

constexpr auto kHour = std::chrono::hours(1);

template <class Encode>
Buffer bytes_of(Encode&& encode) {
    Buffer out;
    encode(out);
    return out;
}

Buffer publishes(std::string_view topic, int count, Qos qos = Qos::AtMostOnce) {
    Buffer out;
    for (int i = 1; i <= count; ++i)
        mqtt::encode_publish(out, Version::V5,
                             {.qos = qos, .topic = topic, .packet_id = {uint16_t(i)}},
                             as_bytes(std::to_string(i)));
    return out;
}

/// One shard and what its turns ask of the outside; nothing it writes is flushed but by flush().
class OneShard {
public:
    explicit OneShard(ShardConfig config) : shard_(config) {}

    /// Turns are the test's: nothing here ends one but end_turn().
    void give(const Input& input) { shard_.handle(input, Instant(kHour), fx_); }
    void receive(ConnectionId id, const Buffer& bytes) { give(Received{id, bytes}); }
    /// What the turn asked for is in the public fields afterwards.
    void end_turn() {
        shard_.end_turn(Instant(kHour), {}, fx_);
        for (const auto& dirty : fx_.dirty) written[dirty.connection.slot] += dirty.bytes;
        for (const ConnectionId id : fx_.pauses) paused.push_back(id);
        for (const ConnectionId id : fx_.resumes) std::erase(paused, id);
        for (Effects::Post& post : fx_.posts) posts.push_back(std::move(post.envelope));
        closes += fx_.closes.size();
        fx_.clear();
    }
    /// One that goes on with what was left over. @return  false: nothing is
    bool next_turn() {
        const auto due = shard_.next_deadline();
        if (!due || *due > Instant(kHour)) return false;
        give(Tick{});
        end_turn();
        return true;
    }
    ConnectionId connect(mqtt::Connect packet, std::string_view filter = {}) {
        const ConnectionId id{uint32_t(written.size()), 1};
        written.push_back(0);
        const std::string client = "client" + std::to_string(id.slot);
        packet.client_id = client;
        give(Accepted{id, {}});
        receive(id, bytes_of([&](Buffer& out) { mqtt::encode_connect(out, packet); }));
        const mqtt::SubscribeEntry entry{filter, {.qos = Qos::ExactlyOnce}};
        if (!filter.empty())
            receive(id, bytes_of([&](Buffer& out) {
                        mqtt::encode_subscribe(
                            out, Version::V5,
                            {.packet_id = {1}, .user_properties = {}, .entries = {&entry, 1}});
                    }));
        end_turn();
        return id;
    }
    void flush(ConnectionId id) { give(Flushed{id, uint32_t(std::exchange(written[id.slot], 0))}); }
    bool is_paused(ConnectionId id) const {
        return std::find(paused.begin(), paused.end(), id) != paused.end();
    }
    const Counters& counters() const { return shard_.counters(); }

    std::vector<uint64_t> written;  // and not flushed, by connection
    std::vector<ConnectionId> paused;
    std::vector<Envelope> posts;
    size_t closes = 0;

private:
    Shard shard_;
    Effects fx_;
};

class Reading : public ::testing::Test {
protected:
    ShardConfig config(uint32_t turn_work) const {
        return {.options = &options_, .pace = {.turn_work = turn_work}};
    }
    BrokerOptions options_;
};

TEST_F(Reading, WhoIsAloneHasTheWholeTurn) {
    OneShard shard(config(64));
    const auto busy = shard.connect({}), taker = shard.connect({}, "t");
    shard.receive(busy, publishes("x", 1));
    shard.end_turn();
    shard.receive(busy, publishes("t", 100));
    shard.end_turn();
    EXPECT_EQ(shard.counters().publishes_sent, 32u) << "a packet and a delivery each";
    EXPECT_TRUE(shard.is_paused(busy));
    EXPECT_FALSE(shard.is_paused(taker));
}

TEST_F(Reading, WhatIsLeftOverIsForTheNextTurnsInItsOrder) {
    OneShard shard(config(64));
    const auto busy = shard.connect({});
    shard.connect({}, "t");
    shard.receive(busy, publishes("x", 1));
    shard.end_turn();
    shard.receive(busy, publishes("t", 100));
    shard.end_turn();
    size_t turns = 1;
    while (shard.next_turn()) ++turns;
    EXPECT_EQ(turns, 4u);
    EXPECT_EQ(shard.counters().publishes_sent, 100u);
    EXPECT_FALSE(shard.is_paused(busy)) << "it is read again";
}

/// 127 connections that publish one message to one taker each turn, and one that is busy.
class Crowd : public Reading {
protected:
    Crowd() {
        shard_.connect({}, "calm");
        for (int i = 0; i < 127; ++i) calm_.push_back(shard_.connect({}));
    }
    /// @return  what the busy one got through
    uint64_t turn(std::string_view topic) {
        const uint64_t before = shard_.counters().publishes_received;
        for (const ConnectionId id : calm_) shard_.receive(id, publishes("calm", 1));
        if (!shard_.is_paused(busy_)) shard_.receive(busy_, publishes(topic, 1000));
        if (!shard_.next_turn()) shard_.end_turn();
        return shard_.counters().publishes_received - before - calm_.size();
    }

    OneShard shard_{config(16'384)};
    const ConnectionId busy_ = shard_.connect({});
    std::vector<ConnectionId> calm_;
};

TEST_F(Crowd, OneThatIsBusyTakesNoMoreThanSixteenTimesTheAverage) {
    shard_.connect({}, "busy");
    turn("busy");  // how many are read is told from the turn before
    for (int i = 0; i < 10; ++i) EXPECT_EQ(turn("busy"), 16u) << "of 2 work each, as the others";
}

TEST_F(Crowd, APublishToManyCountsAsOneForEach) {
    for (int i = 0; i < 100; ++i) shard_.connect({}, "busy");
    turn("busy");
    uint64_t count = 0;
    for (int i = 0; i < 30; ++i) count += turn("busy");
    EXPECT_GE(count, 30u / 4) << "101 of work in four turns of 32";
    EXPECT_LE(count, 30u / 3 + 1);
}

TEST_F(Reading, APublishToManyIsNotDivided) {
    OneShard shard(config(8));
    const auto busy = shard.connect({});
    for (int i = 0; i < 50; ++i) shard.connect({}, "t");
    shard.receive(busy, publishes("t", 2));
    shard.end_turn();
    EXPECT_EQ(shard.counters().publishes_sent, 50u);
    while (shard.next_turn()) continue;
    EXPECT_EQ(shard.counters().publishes_sent, 100u);
}

TEST_F(Reading, WhatWasSentBeforeTheConnectionBrokeIsHandled) {
    OneShard shard(config(2));
    mqtt::Connect with_will;
    with_will.will = mqtt::Will{.topic = "t", .payload = as_bytes("dead")};
    const auto busy = shard.connect(with_will);
    shard.connect({}, "t");
    Buffer bytes = publishes("t", 10);
    mqtt::encode_disconnect(bytes, Version::V5, {});
    shard.receive(busy, bytes);
    shard.end_turn();
    EXPECT_LT(shard.counters().publishes_sent, 10u);
    shard.give(Closed{busy, "reset"});
    shard.end_turn();
    EXPECT_EQ(shard.counters().publishes_sent, 10u) << "and no will: it said good-bye";
    EXPECT_EQ(shard.counters().connections, 1u);
    EXPECT_EQ(shard.closes, 0u) << "the driver knows it no more";
}

TEST_F(Reading, WhoDoesNotReadItsAnswersIsNotReadEither) {
    options_.limits.output_bytes_max = 1000;
    OneShard shard(config(1'000'000));
    const auto client = shard.connect({});
    const Buffer pings = bytes_of([](Buffer& out) {
        for (int i = 0; i < 10'000; ++i) mqtt::encode_pingreq(out);
    });
    for (int i = 0; i < 10; ++i) shard.receive(client, pings);
    shard.end_turn();
    EXPECT_TRUE(shard.is_paused(client));
    EXPECT_GE(shard.written[client.slot], 1000u + 64 * 1024);
    EXPECT_LT(shard.written[client.slot], 1000u + 64 * 1024 + 2);
    while (shard.is_paused(client)) {
        shard.flush(client);
        shard.end_turn();
    }
    EXPECT_EQ(shard.counters().packets_received, 100'001u) << "none is lost";
}

/// Two shards, of which only the first is here.
class Pacing : public Reading {
protected:
    ShardConfig one_of_two() const {
        return {.shard_count = 2, .options = &options_, .pace = {.untaken_max = 4}};
    }
    static void take(OneShard& shard, uint64_t count) {
        uint64_t bytes = 0;
        for (const Envelope& each : shard.posts)
            if (const auto* publish = std::get_if<PublishEnvelope>(&each))
                bytes = publish->message->size_bytes();
        const Envelope taken = PublishesTaken{count, count * bytes};
        shard.give(Mail{{1}, &taken});
        shard.end_turn();
    }
    static size_t posted(const OneShard& shard) {
        return size_t(std::count_if(
            shard.posts.begin(), shard.posts.end(),
            [](const Envelope& each) { return std::holds_alternative<PublishEnvelope>(each); }));
    }
    /// A client whose home is here; "t" is subscribed on the other shard.
    static ConnectionId publisher(OneShard& shard) {
        ConnectionId id = shard.connect({});
        while (shard.counters().sessions == 0) id = shard.connect({});
        const Envelope route = RouteChange{.realm = {}, .filter = "t", .sequence = 1};
        shard.give(Mail{{1}, &route});
        shard.end_turn();
        return id;
    }
};

TEST_F(Pacing, APublisherOfQos0WaitsForAShardThatIsBehind) {
    OneShard shard(one_of_two());
    const auto client = publisher(shard);
    shard.receive(client, publishes("t", 10));
    shard.end_turn();
    EXPECT_EQ(posted(shard), 4u);
    EXPECT_TRUE(shard.is_paused(client));
    take(shard, 1);
    EXPECT_TRUE(shard.is_paused(client)) << "more than half is on its way";
    take(shard, 2);
    EXPECT_EQ(posted(shard), 7u);
    take(shard, 4);
    EXPECT_EQ(posted(shard), 10u);
    EXPECT_FALSE(shard.is_paused(client));
}

TEST_F(Pacing, WhoGetsAcknowledgementsIsPacedByThem) {
    OneShard shard(one_of_two());
    const auto client = publisher(shard);
    shard.receive(client, publishes("t", 10, Qos::AtLeastOnce));
    shard.end_turn();
    EXPECT_EQ(posted(shard), 10u);
    EXPECT_FALSE(shard.is_paused(client));
}

TEST_F(Pacing, AShardTellsOnceATurnWhatItHasTaken) {
    OneShard shard(one_of_two());
    const auto message = MessageRef::make({.topic = "t", .payload = as_bytes("1")});
    for (uint64_t number : {1, 2, 3}) {
        const Envelope publish = PublishEnvelope{.message = message, .number = number};
        shard.give(Mail{{1}, &publish});
    }
    shard.end_turn();
    shard.end_turn();
    std::vector<PublishesTaken> told;
    for (const Envelope& each : shard.posts)
        if (const auto* taken = std::get_if<PublishesTaken>(&each)) told.push_back(*taken);
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].count, 3u);
    EXPECT_EQ(told[0].bytes, 3 * message->size_bytes());
}

}  // namespace
}  // namespace godwit::broker
