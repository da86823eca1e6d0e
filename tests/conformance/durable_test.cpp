// What outlives the broker: each test stops it between two turns, as a power loss does, and looks
// at what the next start makes of its disks.
#include "conformance/conformance.h"

#include "world/statement.h"

namespace godwit::conformance {
namespace {

using world::CoreHost;
using world::CoreOptions;
using world::World;

constexpr auto kAtLeastOnce = world::SubscribeOptions{.qos = 1};
constexpr auto kExactlyOnce = world::SubscribeOptions{.qos = 2};

/// 1, 2 and 4 shards, and the ways to die.
struct Way {
    uint16_t shards;
    CoreHost::Crash crash;
};
class Durable : public ::testing::TestWithParam<Way> {
protected:
    CoreOptions options(broker::BrokerOptions broker = {}) const {
        return {.shards = GetParam().shards, .durable = true, .options = std::move(broker)};
    }
    void restart(World& world, Duration downtime = {}) const {
        world.restart(GetParam().crash, downtime);
    }
};
std::string way_name(const ::testing::TestParamInfo<Way>& info) {
    return (info.param.crash == CoreHost::Crash::Kill ? "Kill" : "PowerLoss") +
           std::to_string(info.param.shards);
}
INSTANTIATE_TEST_SUITE_P(Ways, Durable,
                         ::testing::Values(Way{1, CoreHost::Crash::PowerLoss},
                                           Way{2, CoreHost::Crash::PowerLoss},
                                           Way{4, CoreHost::Crash::PowerLoss},
                                           Way{2, CoreHost::Crash::Kill}),
                         way_name);

TEST_P(Durable, SessionIsPresentAfterARestart) {
    World world(seed(), options());
    Client client = world.connect("c", lasting());
    restart(world);
    client.resume();
    EXPECT_TRUE(client.session_present());
}

TEST_P(Durable, SessionThatEndsWithItsConnectionIsGone) {
    World world(seed(), options());
    Client client = world.connect("c");
    client.subscribe("t", kAtLeastOnce);
    restart(world);
    client.resume();
    EXPECT_FALSE(client.session_present());
    world.connect("p").publish("t", "1", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{});
}

/// The session ends with DISCONNECT; its client is back before that is on disk, and is told that
/// there is none. A crash in that moment must not bring it back.
TEST_P(Durable, WhoIsToldThatThereIsNoSessionFindsNoneAfterACrash) {
    CoreOptions slow = options();
    slow.slow_disk = true;
    size_t told = 0;
    for (uint64_t i = 0; i < 30; ++i) {
        World world(seed() + i, slow);
        Client client = world.connect("c", lasting());
        client.subscribe("t", kAtLeastOnce);
        Buffer goodbye;
        mqtt::encode_disconnect(goodbye, Version::V5, {.session_expiry_s = 0});
        client.push(goodbye);
        const ConnectOptions again = next_time({});
        client.state().dial(again);
        client.push(world::connect_packet("c", again));
        world.run_until([&] {
            client.state().absorb();
            return client.state().online();
        });
        ASSERT_TRUE(client.state().online());
        // Where the new connection overtakes the goodbye, the session is resumed.
        const bool none = !client.state().last(Type::Connack)->connack().session_present;
        restart(world);
        client.resume();
        told += none;
        EXPECT_FALSE(none && client.session_present());
    }
    EXPECT_GT(told, 0u);
}

/// One session takes a message in two ways, each with a packet id of its own. The log moves the
/// message to another segment meanwhile.
TEST_P(Durable, AMessageThatIsMovedKeepsThePacketIdOfEachOfItsWays) {
    World world(seed(), options());
    Client client = world.connect("c", by_hand(lasting()));
    client.subscribe({"$share/g/t", "$share/h/t"}, kExactlyOnce);
    Client pub = world.connect("p");
    pub.publish("t", "1", {.qos = 2});
    const auto before = packet_ids(client.publishes());
    ASSERT_EQ(before.size(), 2u);
    for (int i = 0; i < 40; ++i)
        pub.publish("fill", std::string(300'000, 'x'), {.qos = 1, .retain = true});
    restart(world);
    client.resume();
    EXPECT_EQ(packet_ids(client.publishes()), before);
}

TEST_P(Durable, SubscriptionsTakeEffectAgainWithTheirOptions) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("a/+", {.qos = 1, .retain_as_published = true, .id = 7});
    sub.subscribe("gone", kAtLeastOnce);
    sub.unsubscribe("gone");
    restart(world);
    sub.resume();
    Client pub = world.connect("p");
    pub.publish("gone", "0", {.qos = 1});
    pub.publish("a/b", "1", {.qos = 2, .retain = true});
    const auto got = sub.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].payload, "1");
    EXPECT_EQ(got[0].qos, Qos::AtLeastOnce);
    EXPECT_TRUE(got[0].retain);
    EXPECT_EQ(got[0].subscription_ids, std::vector<uint32_t>{7});
}

TEST_P(Durable, WhatWasAcknowledgedReachesAnOfflineSessionInOrder) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kExactlyOnce).disconnect();
    Client pub = world.connect("p");
    Messages sent[3], got[3];
    for (int i = 0; i < 200; ++i) {
        const int qos = 1 + i % 2;
        sent[qos].push_back(std::to_string(i));
        pub.publish("t", sent[qos].back(), {.qos = uint8_t(qos)});
    }
    restart(world);
    sub.resume();
    for (const Publish& each : sub.publishes()) got[int(each.qos)].push_back(each.payload);
    EXPECT_EQ(got[1], sent[1]);
    EXPECT_EQ(got[2], sent[2]);
    restart(world);
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{});
}

TEST_P(Durable, LargeMessagesAndTheirPropertiesComeBackWhole) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kAtLeastOnce).disconnect();
    const std::string payload(300'000, 'x');
    world::PublishOptions how{.qos = 1};
    how.properties.content_type = "text/plain";
    how.properties.user_properties = {{"k", "v"}, {"k", "w"}};
    world.connect("p").publish("t", payload, how);
    restart(world);
    sub.resume();
    const auto got = sub.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].payload, payload);
    EXPECT_EQ(got[0].content_type, "text/plain");
    EXPECT_EQ(got[0].user_properties, (world::Pairs{{"k", "v"}, {"k", "w"}}));
}

TEST_P(Durable, WhatIsInFlightGoesOutAgainUnderItsOldId) {
    World world(seed(), options());
    Client sub = world.connect("s", by_hand(lasting()));
    sub.subscribe("t", kExactlyOnce);
    Client pub = world.connect("p");
    pub.publish("t", "1", {.qos = 1});
    pub.publish("t", "2", {.qos = 2});
    const auto before = sub.publishes();
    ASSERT_EQ(before.size(), 2u);
    restart(world);
    sub.resume();
    const auto after = sub.publishes();
    ASSERT_EQ(after.size(), 2u);
    EXPECT_EQ(packet_ids(after), packet_ids(before));
    for (size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(after[i].payload, before[i].payload);
        EXPECT_TRUE(after[i].dup);
    }
}

TEST_P(Durable, WhatTheSubscriberAcknowledgedDoesNotComeAgain) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kExactlyOnce);
    Client pub = world.connect("p");
    for (const uint8_t qos : {1, 2, 1, 2}) pub.publish("t", "m", {.qos = qos});
    EXPECT_EQ(sub.received().size(), 4u);
    world.settle();
    restart(world);
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{});
}

TEST_P(Durable, PubrelIsOwedAfterARestart) {
    World world(seed(), options());
    Client sub = world.connect("s", by_hand(lasting()));
    sub.subscribe("t", kExactlyOnce);
    world.connect("p").publish("t", "1", {.qos = 2});
    const auto got = sub.publishes();
    ASSERT_EQ(got.size(), 1u);
    sub.pubrec(got[0].packet_id);
    world.settle();
    restart(world);
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{}) << "the message is the client's since PUBREC";
    ASSERT_EQ(sub.count(Type::Pubrel), 1u);
    EXPECT_EQ(sub.last(Type::Pubrel)->ack().packet_id.value, got[0].packet_id);
}

TEST_P(Durable, Qos2PublisherThatRepeatsAfterARestartIsNotTakenTwice) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kExactlyOnce).disconnect();
    Client pub = world.connect("p", by_hand(lasting()));
    pub.publish("t", "1", {.qos = 2, .packet_id = 9});
    ASSERT_EQ(pub.count(Type::Pubrec), 1u);
    restart(world);
    pub.resume();
    pub.publish("t", "1", {.qos = 2, .dup = true, .packet_id = 9});
    pub.pubrel(9);
    sub.resume();
    EXPECT_EQ(sub.received(), Messages{"1"});
}

TEST_P(Durable, AnIdThatPubcompGaveBackMeansANewMessage) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kExactlyOnce).disconnect();
    Client pub = world.connect("p", by_hand(lasting()));
    pub.publish("t", "1", {.qos = 2, .packet_id = 9}).pubrel(9);
    ASSERT_EQ(pub.count(Type::Pubcomp), 1u);
    restart(world);
    pub.resume();
    pub.publish("t", "2", {.qos = 2, .packet_id = 9}).pubrel(9);
    sub.resume();
    EXPECT_EQ(sub.received(), (Messages{"1", "2"}));
}

TEST_P(Durable, RetainedMessagesStayAndClearedOnesDoNotComeBack) {
    World world(seed(), options());
    Client pub = world.connect("p");
    pub.publish("a", "old", {.qos = 1, .retain = true});
    pub.publish("a", "new", {.qos = 1, .retain = true});
    pub.publish("b", "1", {.qos = 1, .retain = true});
    pub.publish("b", "", {.qos = 1, .retain = true});
    restart(world);
    Client sub = world.connect("s");
    sub.subscribe("#", kAtLeastOnce);
    EXPECT_EQ(sub.received(), Messages{"new"});
}

TEST_P(Durable, WillOfAClientThatWasOnlineIsPublishedOnce) {
    World world(seed(), options());
    Client watcher = world.connect("w", lasting());
    watcher.subscribe("will", kAtLeastOnce).disconnect();
    ConnectOptions doomed = lasting();
    doomed.will = world::WillOptions{.topic = "will", .payload = "dead", .qos = 1};
    world.connect("d", doomed);
    ConnectOptions brief;
    brief.will = world::WillOptions{.topic = "will", .payload = "brief", .qos = 1};
    world.connect("b", brief);
    restart(world);
    world.settle();
    restart(world);
    watcher.resume();
    Messages got = watcher.received();
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, (Messages{"brief", "dead"}));
}

TEST_P(Durable, DelayedWillComesWhenItsTimeHasComeThoughTheBrokerWasDown) {
    World world(seed(), options());
    Client watcher = world.connect("w", lasting());
    watcher.subscribe("will", kAtLeastOnce);
    ConnectOptions doomed = lasting();
    doomed.will = world::WillOptions{.topic = "will", .payload = "dead", .qos = 1, .delay_s = 60};
    world.connect("d", doomed).cut();
    world.advance(seconds(20));
    restart(world, seconds(20));
    watcher.resume();
    world.advance(seconds(10));
    EXPECT_EQ(watcher.received(), Messages{});
    world.advance(seconds(11));
    EXPECT_EQ(watcher.received(), Messages{"dead"});
}

TEST_P(Durable, SessionAndMessageExpiryCountTheTimeThatTheBrokerWasDown) {
    World world(seed(), options());
    Client brief = world.connect("brief", {.expiry_s = 100});
    Client lasts = world.connect("lasts", lasting());
    lasts.subscribe("t", kAtLeastOnce).disconnect();
    brief.disconnect();
    Client pub = world.connect("p");
    world::PublishOptions how{.qos = 1};
    how.properties.expiry_s = 50;
    pub.publish("t", "stale", how);
    how.properties.expiry_s = 500;
    pub.publish("t", "fresh", how);
    world.advance(seconds(20));
    restart(world, seconds(90));
    lasts.resume();
    const auto got = lasts.publishes();
    ASSERT_EQ(got.size(), 1u);
    EXPECT_EQ(got[0].payload, "fresh");
    EXPECT_EQ(got[0].expiry_s, 390u);
    brief.resume();
    EXPECT_FALSE(brief.session_present());
}

TEST_P(Durable, OneMessageForManySessionsReachesEachOnce) {
    World world(seed(), options());
    std::vector<Client> subs;
    for (int i = 0; i < 100; ++i) {
        subs.push_back(world.connect("s" + std::to_string(i), lasting()));
        subs.back().subscribe("t", kAtLeastOnce);
        if (i % 2 == 0) subs.back().disconnect();
    }
    world.connect("p").publish("t", "1", {.qos = 1});
    world.settle();
    restart(world);
    for (size_t i = 0; i < subs.size(); ++i) {
        subs[i].resume();
        const size_t wanted = i % 2 == 0 ? 1 : 0;  // the others have acknowledged it
        EXPECT_EQ(subs[i].received().size(), wanted + (i % 2 ? 1 : 0)) << i;
    }
}

TEST_P(Durable, CleanStartThatWasToldDoesNotBringTheOldSessionBack) {
    World world(seed(), options());
    world.connect("c", lasting()).subscribe("t", kAtLeastOnce).disconnect();
    Client client = world.connect("c");
    EXPECT_FALSE(client.session_present());
    restart(world);
    client.resume();
    EXPECT_FALSE(client.session_present());
}

TEST_P(Durable, WhatFollowsACleanStartIsReadOnceThatIsTold) {
    broker::BrokerOptions asks;
    asks.listeners[0].check_password = true;
    World world(seed(), options(asks));
    ConnectOptions who = lasting();
    who.username = "u";
    world.connect("c", who).subscribe("old", kAtLeastOnce).disconnect();
    Buffer bytes = world::connect_packet("c", who);
    put_bytes(bytes, packet("82 # 0001 () 't' 01"));
    Client client = world.dial(who).connect_bytes(bytes);
    EXPECT_FALSE(client.session_present());
    world.settle();
    EXPECT_FALSE(client.closed());
    EXPECT_EQ(client.count(Type::Suback), 1u);
}

TEST_P(Durable, CleanStartAfterARestartSubscribesAnew) {
    World world(seed(), options());
    world.connect("c", lasting()).subscribe("t/#", kAtLeastOnce);
    restart(world);
    Client client = world.connect("c", lasting());
    client.subscribe("t/#", kAtLeastOnce);
    world.advance(seconds(20));
    world.connect("p").publish("t/0", "1", {.qos = 1});
    EXPECT_EQ(client.received(), Messages{"1"});
}

TEST_P(Durable, Qos2OfASharedGroupStaysWithTheMemberThatWasSentIt) {
    World world(seed(), options());
    Client a = world.connect("a", by_hand(lasting()));
    a.subscribe("$share/g/t", kExactlyOnce);
    Client b = world.connect("b", lasting());
    Client pub = world.connect("p");
    pub.publish("t", "1", {.qos = 2});
    const auto before = a.publishes();
    ASSERT_EQ(before.size(), 1u);
    b.subscribe("$share/g/t", kExactlyOnce);
    world.settle();
    restart(world);
    b.resume();
    EXPECT_EQ(b.received(), Messages{});
    a.resume();
    const auto after = a.publishes();
    ASSERT_EQ(after.size(), 1u);
    EXPECT_EQ(packet_ids(after), packet_ids(before));
    EXPECT_TRUE(after[0].dup);
}

TEST_P(Durable, SharedGroupKeepsWhatNobodyHasTakenAndWhatWasNotAcknowledged) {
    World world(seed(), options());
    Client a = world.connect("a", by_hand(lasting()));
    Client b = world.connect("b", lasting());
    a.subscribe("$share/g/t", kAtLeastOnce);
    b.subscribe("$share/g/t", kAtLeastOnce).disconnect();
    Client pub = world.connect("p");
    pub.publish("t", "1", {.qos = 1});
    EXPECT_EQ(a.received(), Messages{"1"}) << "and does not acknowledge it";
    a.cut();
    pub.publish("t", "2", {.qos = 1});
    restart(world);
    b.resume();
    EXPECT_EQ(b.received(), (Messages{"1", "2"}));
    restart(world);
    b.resume();
    EXPECT_EQ(b.received(), Messages{});
}

TEST_P(Durable, OldSegmentsGoAndWhatLivesInThemStays) {
    World world(seed(), options());
    Client old = world.connect("old", lasting());
    old.subscribe("old", kAtLeastOnce).disconnect();
    Client busy = world.connect("busy", lasting());
    busy.subscribe("busy", kAtLeastOnce);
    Client pub = world.connect("p");
    pub.publish("old", "still here", {.qos = 1});
    pub.publish("kept", "value", {.qos = 1, .retain = true});
    const std::string payload(20'000, 'x');
    for (int i = 0; i < 1500; ++i) pub.publish("busy", payload, {.qos = 1});
    EXPECT_EQ(busy.received().size(), 1500u);
    for (uint16_t i = 0; i < world.shard_count(); ++i)
        EXPECT_LT(world.core().disk(i).used_bytes(), 10u << 20) << "of 30 MB that were written";
    restart(world);
    old.resume();
    EXPECT_EQ(old.received(), Messages{"still here"});
    busy.resume();
    EXPECT_EQ(busy.received(), Messages{});
    Client sub = world.connect("s");
    sub.subscribe("kept", kAtLeastOnce);
    EXPECT_EQ(sub.received(), Messages{"value"});
}

TEST_P(Durable, MoreThanFitsInMemoryWaitsOnDiskInOrder) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kAtLeastOnce).disconnect();
    Client pub = world.connect("p");
    Messages sent;
    for (int i = 0; i < 1000; ++i) {
        sent.push_back(std::to_string(i) + std::string(2000, '.'));
        pub.publish("t", sent.back(), {.qos = 1});
    }
    sub.resume();
    EXPECT_EQ(sub.received(), sent);
}

}  // namespace
}  // namespace godwit::conformance
