// Queues that are full: each bound with each answer, on one shard and across shards, in memory and
// on disk. docs/limits.md says what is promised.
#include "conformance/conformance.h"

#include "world/statement.h"

namespace godwit::conformance {
namespace {

using broker::Loss;
using broker::WhenFull;
using world::CoreOptions;
using world::World;

constexpr auto kAtLeastOnce = world::SubscribeOptions{.qos = 1};
constexpr auto kExactlyOnce = world::SubscribeOptions{.qos = 2};
constexpr auto kQos1 = world::PublishOptions{.qos = 1};
constexpr auto kQos2 = world::PublishOptions{.qos = 2};

struct Way {
    uint16_t shards;
    bool durable;
};
class Limits : public ::testing::TestWithParam<Way> {
protected:
    /// Of at most `max` messages a session.
    static broker::Limits messages(uint32_t max, WhenFull answer) {
        broker::Limits limits;
        limits.queue_messages_max = max;
        limits.queue_messages_full = answer;
        return limits;
    }
    /// Of at most `max` messages a realm.
    static broker::Limits realm_messages(uint64_t max, WhenFull answer) {
        broker::Limits limits;
        limits.realm.queue_messages_max = max;
        limits.realm.queue_messages_full = answer;
        return limits;
    }
    std::unique_ptr<World> world(const broker::Limits& limits, uint64_t run = 0) const {
        CoreOptions options{.shards = GetParam().shards, .durable = GetParam().durable};
        options.options.limits = limits;
        return std::make_unique<World>(seed() + run, options);
    }
    /// The last shard, where what is told from the first must cross.
    static uint16_t far() { return uint16_t(GetParam().shards - 1); }
    static void restart(World& world) {
        if (GetParam().durable) world.restart();
    }
};
INSTANTIATE_TEST_SUITE_P(Ways, Limits,
                         ::testing::Values(Way{1, false}, Way{2, false}, Way{4, false},
                                           Way{1, true}, Way{2, true}, Way{4, true}),
                         [](const auto& way) {
                             return (way.param.durable ? "Durable" : "Memory") +
                                    std::to_string(way.param.shards);
                         });

/// An offline session of this shard that waits for "t".
Client waiter(World& world, uint16_t shard, std::string_view stem = "s") {
    Client client = world.connect(world.id_on(shard, stem), lasting());
    client.subscribe("t", kExactlyOnce).disconnect();
    return client;
}

void publish_numbers(Client& publisher, int first, int last, uint8_t qos = 1) {
    for (int i = first; i <= last; ++i) publisher.publish("t", std::to_string(i), {.qos = qos});
}

uint64_t lost(World& world, const Client& client, Loss loss) {
    const auto report = world.core().report(client.id());
    return report ? report->lost[loss] : 0;
}

// --- the session's bound: messages ---

TEST_P(Limits, TheNewestIsDroppedAndCounted) {
    auto w = world(messages(3, WhenFull::DropNewest));
    Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 5);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(lost(*w, sub, Loss::QueueFull), 2u);
    EXPECT_EQ(w->counters().lost[Loss::QueueFull], 2u);
    EXPECT_EQ(w->core().report(sub.id())->queued, 3u);
    restart(*w);
    sub.resume();
    EXPECT_EQ(sub.received(), (Messages{"1", "2", "3"}));
}

TEST_P(Limits, TheOldestMakesRoomAndIsCounted) {
    auto w = world(messages(3, WhenFull::DropOldest));
    Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"));
    for (int i = 1; i <= 6; ++i) publish_numbers(pub, i, i, uint8_t(1 + i % 2));
    EXPECT_EQ(lost(*w, sub, Loss::QueueOldest), 3u);
    EXPECT_EQ(w->counters().queued, 3u);
    restart(*w);
    sub.resume();
    Messages got[3];
    for (const Publish& each : sub.publishes()) got[int(each.qos)].push_back(each.payload);
    EXPECT_EQ(got[1], (Messages{"4", "6"}));
    EXPECT_EQ(got[2], Messages{"5"});
    restart(*w);
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{}) << "what made room is gone from disk";
}

TEST_P(Limits, WhatIsInFlightNeverMakesRoom) {
    auto w = world(messages(2, WhenFull::DropOldest));
    ConnectOptions slow = by_hand(lasting());
    slow.receive_maximum = 1;
    Client sub = w->connect(w->id_on(0, "s"), slow);
    sub.subscribe("t", kAtLeastOnce);
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 6);
    Messages got;
    for (int i = 0; i < 3; ++i) {
        const auto next = sub.publishes();
        ASSERT_EQ(next.size(), 1u) << i;
        got.push_back(next[0].payload);
        sub.puback(next[0].packet_id);
    }
    EXPECT_EQ(got, (Messages{"1", "5", "6"}));
    EXPECT_EQ(lost(*w, sub, Loss::QueueOldest), 3u);
}

TEST_P(Limits, ALongQueueKeepsItsOrderWhileItsOldestGo) {
    auto w = world(messages(150, WhenFull::DropOldest));  // more than an online session's memory
    ConnectOptions slow = by_hand(lasting());
    slow.receive_maximum = 1;
    Client sub = w->connect(w->id_on(0, "s"), slow);
    sub.subscribe("t", kExactlyOnce).disconnect();
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 150);
    sub.resume();
    publish_numbers(pub, 151, 400);
    Messages got, wanted{"1"};
    for (int i = 251; i <= 400; ++i) wanted.push_back(std::to_string(i));
    for (;;) {
        const auto next = sub.publishes();
        if (next.empty()) break;
        got.push_back(next[0].payload);
        sub.puback(next[0].packet_id);
    }
    EXPECT_EQ(got, wanted);
    EXPECT_EQ(w->counters().queued, 0u);
    EXPECT_EQ(w->counters().queued_bytes, 0u);
}

// What is being read from disk when its place is taken will never come to start the rest.
TEST_P(Limits, AQueueGoesOnThoughAllThatWasAskedForMadeRoom) {
    for (uint64_t i = 0; i < 30; ++i) {
        auto w = world(messages(100, WhenFull::DropOldest), i);
        Client sub = waiter(*w, 0), pub = w->connect(w->id_on(0, "p"));
        publish_numbers(pub, 1, 100);
        Buffer burst;
        for (int n = 101; n <= 200; ++n)
            put_bytes(burst, world::publish_packet(Version::V5, "t", std::to_string(n),
                                                   {.qos = 1, .packet_id = uint16_t(n)}));
        ConnectOptions back = next_time(lasting());
        sub.state().dial(back);
        sub.push(world::connect_packet(sub.id(), back));
        pub.push(burst);
        const Messages got = sub.received();
        ASSERT_FALSE(got.empty()) << "run " << i;
        EXPECT_EQ(got.back(), "200");
        ASSERT_EQ(w->counters().queued, 0u) << "run " << i;
    }
}

TEST_P(Limits, Qos0NeverTakesThePlaceOfMore) {
    auto limits = messages(2, WhenFull::DropOldest);
    limits.queue_qos0 = true;
    auto w = world(limits);
    Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 2, 1);
    publish_numbers(pub, 3, 3, 0);
    w->settle();
    EXPECT_EQ(lost(*w, sub, Loss::QueueFull), 1u);
    sub.resume();
    EXPECT_EQ(sub.received(), (Messages{"1", "2"}));
    sub.disconnect();
    publish_numbers(pub, 4, 6, 0);
    w->settle();
    EXPECT_EQ(lost(*w, sub, Loss::QueueOldest), 1u);
    publish_numbers(pub, 7, 7, 1);
    sub.resume();
    EXPECT_EQ(sub.received(), (Messages{"6", "7"}));
}

TEST_P(Limits, APublisherOfQos1IsRefusedUntilThereIsRoom) {
    auto w = world(messages(2, WhenFull::Refuse));
    Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 3);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    EXPECT_EQ(w->counters().publishes_refused, 1u);
    EXPECT_EQ(lost(*w, sub, Loss::Refused), 1u);
    restart(*w);
    pub.resume();
    publish_numbers(pub, 4, 4);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    sub.resume();
    EXPECT_EQ(sub.received(), (Messages{"1", "2"}));
    publish_numbers(pub, 5, 5);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(sub.received(), Messages{"5"});
}

TEST_P(Limits, APublisherOfQos2IsRefusedAndItsPacketIdIsFree) {
    for (const auto& kind : {ConnectOptions{}, lasting()}) {  // the latter's cross exactly once
        auto w = world(messages(1, WhenFull::Refuse));
        Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"), by_hand(kind));
        pub.publish("t", "1", {.qos = 2, .packet_id = 8}).pubrel(8);
        pub.publish("t", "2", {.qos = 2, .packet_id = 9});
        EXPECT_EQ(pub.ack_reason(Type::Pubrec), R::QuotaExceeded);
        EXPECT_EQ(lost(*w, sub, Loss::Refused), 1u);
        sub.resume();
        EXPECT_EQ(sub.received(), Messages{"1"});
        pub.publish("t", "3", {.qos = 2, .packet_id = 9});
        EXPECT_EQ(pub.ack_reason(Type::Pubrec), R::Success);
        EXPECT_EQ(sub.received(), Messages{"3"});
    }
}

TEST_P(Limits, WhatWasRefusedIsFreeHoweverSoonTheBrokerEnds) {
    for (uint64_t i = 0; i < 20; ++i) {
        auto w = world(messages(1, WhenFull::Refuse), i);
        Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"), by_hand(lasting()));
        pub.publish("t", "1", {.qos = 2, .packet_id = 8}).pubrel(8);
        w->settle();
        pub.push(world::publish_packet(Version::V5, "t", "2", {.qos = 2, .packet_id = 9}));
        w->core().run_until([&] { return pub.state().count(Type::Pubrec) == 2; },
                            [&] { return pub.state().absorb(); });
        restart(*w);
        ASSERT_EQ(pub.ack_reason(Type::Pubrec), R::QuotaExceeded);
        sub.resume();
        EXPECT_EQ(sub.received(), Messages{"1"});
        pub.resume();
        pub.publish("t", "3", {.qos = 2, .packet_id = 9});
        EXPECT_EQ(pub.ack_reason(Type::Pubrec), R::Success);
        ASSERT_EQ(sub.received(), Messages{"3"}) << "run " << i;
    }
}

TEST_P(Limits, NobodyOfTheShardThatRefusesGetsIt) {
    auto w = world(messages(1, WhenFull::Refuse));
    waiter(*w, 0, "full");
    Client beside = w->connect(w->id_on(0, "beside"));
    beside.subscribe("t", kAtLeastOnce);
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 2);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    EXPECT_EQ(beside.received(), Messages{"1"});
}

TEST_P(Limits, WhoCannotBeToldIsNotRefused) {
    auto w = world(messages(1, WhenFull::Refuse));
    Client sub = waiter(*w, 0);
    Client old = w->connect_v311(w->id_on(far(), "old"));
    publish_numbers(old, 1, 2);
    EXPECT_EQ(old.count(Type::Puback), 2u);
    publish_numbers(old, 3, 3, 2);
    EXPECT_EQ(lost(*w, sub, Loss::QueueFull), 2u);
    ConnectOptions doomed;
    doomed.will = WillOptions{.topic = "t", .payload = "will", .qos = 1};
    w->connect(w->id_on(far(), "doomed"), doomed).cut();
    w->settle();
    EXPECT_EQ(lost(*w, sub, Loss::QueueFull), 3u);
    EXPECT_EQ(lost(*w, sub, Loss::Refused), 0u);
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{"1"});
}

TEST_P(Limits, AMessageThatNeedNotWaitIsNotRefused) {
    auto w = world(messages(1, WhenFull::Refuse));
    Client sub = w->connect(w->id_on(0, "s"), lasting());
    sub.subscribe("t", kAtLeastOnce);
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 5);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(sub.received().size(), 5u);
}

TEST_P(Limits, AFullSessionThatIsOfflineEnds) {
    auto w = world(messages(2, WhenFull::EndSession));
    Client sub = waiter(*w, 0), other = waiter(*w, far(), "other");
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 2);
    other.resume();
    publish_numbers(pub, 3, 3);
    EXPECT_FALSE(w->core().report(sub.id()));
    EXPECT_EQ(w->counters().lost[Loss::SessionEnd], 2u);
    EXPECT_EQ(w->counters().lost[Loss::QueueFull], 1u);
    EXPECT_EQ(w->counters().queued, 0u);
    EXPECT_EQ(other.received(), (Messages{"1", "2", "3"}));
    restart(*w);
    sub.resume();
    EXPECT_FALSE(sub.session_present());
    EXPECT_EQ(sub.received(), Messages{});
}

TEST_P(Limits, AFullSessionThatIsOnlineIsToldWhyItEnds) {
    auto w = world(messages(2, WhenFull::EndSession));
    ConnectOptions slow = by_hand(lasting());
    slow.receive_maximum = 1;
    slow.will = WillOptions{.topic = "t", .payload = "will"};  // published while it ends
    Client sub = w->connect(w->id_on(0, "s"), slow);
    sub.subscribe("t", kAtLeastOnce);
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 4);
    expect_disconnect(sub, R::QuotaExceeded);
    EXPECT_FALSE(w->core().report(sub.id()));
    sub.resume();
    EXPECT_FALSE(sub.session_present());
}

// --- the session's bound: bytes ---

TEST_P(Limits, BytesHaveTheirOwnAnswer) {
    const std::string large(1000, 'x');
    for (const WhenFull answer :
         {WhenFull::DropNewest, WhenFull::DropOldest, WhenFull::Refuse, WhenFull::EndSession}) {
        broker::Limits limits;
        limits.queue_bytes_max = 3500;
        limits.queue_bytes_full = answer;
        auto w = world(limits);
        Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"));
        for (int i = 1; i <= 4; ++i) pub.publish("t", std::to_string(i) + large, kQos1);
        const bool refused = answer == WhenFull::Refuse;
        EXPECT_EQ(pub.ack_reason(Type::Puback), refused ? R::QuotaExceeded : R::Success);
        restart(*w);
        sub.resume();
        std::string got;
        for (const std::string& each : sub.received()) got += each[0];
        const bool ended = answer == WhenFull::EndSession;
        EXPECT_EQ(sub.session_present(), !ended);
        EXPECT_EQ(got, ended ? "" : answer == WhenFull::DropOldest ? "234" : "123");
    }
}

TEST_P(Limits, AsManyOfTheOldestGoAsALargeOneNeeds) {
    broker::Limits limits;
    limits.queue_bytes_max = 5000;
    limits.queue_bytes_full = WhenFull::DropOldest;
    auto w = world(limits);
    Client sub = waiter(*w, 0), pub = w->connect(w->id_on(far(), "p"));
    for (const char* each : {"1", "2", "3", "4"})
        pub.publish("t", each + std::string(1000, 'x'), kQos1);
    pub.publish("t", "5" + std::string(2800, 'x'), kQos1);
    EXPECT_EQ(lost(*w, sub, Loss::QueueOldest), 2u);
    pub.publish("t", "6" + std::string(9000, 'x'), kQos1);
    EXPECT_EQ(lost(*w, sub, Loss::QueueOldest), 2u) << "nothing goes for what could never wait";
    EXPECT_EQ(lost(*w, sub, Loss::QueueFull), 1u);
    sub.resume();
    std::string got;
    for (const std::string& each : sub.received()) got += each[0];
    EXPECT_EQ(got, "345");
}

// --- the realm's bounds ---

/// Sessions of all shards, in turn.
std::vector<Client> waiters(World& world, size_t count) {
    std::vector<Client> all;
    for (size_t i = 0; i < count; ++i) {
        const auto shard = uint16_t(i % world.shard_count());
        all.push_back(world.connect(world.id_on(shard, "s" + std::to_string(i)), lasting()));
        all.back().subscribe("t/" + std::to_string(i), kExactlyOnce).disconnect();
    }
    return all;
}

void publish_to(World& world, Client& pub, int session, const std::string& payload,
                const world::PublishOptions& how = kQos1) {
    pub.publish("t/" + std::to_string(session), payload, how);
    world.settle();  // all shards have heard what the others hold
}

TEST_P(Limits, ARealmHoldsNoMoreThanItsMessages) {
    auto w = world(realm_messages(6, WhenFull::DropNewest));
    auto subs = waiters(*w, 4);
    Client pub = w->connect(w->id_on(0, "p"));
    for (int i = 0; i < 8; ++i) publish_to(*w, pub, i % 4, std::to_string(i));
    EXPECT_EQ(w->counters().queued, 6u);
    EXPECT_EQ(w->counters().lost[Loss::RealmFull], 2u);
    EXPECT_EQ(lost(*w, subs[2], Loss::RealmFull), 1u);
    EXPECT_EQ(lost(*w, subs[0], Loss::RealmFull), 0u);
    restart(*w);
    w->settle();
    pub.resume();
    publish_to(*w, pub, 0, "8");
    EXPECT_EQ(w->counters().queued, 6u) << "what a restart brings back counts";
    subs[1].resume();
    EXPECT_EQ(subs[1].received(), (Messages{"1", "5"}));
    subs[1].disconnect();
    publish_to(*w, pub, 2, "9");
    subs[2].resume();
    EXPECT_EQ(subs[2].received(), (Messages{"2", "9"}));
}

TEST_P(Limits, InAFullRealmASessionsOwnOldestMakesRoom) {
    auto w = world(realm_messages(4, WhenFull::DropOldest));
    auto subs = waiters(*w, 4);
    Client pub = w->connect(w->id_on(0, "p"));
    for (const int session : {1, 1, 2, 2}) publish_to(*w, pub, session, "old");
    publish_to(*w, pub, 1, "new");
    publish_to(*w, pub, 3, "new");
    EXPECT_EQ(w->counters().queued, 4u);
    EXPECT_EQ(lost(*w, subs[1], Loss::RealmOldest), 1u);
    EXPECT_EQ(lost(*w, subs[3], Loss::RealmFull), 1u) << "it has none that is older";
    restart(*w);
    subs[1].resume();
    EXPECT_EQ(subs[1].received(), (Messages{"old", "new"}));
}

TEST_P(Limits, InAFullRealmPublishersAreRefused) {
    auto w = world(realm_messages(3, WhenFull::Refuse));
    auto subs = waiters(*w, 4);
    Client pub = w->connect(w->id_on(0, "p"), lasting());
    for (int i = 0; i < 3; ++i) publish_to(*w, pub, i, "1");
    for (int i = 0; i < 4; ++i) {
        publish_to(*w, pub, i, "2");
        EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded) << i;
        publish_to(*w, pub, i, "3", kQos2);
        EXPECT_EQ(pub.ack_reason(Type::Pubrec), R::QuotaExceeded) << i;
        EXPECT_EQ(lost(*w, subs[size_t(i)], Loss::Refused), 2u);
    }
    subs[0].resume();
    EXPECT_EQ(subs[0].received(), Messages{"1"});
    w->settle();
    publish_to(*w, pub, 3, "4");
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
}

TEST_P(Limits, AFanOutThatARealmCannotHoldIsRefusedAsAWhole) {
    auto w = world(realm_messages(3, WhenFull::Refuse));
    for (const char* stem : {"a", "b"}) waiter(*w, 0, stem);
    Client pub = w->connect(w->id_on(far(), "p"));
    publish_numbers(pub, 1, 1);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    publish_numbers(pub, 2, 2);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    EXPECT_EQ(w->counters().queued, 2u) << "there was room for one of the two";
}

TEST_P(Limits, InAFullRealmTheSessionThatTakesOneMoreEnds) {
    auto w = world(realm_messages(3, WhenFull::EndSession));
    auto subs = waiters(*w, 4);
    Client pub = w->connect(w->id_on(0, "p"));
    for (const int session : {1, 1, 2, 1}) publish_to(*w, pub, session, "m");
    EXPECT_FALSE(w->core().report(subs[1].id()));
    EXPECT_TRUE(w->core().report(subs[2].id()));
    EXPECT_EQ(w->counters().queued, 1u);
}

TEST_P(Limits, ARealmsBytesCountOnEveryShard) {
    broker::Limits limits;
    limits.realm.queue_bytes_max = 5000;
    auto w = world(limits);
    auto subs = waiters(*w, 4);
    Client pub = w->connect(w->id_on(0, "p"));
    const std::string large(1000, 'x');
    for (int i = 0; i < 8; ++i) publish_to(*w, pub, i % 4, large);
    EXPECT_LE(w->counters().queued_bytes, 5000u);
    EXPECT_GE(w->counters().queued, 4u);
    EXPECT_EQ(w->counters().lost[Loss::RealmFull], 8 - w->counters().queued);
}

TEST_P(Limits, WhatWaitsForASharedGroupCountsForItsRealm) {
    auto w = world(realm_messages(4, WhenFull::Refuse));
    Client member = w->connect(w->id_on(0, "m"), lasting());
    member.subscribe("$share/g/t", kAtLeastOnce).disconnect();
    waiter(*w, far());
    Client pub = w->connect(w->id_on(0, "p"));
    pub.publish("t", "1", kQos1);
    w->settle();
    EXPECT_EQ(w->counters().group_queued, 1u);
    EXPECT_EQ(w->counters().queued, 1u);
    pub.publish("t", "2", kQos1);
    w->settle();
    pub.publish("t", "3", kQos1);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    restart(*w);
    w->settle();
    EXPECT_EQ(w->counters().group_queued, 2u);
    member.resume();
    EXPECT_EQ(member.received(), (Messages{"1", "2"}));
    EXPECT_EQ(w->counters().group_queued, 0u);
    EXPECT_EQ(w->counters().group_queued_bytes, 0u);
    member.unsubscribe("$share/g/t");
    EXPECT_EQ(w->counters().group_queued, 0u);
}

// --- retained messages ---

world::PublishOptions retained(uint8_t qos = 1) {
    return {.qos = qos, .retain = true};
}

size_t retained_count(World& world) {
    world.settle();
    return world.counters().retained;
}

TEST_P(Limits, ARealmKeepsNoMoreRetainedMessages) {
    broker::Limits limits;
    limits.realm.retained_messages_max = 3;
    auto w = world(limits);
    Client live = w->connect("live");
    live.subscribe("#", kAtLeastOnce);
    Client pub = w->connect("p");
    for (int i = 0; i < 5; ++i) {
        pub.publish("r/" + std::to_string(i), "v", retained());
        w->settle();
    }
    EXPECT_EQ(retained_count(*w), 3u);
    EXPECT_EQ(w->counters().lost[Loss::RetainedFull], 2u);
    EXPECT_EQ(live.received().size(), 5u) << "it is delivered";
    pub.publish("r/0", "w", retained());
    EXPECT_EQ(w->counters().lost[Loss::RetainedFull], 2u) << "a value may be replaced";
    pub.publish("r/1", "", retained());
    w->settle();
    pub.publish("r/4", "v", retained());
    EXPECT_EQ(retained_count(*w), 3u);
    EXPECT_EQ(w->counters().lost[Loss::RetainedFull], 2u);
}

TEST_P(Limits, ARetainedMessageThatHasNoRoomIsRefused) {
    broker::Limits limits;
    limits.realm.retained_messages_max = 2;
    limits.realm.retained_full = WhenFull::Refuse;
    auto w = world(limits);
    Client pub = w->connect("p", lasting());
    for (uint16_t shard = 0; shard < 2; ++shard) {
        pub.publish(w->topic_on(shard, "kept" + std::to_string(shard)), "v", retained());
        w->settle();
    }
    for (uint16_t shard = 0; shard < 4; ++shard) {
        const std::string topic = w->topic_on(shard, "more" + std::to_string(shard));
        pub.publish(topic, "v", retained());
        EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
        pub.publish(topic, "v", retained(2));
        EXPECT_EQ(pub.ack_reason(Type::Pubrec), R::QuotaExceeded);
    }
    EXPECT_EQ(retained_count(*w), 2u);
    pub.publish(w->topic_on(0, "kept0"), "w", retained());
    EXPECT_NE(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    Client old = w->connect_v311("old");
    old.publish("other", "v", retained());
    EXPECT_EQ(w->counters().lost[Loss::RetainedFull], 1u);
}

TEST_P(Limits, ATopicWhoseNewValueHasNoRoomHasNone) {
    broker::Limits limits;
    limits.realm.retained_bytes_max = 3000;
    auto w = world(limits);
    Client pub = w->connect("p");
    pub.publish("r", "small", retained());
    pub.publish("r", std::string(5000, 'x'), retained());
    EXPECT_EQ(retained_count(*w), 0u) << "an older value would come after a newer one";
    EXPECT_EQ(w->counters().lost[Loss::RetainedFull], 1u);
    restart(*w);
    Client sub = w->connect("s");
    sub.subscribe("r", kAtLeastOnce);
    EXPECT_EQ(sub.received(), Messages{});
}

TEST_P(Limits, TheBrokersOwnRetainedMessagesHaveRoom) {
    broker::Limits limits;
    limits.realm.retained_messages_max = 0;
    auto w = world(limits);
    w->core().inject("$SYS/broker/x", "1", 0, true);
    EXPECT_EQ(retained_count(*w), 1u);
    w->connect("p").publish("t", "1", retained());
    EXPECT_EQ(retained_count(*w), 1u);
}

TEST_P(Limits, RetainedMessagesComeAsTheQueueHasRoom) {
    auto w = world(messages(4, WhenFull::EndSession));
    Client pub = w->connect("p");
    for (int i = 0; i < 50; ++i) pub.publish("r/" + std::to_string(i), "v", retained());
    ConnectOptions slow = lasting();
    slow.receive_maximum = 2;
    Client sub = w->connect("s", slow);
    sub.subscribe("r/#", kAtLeastOnce);
    EXPECT_EQ(sub.received().size(), 50u);
    EXPECT_FALSE(sub.closed());
}

// --- what can be asked for afterwards ---

TEST_P(Limits, EveryLossOfASessionIsThereByItsReason) {
    auto w = world({});
    ConnectOptions narrow = lasting();
    narrow.packet_bytes_max = 100;
    Client sub = w->connect(w->id_on(0, "s"), narrow);
    sub.subscribe("t", kAtLeastOnce);
    Client pub = w->connect(w->id_on(far(), "p"));
    pub.publish("t", std::string(200, 'x'), kQos1);
    sub.disconnect();
    pub.publish("t", "gone", {});
    world::PublishOptions brief = kQos1;
    brief.properties.expiry_s = 5;
    pub.publish("t", "late", brief);
    w->advance(seconds(10));
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{});
    const auto report = w->core().report(sub.id());
    ASSERT_TRUE(report);
    EXPECT_EQ(report->lost[Loss::TooLarge], 1u);
    EXPECT_EQ(report->lost[Loss::OfflineQos0], 1u);
    EXPECT_EQ(report->lost[Loss::Expired], 1u);
    EXPECT_EQ(report->lost[Loss::QueueFull], 0u);
    EXPECT_TRUE(report->online);
    EXPECT_EQ(report->subscriptions, 1u);
    EXPECT_FALSE(w->core().report("nobody"));
}

}  // namespace
}  // namespace godwit::conformance
