#include "broker/keeping/restoring.h"

#include "broker/keeping/stored_shard.h"
#include "broker/testing/small_broker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using mqtt::Qos;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SmallBroker;

/// A log that a test writes object by object, and the broker that starts from it.
class Restoring : public ::testing::Test {
protected:
    Restoring() {
        class Nobody : public store::Replay {
            void on_put(ObjectId, Bytes) override {}
            void on_note(ObjectId, Bytes) override {}
            void on_erase(ObjectId) override {}
        } nobody;
        auto opened =
            store::Log::open(broker_.disk, SmallBroker::folder(0), broker_.store_options, nobody);
        log_.emplace(std::move(opened.value().log));
    }
    template <class Record>
    void put(uint32_t id, const Record& record) {
        Buffer bytes;
        append_object(bytes, record);
        log_->put({id}, bytes);
    }
    void put_session(uint32_t id, std::string_view client_id) {
        put(id,
            SessionRecord{.expiry_s = 3600, .client_id = client_id, .username = {}, .will = {}});
    }
    void put_message(uint32_t id, uint64_t number, std::string_view topic,
                     const std::vector<TakerRecord>& takers, uint64_t waiting_shards = 0) {
        Buffer bytes;
        append_object(bytes, MessageRecord{.number = number,
                                           .waiting_shards = waiting_shards,
                                           .parts = {.topic = topic,
                                                     .forwarded_properties = {},
                                                     .payload = as_bytes("x"),
                                                     .qos = Qos::AtLeastOnce,
                                                     .stamp = number,
                                                     .origin = origin_},
                                           .taker_count = uint32_t(takers.size()),
                                           .takers = {}});
        for (const TakerRecord& each : takers) append_taker(bytes, each);
        log_->put({id}, bytes);
    }
    void put_retained(uint32_t id, std::string_view payload, uint64_t stamp) {
        Buffer bytes;
        append_retained(bytes, {.topic = "kept",
                                .forwarded_properties = {},
                                .payload = as_bytes(payload),
                                .stamp = stamp,
                                .origin = origin_});
        log_->put({id}, bytes);
    }
    /// What the broker refuses when it starts from what was put.
    std::vector<std::string> start() {
        log_->commit();
        while (auto work = log_->work(Instant{}))
            log_->done(store::perform(std::move(*work), broker_.disk, SmallBroker::folder(0)),
                       Instant{});
        log_.reset();
        EXPECT_TRUE(broker_.open());
        const Found found = broker_.found(0);
        EXPECT_EQ(found.unreadable, found.refused.size());
        broker_.kill();
        EXPECT_TRUE(broker_.open());
        EXPECT_THAT(broker_.found(0).refused, IsEmpty()) << "what was refused is gone";
        return found.refused;
    }
    std::vector<std::string> received_by(std::string_view client_id) {
        const size_t client = broker_.connect(
            {.clean_start = false, .client_id = client_id, .session_expiry_s = 3600});
        return broker_.clients[client].topics;
    }

    SmallBroker broker_{1};
    std::optional<store::Log> log_;
    ShardId origin_;
};

TEST_F(Restoring, RefusesNothingOfASoundStore) {
    put_session(1, "c");
    put(2, SubscriptionRecord{.session = {1}, .share = {}, .filter = "a/#"});
    put_message(3, 1, "a/b", {{.owner = {1}, .qos = Qos::AtLeastOnce}});
    put_retained(4, "value", 1);
    EXPECT_THAT(start(), IsEmpty());
    EXPECT_THAT(received_by("c"), ElementsAre("a/b"));
}

TEST_F(Restoring, RefusesByNameWhatMeansNothing) {
    put_session(1, "c");
    log_->put({2}, as_bytes("\x63 of a later release"));
    log_->put({3}, as_bytes("\x01 a session cut off"));
    log_->put({4}, as_bytes("\x02"));
    log_->put({5}, as_bytes("\x04"));
    log_->put({6}, as_bytes("\x05"));
    log_->put({7}, as_bytes("\x06"));
    log_->put({8}, as_bytes("\x07"));
    log_->put({9}, as_bytes("\x08"));
    const auto refused = start();
    EXPECT_EQ(refused.size(), 8u);
    for (const char* each : {"object 2 (unknown): not of", "object 3 (session): not of",
                             "object 4 (subscription): not", "object 5 (message): not of",
                             "object 6 (retained): not of", "object 7 (group): not of",
                             "object 8 (crossing): not of", "object 9 (clock): not of"})
        EXPECT_THAT(refused, Contains(HasSubstr(each)));
    EXPECT_EQ(broker_.found(0).sessions, 1u);
}

TEST_F(Restoring, RefusesWhatHasLostWhatItBelongsTo) {
    put(2, SubscriptionRecord{.session = {1}, .share = {}, .filter = "a/#"});
    put_message(3, 1, "a/b", {{.owner = {1}, .qos = Qos::AtLeastOnce}});
    EXPECT_THAT(start(), ElementsAre("object 2 (subscription): its session is gone",
                                     "object 3 (message): nobody takes it"));
}

// A table that grew to the id of whoever is spoken of would take 32 GiB.
TEST_F(Restoring, NeedsNoRoomForObjectsThatAreOnlySpokenOf) {
    put(2, SubscriptionRecord{.session = {~0u}, .share = {}, .filter = "a/#"});
    put_message(3, 1, "a/b", {{.owner = {~0u - 1}, .qos = Qos::AtLeastOnce}});
    EXPECT_THAT(start(), ElementsAre("object 2 (subscription): its session is gone",
                                     "object 3 (message): nobody takes it"));
}

TEST_F(Restoring, RefusesWhatSpeaksOfShardsThatAreNotThere) {
    put_session(1, "c");
    put_message(2, 1, "a", {{.owner = {1}, .qos = Qos::AtLeastOnce}}, 2);
    put_message(
        3, 2, "b",
        {{.owner = {1}, .qos = Qos::ExactlyOnce, .packet_id = {1}, .loan = GroupLoan{{1}, {9}}}});
    EXPECT_THAT(start(), ElementsAre("object 2 (message): of a shard that is not there",
                                     "object 3 (message): of a shard that is not there"));
}

TEST_F(Restoring, TakesWhatHasSettledWithAShardThatIsGone) {
    put_session(1, "c");
    const TakerRecord owed{.owner = {1}, .qos = Qos::AtLeastOnce};
    TakerRecord lent = owed;
    lent.loan = GroupLoan{{1}, {9}};
    put_message(2, 1, "a", {owed, lent});
    Buffer note;
    append_note(note, {.kind = Note::Kind::Done, .taker = 1});
    log_->note({2}, note);
    EXPECT_THAT(start(), IsEmpty());
    broker_.kill();
    const auto stored = StoredShard::read(broker_.disk, SmallBroker::folder(0), {0}, 1);
    EXPECT_THAT(stored->faults(), IsEmpty()) << "verify judges as the broker does";
}

// Messages keep their origin when the shards get fewer.
TEST_F(Restoring, UsesWhatWasStampedWhenThereWereMoreShards) {
    origin_ = {9};
    put_session(1, "c");
    put(2, SubscriptionRecord{.session = {1}, .share = {}, .filter = "a"});
    put_message(3, 1, "a", {{.owner = {1}, .qos = Qos::AtLeastOnce}});
    put_retained(4, "value", 1);
    EXPECT_THAT(start(), IsEmpty());
    EXPECT_EQ(broker_.counters(0).retained, 1u);
    EXPECT_THAT(received_by("c"), ElementsAre("a"));
}

TEST_F(Restoring, KeepsOneOfTwoThatExcludeEachOther) {
    put_session(1, "c");
    put_session(2, "c");
    const SubscriptionRecord plain{
        .session = {1}, .options = {.qos = Qos::AtLeastOnce}, .share = {}, .filter = "a"};
    SubscriptionRecord shared = plain;
    shared.share = "s";
    shared.membership = 1;
    put(3, plain);
    put(4, plain);
    put(5, shared);
    put(6, shared);
    put(7, GroupRecord{{}, "s", "a"});
    put(8, GroupRecord{{}, "s", "a"});
    put(9, ClockRecord{Instant(std::chrono::hours(1)), {1}, 1});
    put(10, ClockRecord{Instant(std::chrono::hours(2)), {1}, 1});
    EXPECT_THAT(start(), ElementsAre("object 2 (session): a second session of one client",
                                     "object 8 (group): a second one",
                                     "object 4 (subscription): a second one of its session",
                                     "object 6 (membership): a second one of its session",
                                     "object 10 (clock): a second one"));
    EXPECT_EQ(broker_.counters(0).subscriptions, 2u);
    broker_.publish(broker_.connect({.client_id = "pub"}),
                    {.qos = Qos::AtLeastOnce, .topic = "a", .packet_id = {1}}, "1");
    broker_.settle();
    EXPECT_THAT(received_by("c"), ElementsAre("a", "a"));  // as itself, and as the group's member
}

TEST_F(Restoring, KeepsTheYoungerOfTwoRetainedValues) {
    put_retained(1, "younger", 9);
    put_retained(2, "older", 8);
    EXPECT_THAT(start(), ElementsAre("object 2 (retained): a younger one is there"));
    EXPECT_EQ(broker_.counters(0).retained, 1u);
}

// Damage may take the end of a message whose packet id was used again.
TEST_F(Restoring, SendsNoTwoMessagesUnderOnePacketId) {
    put_session(1, "c");
    put_message(2, 1, "a", {{.owner = {1}, .qos = Qos::AtLeastOnce, .packet_id = {5}}});
    put_message(3, 2, "b", {{.owner = {1}, .qos = Qos::AtLeastOnce, .packet_id = {5}}});
    EXPECT_THAT(start(), IsEmpty());
    EXPECT_EQ(broker_.counters(0).inflight, 1u);
    EXPECT_THAT(received_by("c"), ElementsAre("a", "b"));
    EXPECT_EQ(broker_.counters(0).inflight, 0u);
}

TEST_F(Restoring, EndsTheDeadlinesOfTheLatestMoment) {
    put(1, SessionRecord{.expiry_s = ~0u,
                         .expires = Instant(Duration(kNever.time_since_epoch().count() - 1)),
                         .client_id = "c",
                         .username = {},
                         .will = {}});
    put(2, ClockRecord{Instant::max(), {1}, ~uint64_t(0)});
    EXPECT_THAT(start(), IsEmpty());
    broker_.cut(broker_.connect({.clean_start = false, .client_id = "c", .session_expiry_s = ~0u}));
    broker_.advance(std::chrono::hours(24));
    EXPECT_EQ(broker_.counters(0).sessions, 1u);
}

// --- damage at random ---

/// Some of everything, by clients that come and go.
void fill(SmallBroker& broker, Random& random) {
    ASSERT_TRUE(broker.open());
    constexpr const char* kClients[] = {"c0", "c1", "c2", "c3", "c4", "c5"};
    for (size_t i = 0; i < 6; ++i) {
        const mqtt::Will will{.topic = "will", .payload = as_bytes("gone"), .delay_s = 60};
        const size_t client = broker.connect({.clean_start = false,
                                              .client_id = kClients[i],
                                              .will = i % 2 ? std::optional(will) : std::nullopt,
                                              .session_expiry_s = 3600,
                                              .receive_maximum = uint16_t(2 + i)});
        broker.subscribe(client, i % 3 == 0 ? "a/#" : "a/+", Qos(1 + i % 2), uint32_t(i));
        if (i > 3) broker.subscribe(client, "$share/s/a/#", Qos::ExactlyOnce);
        broker.clients[client].answers = i != 2;
        broker.settle();
        if (i < 5) broker.cut(client);
    }
    const size_t publisher =
        broker.connect({.clean_start = false, .client_id = "pub", .session_expiry_s = 3600});
    for (uint16_t i = 1; i <= 60; ++i) {
        const std::string topic = "a/" + std::to_string(random.below(20));
        broker.publish(publisher,
                       {.qos = Qos(random.below(3)),
                        .retain = random.below(4) == 0,
                        .topic = topic,
                        .packet_id = {i}},
                       std::string(random.below(3000), 'x'));
        if (random.below(3) == 0) broker.settle();
    }
    broker.cut(4);
    broker.settle();
    broker.kill();
}

std::vector<std::string> files_of(SmallBroker& broker) {
    std::vector<std::string> out;
    for (uint16_t i = 0; i < broker.shard_count(); ++i) {
        const std::string folder = SmallBroker::folder(i);
        const auto names = broker.disk.list(folder);
        for (const std::string& name : *names) out.push_back(folder + "/" + name);
    }
    return out;
}

void copy_files(SmallBroker& from, SmallBroker& to) {
    for (const std::string& name : files_of(from)) {
        const auto file = to.disk.create(name);
        ASSERT_TRUE(file);
        ASSERT_TRUE((*file)->write_at(0, from.disk.contents(name)));
    }
}

void damage_one(SmallBroker& broker, Random& random) {
    const auto names = files_of(broker);
    const std::string& name = names[random.below(names.size())];
    const uint64_t size = broker.disk.contents(name).size();
    const uint64_t at = random.below(size + 1);
    switch (random.below(5)) {
        case 0:
            return broker.disk.rot(name, 0, size, uint32_t(1 + random.below(5)));
        case 1:
            return broker.disk.rot(name, at, at + 64, 40);
        case 2:
            return broker.disk.rot(name, 4096, std::min<uint64_t>(size, 20'000), 10);
        case 3:
            ASSERT_TRUE(broker.disk.open(name).value()->truncate(at));
            return;
        case 4:
            ASSERT_TRUE(broker.disk.remove(name));
            return;
    }
}

uint64_t faults(SmallBroker& broker) {
    uint64_t sum = 0;
    for (uint16_t i = 0; i < broker.shard_count(); ++i)
        sum += StoredShard::read(broker.disk, SmallBroker::folder(i), {i}, broker.shard_count())
                   .value()
                   .counts()
                   .faults;
    return sum;
}

/// Clients come back, and it works for them.
void expect_service(SmallBroker& broker) {
    const size_t reader =
        broker.connect({.clean_start = false, .client_id = "c2", .session_expiry_s = 3600});
    broker.subscribe(reader, "proof", Qos::AtLeastOnce);
    const size_t writer = broker.connect({.client_id = "writer"});
    broker.publish(writer, {.qos = Qos::ExactlyOnce, .topic = "proof", .packet_id = {1}}, "1");
    broker.settle();
    EXPECT_THAT(broker.clients[reader].topics, Contains("proof"));
    broker.advance(std::chrono::hours(2));
}

/// Something that changes what is kept, by whichever client comes to mind.
void act(SmallBroker& broker, Random& random) {
    const size_t client = random.below(broker.clients.size());
    const std::string topic = "a/" + std::to_string(random.below(4));
    switch (random.below(8)) {
        case 0: {
            const mqtt::Will will{.topic = topic,
                                  .payload = as_bytes("gone"),
                                  .qos = Qos(random.below(3)),
                                  .retain = true};
            const std::string name = "c" + std::to_string(random.below(6));
            broker.connect({.clean_start = random.below(4) == 0,
                            .client_id = name,
                            .will = random.below(2) ? std::optional(will) : std::nullopt,
                            .session_expiry_s = uint32_t(random.below(3) * 20),
                            .receive_maximum = uint16_t(1 + random.below(4))});
            return;
        }
        case 1:
            return broker.cut(client);
        case 2: {
            const char* filters[] = {"a/#", "a/1", "$share/s/a/#", "$share/s/a/1"};
            return broker.subscribe(client, filters[random.below(4)], Qos(random.below(3)), 5);
        }
        case 3: {
            const std::string_view filters[] = {"a/#", "$share/s/a/#"};
            return broker.send(client, [&](Buffer& out) {
                mqtt::encode_unsubscribe(out, mqtt::Version::V5,
                                         {.packet_id = {2},
                                          .user_properties = {},
                                          .filters = {&filters[random.below(2)], 1}});
            });
        }
        case 4:
            broker.clients[client].answers = !broker.clients[client].answers;
            return broker.advance(std::chrono::seconds(random.below(15)));
        default:
            return broker.publish(client,
                                  {.qos = Qos(random.below(3)),
                                   .retain = random.below(3) == 0,
                                   .topic = topic,
                                   .packet_id = {uint16_t(1 + random.below(500))},
                                   .expiry_s = random.below(3) ? std::nullopt : std::optional(10u)},
                                  std::string(random.below(3) * 1500, 'x'));
    }
}

// The power goes at any moment: what is on disk belongs together.
TEST(Crashes, LeaveNothingToRefuse) {
    for (uint64_t seed = 0; seed < 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        SmallBroker broker(uint16_t(1 + seed % 3));
        ASSERT_TRUE(broker.open());
        for (int crashes = 0; crashes < 4; ++crashes) {
            broker.connect({.clean_start = false, .client_id = "c0", .session_expiry_s = 60});
            for (uint64_t acts = 20 + random.below(60); acts > 0; --acts) {
                act(broker, random);
                broker.run(random.below(4));
            }
            broker.kill();
            broker.disk.power_loss(random);
            ASSERT_EQ(faults(broker), 0u);
            ASSERT_TRUE(broker.open());
            for (uint16_t i = 0; i < broker.shard_count(); ++i)
                ASSERT_THAT(broker.found(i).refused, IsEmpty());
        }
    }
}

// Whatever the damage, a broker starts, says what it refuses, serves, and leaves a sound store.
TEST(DamagedStores, AreStartedByShards) {
    for (uint64_t base = 0; base < 10; ++base) {
        SmallBroker whole(uint16_t(1 + base % 3));
        Random random(base);
        fill(whole, random);
        ASSERT_EQ(faults(whole), 0u);
        for (uint64_t seed = 0; seed < 100; ++seed) {
            SCOPED_TRACE("store " + std::to_string(base) + ", damage " + std::to_string(seed));
            Random damage(base * 1000 + seed);
            SmallBroker broker(whole.shard_count());
            copy_files(whole, broker);
            for (uint64_t left = 1 + damage.below(3); left > 0; --left) damage_one(broker, damage);
            const bool sound = faults(broker) == 0;
            ASSERT_TRUE(broker.open());
            for (uint16_t i = 0; sound && i < broker.shard_count(); ++i)
                ASSERT_THAT(broker.found(i).refused, IsEmpty());
            expect_service(broker);
            broker.kill();
            ASSERT_EQ(faults(broker), 0u);
        }
    }
}

}  // namespace
}  // namespace godwit::broker
