// Rates: who sends faster than its client, its realm or its listener may is held to that, loses
// nothing, and is not taken for silent. docs/limits.md says what is promised.
#include "conformance/conformance.h"

#include <algorithm>

namespace godwit::conformance {
namespace {

using broker::RateLimits;
using broker::RateOf;
using broker::RealmLimits;
using std::chrono::milliseconds;
using world::CoreOptions;
using world::World;

constexpr RateLimits kSlow{.publish_rate = 10, .publish_burst = 5};

struct Way {
    uint16_t shards;
    bool durable;
};

class Rates : public ::testing::TestWithParam<Way> {
protected:
    /// Listener 1 is of realm "acme", the others are of "default".
    CoreOptions options() const {
        CoreOptions made{.shards = GetParam().shards, .durable = GetParam().durable};
        made.options.realms = {{"default"}, {"acme"}};
        made.options.listeners = {{}, {.realm = 1}, {}};
        return made;
    }
    World client_world(const RateLimits& rates) const {
        CoreOptions made = options();
        made.options.limits.client_rates = rates;
        return World(seed(), made);
    }
    World realm_world(const RateLimits& rates) const {
        CoreOptions made = options();
        made.options.limits.realm.rates = rates;
        return World(seed(), made);
    }
    static uint16_t far() { return uint16_t(GetParam().shards - 1); }
};
INSTANTIATE_TEST_SUITE_P(
    Ways, Rates, ::testing::Values(Way{1, false}, Way{2, false}, Way{4, false}, Way{2, true}),
    [](const auto& way) {
        return (way.param.durable ? "Durable" : "Memory") + std::to_string(way.param.shards);
    });

/// "NAME 1", "NAME 2", ... all at once.
void flood(Client& client, int count, uint8_t qos = 0, std::string_view name = "m") {
    Buffer bytes;
    for (int i = 1; i <= count; ++i) {
        const auto id = uint16_t(qos ? i : 0);
        put_bytes(bytes, world::publish_packet(Version::V5, "t",
                                               std::string(name) + " " + std::to_string(i),
                                               {.qos = qos, .packet_id = id}));
    }
    client.push(bytes);
}

Messages numbered(int first, int last, std::string_view name = "m") {
    Messages all;
    for (int i = first; i <= last; ++i) all.push_back(std::string(name) + " " + std::to_string(i));
    return all;
}

size_t count_of(const Messages& messages, std::string_view name) {
    return size_t(std::count_if(messages.begin(), messages.end(), [&](const std::string& each) {
        return each.starts_with(std::string(name) + " ");
    }));
}

size_t events(World& world, std::string_view name) {
    const auto& all = world.core().events;
    return size_t(
        std::count_if(all.begin(), all.end(), [&](const auto& each) { return each.name == name; }));
}

// --- a client ---

TEST_P(Rates, AFastClientIsHeldToItsRateAndLosesNothing) {
    World w = client_world(kSlow);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client pub = w.connect(w.id_on(far(), "p"));
    flood(pub, 50);
    w.settle();
    Messages got = sub.received();
    EXPECT_EQ(got, numbered(1, 5)) << "the burst";
    for (int second = 1; second <= 4; ++second) {
        w.advance(seconds(1));
        const Messages more = sub.received();
        EXPECT_GE(more.size(), 9u) << second;
        EXPECT_LE(more.size(), 11u) << second;
        got.insert(got.end(), more.begin(), more.end());
    }
    w.advance(seconds(1));
    for (const std::string& each : sub.received()) got.push_back(each);
    EXPECT_EQ(got, numbered(1, 50));
    EXPECT_EQ(w.counters().connections_over_rate, 0u);
}

TEST_P(Rates, ASlowClientBesideItIsNotSlowed) {
    World w = client_world(kSlow);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client fast = w.connect(w.id_on(far(), "fast")), calm = w.connect(w.id_on(far(), "calm"));
    flood(fast, 500, 0, "fast");
    w.settle();
    for (int i = 1; i <= 20; ++i) {
        calm.publish("t", "calm " + std::to_string(i), {.qos = 1});
        EXPECT_EQ(calm.count(Type::Puback), size_t(i));
        w.advance(milliseconds(100));
    }
    const Messages got = sub.received();
    EXPECT_EQ(count_of(got, "calm"), 20u);
    EXPECT_LE(count_of(got, "fast"), 26u);
    EXPECT_EQ(w.core().report(calm.id())->held_back.times, 0u);
}

TEST_P(Rates, QosOneAndTwoAreAcknowledgedAsTheyAreTaken) {
    for (const uint8_t qos : {uint8_t(1), uint8_t(2)}) {
        World w = client_world({.publish_rate = 10, .publish_burst = 10});
        Client sub = w.connect(w.id_on(0, "s")).subscribe("t", {.qos = 2});
        Client pub = w.connect(w.id_on(far(), "p"));
        for (int i = 0; i < 4; ++i) {
            flood(pub, 10, qos);
            w.advance(seconds(2));
        }
        EXPECT_EQ(pub.count(qos == 1 ? Type::Puback : Type::Pubcomp), 40u);
        EXPECT_EQ(sub.received().size(), 40u);
        EXPECT_FALSE(pub.closed());
    }
}

TEST_P(Rates, BytesAreThoseOfAllItsPackets) {
    World w = client_world({.byte_rate = 100, .byte_burst = 200});
    Client client = w.connect(w.id_on(far(), "c"));
    Buffer pings;
    for (int i = 0; i < 500; ++i) put_bytes(pings, packet("c0 00"));
    client.push(pings);
    w.settle();
    EXPECT_EQ(client.count(Type::Pingresp), 100u) << "of 2 bytes";
    w.advance(seconds(2));
    EXPECT_NEAR(double(client.count(Type::Pingresp)), 200, 2);
    w.advance(seconds(7));
    EXPECT_EQ(client.count(Type::Pingresp), 500u);
}

TEST_P(Rates, APacketAboveTheBurstIsTakenAndPaidForAfterwards) {
    World w = client_world({.byte_rate = 100, .byte_burst = 200});
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client pub = w.connect(w.id_on(far(), "p"));
    const Buffer large = world::publish_packet(Version::V5, "t", std::string(1000, 'x'), {});
    pub.push(large).push(packet("c0 00"));
    w.settle();
    EXPECT_EQ(sub.received().size(), 1u);
    w.advance(seconds(8));
    EXPECT_EQ(pub.count(Type::Pingresp), 0u);
    w.advance(seconds(1));
    EXPECT_EQ(pub.count(Type::Pingresp), 1u);
}

TEST_P(Rates, ComingBackDoesNotHelp) {
    World w = client_world(kSlow);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client pub = w.connect(w.id_on(far(), "p"));
    for (int i = 0; i < 20; ++i) {
        flood(pub, 5);
        w.settle();
        pub.cut().resume();
    }
    EXPECT_EQ(sub.received().size(), 5u);
    w.advance(seconds(10));
    flood(pub, 5);
    w.settle();
    EXPECT_EQ(sub.received().size(), 5u) << "when it has paid";
}

TEST_P(Rates, WhatWasHeldBackWhenTheConnectionBrokeHasNeverCome) {
    World w = client_world(kSlow);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t", {.qos = 1});
    Client pub = w.connect(w.id_on(far(), "p"), lasting());
    flood(pub, 5, 1);
    w.settle();
    flood(pub, 5, 1, "late");
    w.settle();
    pub.cut();
    w.advance(seconds(2));
    EXPECT_EQ(sub.received(), numbered(1, 5));
    EXPECT_EQ(w.counters().connections_over_rate, 0u);
    pub.resume();
    flood(pub, 5, 1, "late");
    w.advance(seconds(2));
    EXPECT_EQ(sub.received(), numbered(1, 5, "late")) << "once";
}

TEST_P(Rates, AGoodbyeComesAfterWhatWasSentBeforeIt) {
    World w = client_world(kSlow);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t").subscribe("w");
    ConnectOptions mortal{.will = WillOptions{.topic = "w", .payload = "dead"}};
    Client pub = w.connect(w.id_on(far(), "p"), mortal);
    flood(pub, 20);
    pub.push(packet("e0 00"));
    w.advance(seconds(3));
    EXPECT_EQ(sub.received(), numbered(1, 20)) << "and no will";
    EXPECT_TRUE(pub.closed());
}

// --- patience ---

TEST_P(Rates, WhoIsHeldBackIsNotSilent) {
    World w = client_world({.publish_rate = 1, .publish_burst = 1});
    Client pub = w.connect(w.id_on(far(), "p"), {.keepalive_s = 1});
    flood(pub, 20);
    for (int i = 0; i < 18; ++i) {
        w.advance(seconds(1));
        EXPECT_FALSE(pub.closed()) << i;
    }
    w.advance(seconds(4));
    expect_disconnect(pub, R::KeepAliveTimeout);
}

/// One publish in 30 s: between two of them it is asked many times whether it is silent.
TEST_P(Rates, WhoIsHeldBackForLongIsNotSilentAtItsEnd) {
    World w = client_world({.byte_rate = 10, .byte_burst = 300});
    Client pub = w.connect(w.id_on(far(), "p"), {.keepalive_s = 2});
    const Buffer large = world::publish_packet(Version::V5, "t", std::string(290, 'x'), {});
    pub.push(large).push(large).push(packet("c0 00"));
    Duration waited{};
    while (pub.count(Type::Pingresp) == 0 && waited < seconds(60)) {
        w.advance(milliseconds(100));
        waited += milliseconds(100);
        ASSERT_FALSE(pub.closed()) << "after " << waited.count();
    }
    EXPECT_GT(waited, seconds(25));
    w.advance(milliseconds(2800));
    EXPECT_FALSE(pub.closed()) << "its silence begins when it is read again";
    w.advance(milliseconds(400));
    EXPECT_TRUE(pub.closed());
}

/// They come at once, and meanwhile the client is asked again and again whether it is silent.
TEST_P(Rates, AMessageGrowsOldWhileItWaitsForItsTurn) {
    CoreOptions made = options();
    made.options.limits.client_rates = {.publish_rate = 1, .publish_burst = 1};
    made.cut_bytes = false;
    World w(seed(), made);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client pub = w.connect(w.id_on(far(), "p"), {.keepalive_s = 1});
    Buffer bytes;
    for (const uint32_t expiry_s : {60, 60, 60, 60, 60, 3, 7})
        put_bytes(bytes, world::publish_packet(Version::V5, "t", "m",
                                               {.properties = {.expiry_s = expiry_s}}));
    pub.push(bytes);
    w.advance(seconds(7));
    std::vector<std::optional<uint32_t>> left;
    for (const auto& each : sub.publishes()) left.push_back(each.expiry_s);
    EXPECT_EQ(left, (std::vector<std::optional<uint32_t>>{60, 59, 58, 57, 56, 1}));
}

TEST_P(Rates, TheRestOfAPacketIsNotAwaitedMeanwhile) {
    CoreOptions made = options();
    made.options.limits.client_rates = {.publish_rate = 1, .publish_burst = 1};
    made.options.limits.packet_timeout = seconds(2);
    World w(seed(), made);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client pub = w.connect(w.id_on(far(), "p"), {.keepalive_s = 0});
    flood(pub, 10);
    const Buffer last = world::publish_packet(Version::V5, "t", "last", {});
    pub.push(Bytes(last).first(5));
    w.advance(milliseconds(9500));
    pub.push(Bytes(last).subspan(5));
    w.advance(seconds(3));
    EXPECT_FALSE(pub.closed());
    EXPECT_EQ(sub.received().size(), 11u);
}

// --- several ---

TEST_P(Rates, ClientsOfARealmTakeTurnsOnWhateverShard) {
    World w = realm_world({.publish_rate = 20, .publish_burst = 1});
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    std::vector<Client> pubs;
    const Messages names{"a", "b", "c", "d"};
    for (uint16_t i = 0; i < 4; ++i) pubs.push_back(w.connect(w.id_on(i, names[i])));
    for (uint16_t i = 0; i < 4; ++i) flood(pubs[i], 100, 0, names[i]);
    for (int second = 1; second <= 3; ++second) {
        w.advance(seconds(1));
        const Messages got = sub.received();
        EXPECT_NEAR(double(got.size()), 20, 2) << second;
        for (const std::string& name : names)
            EXPECT_NEAR(double(count_of(got, name)), 5, 1) << name << second;
    }
}

TEST_P(Rates, ALoneMessageComesBehindOneOfEachWhoWaits) {
    World w = realm_world({.publish_rate = 10, .publish_burst = 1});
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    std::vector<Client> floods;
    for (uint16_t i = 0; i < 3; ++i) {
        floods.push_back(w.connect(w.id_on(i, "f" + std::to_string(i))));
        flood(floods.back(), 1000);
    }
    w.advance(seconds(1));
    Client calm = w.connect(w.id_on(far(), "calm"));
    calm.push(world::publish_packet(Version::V5, "t", "calm 1", {}));
    w.advance(milliseconds(450));
    EXPECT_EQ(count_of(sub.received(), "calm"), 1u);
}

TEST_P(Rates, OtherRealmsAreNotHeldBack) {
    World w = realm_world(kSlow);
    Client sub = w.connect(w.id_on(0, "s"), {.listener = 1}).subscribe("t");
    Client busy = w.connect(w.id_on(far(), "busy"));
    flood(busy, 100);
    w.settle();
    Client other = w.connect(w.id_on(far(), "other"), {.listener = 1});
    flood(other, 5, 0, "other");
    w.settle();
    EXPECT_EQ(sub.received(), numbered(1, 5, "other"));
    EXPECT_EQ(w.core().report(busy.id())->held_back.by, RateOf::Realm);
}

/// The default realm has what holds for all, acme a rate of its own, umbra none.
CoreOptions three_realms(CoreOptions made) {
    made.options.limits.realm.rates = kSlow;
    made.options.realms = {
        {"default"},
        {"acme", true, RealmLimits{.rates = {.publish_rate = 30, .publish_burst = 15}}},
        {"umbra", true, RealmLimits{}}};
    made.options.listeners[0].realm_by = broker::RealmBy::User;
    made.options.listeners[0].check_password = true;
    made.authenticator = [](const broker::AuthRequest& ask) {
        return AuthAnswer{.username = ask.username};
    };
    return made;
}

ConnectOptions of(const std::string& realm, ConnectOptions options = {}) {
    options.username = realm == "default" ? "u" : "u@" + realm;
    options.password = "p";
    return options;
}

TEST_P(Rates, EachRealmIsHeldToItsOwnRate) {
    World w(seed(), three_realms(options()));
    const Messages realms{"default", "acme", "umbra"};
    std::vector<Client> subs, pubs;
    for (const std::string& realm : realms) {
        subs.push_back(w.connect(w.id_on(0, "s"), of(realm)).subscribe("t"));
        pubs.push_back(w.connect(w.id_on(far(), "p-" + realm), of(realm)));
        flood(pubs.back(), 200, 0, realm);
    }
    w.settle();
    EXPECT_EQ(subs[0].received().size(), 5u) << "a burst";
    EXPECT_EQ(subs[1].received().size(), 15u) << "a burst of acme";
    EXPECT_EQ(subs[2].received().size(), 200u);
    for (int second = 1; second <= 3; ++second) {
        w.advance(seconds(1));
        EXPECT_NEAR(double(subs[0].received().size()), 10, 1) << second;
        EXPECT_NEAR(double(subs[1].received().size()), 30, 2) << second;
    }
    for (const broker::Event& each : w.core().events) {
        if (std::string_view(each.name) != "held_back") continue;
        EXPECT_EQ(each.reason, "realm_publish_rate");
        EXPECT_EQ(each.detail,
                  each.realm.value == 1 ? "more than 30 publishes/s" : "more than 10 publishes/s");
        EXPECT_NE(each.realm.value, 2);
    }
    EXPECT_GE(events(w, "held_back"), 2u);
}

TEST_P(Rates, ReceiveMaximumIsNoMoreThanABurstOfTheRealm) {
    World w(seed(), three_realms(options()));
    EXPECT_EQ(w.connect("c", of("default")).connack().receive_maximum, 5);
    EXPECT_EQ(w.connect("c", of("umbra")).connack().receive_maximum, 1024);
    Client client = w.connect(w.id_on(far(), "d"), of("acme", by_hand()));
    EXPECT_EQ(client.connack().receive_maximum, 15);
    flood(client, 15, 2);
    w.settle();
    EXPECT_EQ(client.count(Type::Pubrec), 15u);
    EXPECT_FALSE(client.closed());
    client.push(world::publish_packet(Version::V5, "t", "x", {.qos = 2, .packet_id = 100}));
    w.advance(seconds(1));
    expect_disconnect(client, R::ReceiveMaximumExceeded);
}

TEST_P(Rates, AListenersRateIsForAllItsClients) {
    CoreOptions made = options();
    made.options.listeners[2].rates = kSlow;
    World w(seed(), made);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client one = w.connect(w.id_on(0, "one"), {.listener = 2});
    Client two = w.connect(w.id_on(far(), "two"), {.listener = 2});
    Client free = w.connect(w.id_on(far(), "free"));
    flood(one, 100, 0, "one");
    flood(two, 100, 0, "two");
    flood(free, 100, 0, "free");
    w.settle();
    Messages got = sub.received();
    EXPECT_EQ(count_of(got, "free"), 100u);
    EXPECT_EQ(got.size(), 105u);
    EXPECT_EQ(w.core().report(one.id())->held_back.by, RateOf::Listener);
    w.advance(seconds(2));
    got = sub.received();
    EXPECT_NEAR(double(count_of(got, "one")), 10, 2);
    EXPECT_NEAR(double(count_of(got, "two")), 10, 2);
}

/// It is not asked by the first line again when it was its turn there.
TEST_P(Rates, WhoIsBoundedByAllGetsTheLeastOfThem) {
    CoreOptions made = options();
    made.options.limits.client_rates = {.publish_rate = 50, .publish_burst = 1};
    made.options.limits.realm.rates = {.publish_rate = 40, .publish_burst = 1};
    made.options.listeners[0].rates = {.publish_rate = 20, .publish_burst = 1};
    World w(seed(), made);
    Client sub = w.connect(w.id_on(0, "s")).subscribe("t");
    Client one = w.connect(w.id_on(far(), "one"));
    flood(one, 200);
    w.advance(seconds(5));
    EXPECT_NEAR(double(sub.received().size()), 100, 5);
}

TEST(RatesAndDisks, APacketThatWaitsForADiskPaysOnce) {
    CoreOptions made{.shards = 1, .durable = true};
    // Enough for both publishes, and for a long time not for one of them again.
    made.options.limits.client_rates = {.byte_rate = 1, .byte_burst = 32};
    World w(seed(), made);
    Client keeper = w.connect("keeper", lasting());
    keeper.subscribe("kept", {.qos = 1}).disconnect();
    w.settle();
    w.core().disk(0).sync_failures = 1000;
    Client pub = w.connect_v311("pub");
    pub.publish("kept", "first", {.qos = 1});
    w.settle();
    pub.push(world::publish_packet(Version::V311, "kept", "second", {.qos = 1, .packet_id = 2}));
    w.settle();
    EXPECT_EQ(w.counters().connections_held_back, 1u) << "by the disk";
    EXPECT_EQ(w.core().report("pub")->held_back.times, 0u);
    w.core().disk(0).sync_failures = 0;
    w.advance(seconds(30));
    EXPECT_EQ(pub.count(Type::Puback), 2u);
    EXPECT_EQ(w.core().report("pub")->held_back.times, 0u) << "nor by its rate when it came again";
}

// --- what is told ---

TEST_P(Rates, ReceiveMaximumIsNoMoreThanABurst) {
    CoreOptions made = options();
    made.options.limits.client_rates = {.publish_rate = 100};
    made.options.limits.realm.rates = {.publish_rate = 10'000, .publish_burst = 50};
    made.options.listeners[2].rates = {.publish_rate = 10'000, .publish_burst = 20};
    World w(seed(), made);
    EXPECT_EQ(w.connect("c").connack().receive_maximum, 50);
    Client client = w.connect(w.id_on(far(), "d"), by_hand({.listener = 2}));
    EXPECT_EQ(client.connack().receive_maximum, 20);
    flood(client, 20, 2);
    w.settle();
    EXPECT_EQ(client.count(Type::Pubrec), 20u);
    EXPECT_FALSE(client.closed());
    client.push(world::publish_packet(Version::V5, "t", "x", {.qos = 2, .packet_id = 100}));
    w.advance(seconds(1));
    expect_disconnect(client, R::ReceiveMaximumExceeded);
}

TEST_P(Rates, AClientIsToldItsOwnWhereThatFits) {
    World w = client_world({.publish_rate = 100, .byte_rate = 5000, .byte_burst = 700});
    const auto told = [&](const ConnectOptions& how) {
        Client client = w.connect("c", how);
        EXPECT_EQ(client.connack_reason(), R::Success);
        return world::pairs_of(client.connack().user_properties);
    };
    EXPECT_EQ(told({}), (Pairs{{"publish_rate", "100"},
                               {"publish_burst", "100"},
                               {"byte_rate", "5000"},
                               {"byte_burst", "700"}}));
    EXPECT_EQ(told({.packet_bytes_max = 40}), Pairs{});
}

TEST_P(Rates, IsToldOnceASecondAndCountedAlways) {
    World w = client_world(kSlow);
    Client pub = w.connect(w.id_on(far(), "p"));
    flood(pub, 65);
    w.settle();
    const auto now = w.core().report(pub.id())->held_back;
    EXPECT_EQ(now.by, RateOf::Client);
    w.advance(milliseconds(6200));
    EXPECT_GE(events(w, "held_back"), 6u);
    EXPECT_LE(events(w, "held_back"), 7u);
    const auto& all = w.core().events;
    const auto first = std::find_if(all.begin(), all.end(), [](const broker::Event& each) {
        return std::string_view(each.name) == "held_back";
    });
    EXPECT_EQ(first->client, pub.id());
    EXPECT_EQ(first->reason, "limits.client_publish_rate");
    EXPECT_EQ(first->detail, "more than 10 publishes/s");
    const auto then = w.core().report(pub.id())->held_back;
    EXPECT_EQ(then.by, std::nullopt);
    EXPECT_EQ(then.times, 60u);
    EXPECT_NEAR(std::chrono::duration<double>(then.held).count(), 6, 0.2);
    EXPECT_EQ(w.counters().held_back.times[size_t(RateOf::Client)], 60u);
    EXPECT_NEAR(double(w.counters().held_back.nanoseconds[size_t(RateOf::Client)]) / 1e9, 6, 0.2);
}

TEST_P(Rates, OfARealmOneLineASecondIsLogged) {
    World w = realm_world(kSlow);
    std::vector<Client> pubs;
    for (int i = 0; i < 10; ++i) {
        pubs.push_back(w.connect(w.id_on(0, "p" + std::to_string(i))));
        flood(pubs.back(), 10);
    }
    w.advance(milliseconds(500));
    const auto& all = w.core().events;
    EXPECT_GE(events(w, "held_back"), 9u) << "for those who ask why";
    EXPECT_EQ(std::count_if(all.begin(), all.end(),
                            [](const broker::Event& each) {
                                return std::string_view(each.name) == "held_back" && !each.quiet;
                            }),
              1);
}

TEST_P(Rates, WithoutARateNobodyIsHeldBackOrToldOne) {
    World w(seed(), options());
    Client pub = w.connect(w.id_on(far(), "p"));
    EXPECT_EQ(pub.connack().receive_maximum, 1024);
    EXPECT_TRUE(pub.connack().user_properties.empty());
    flood(pub, 1000);
    w.settle();
    EXPECT_EQ(w.counters().publishes_received, 1000u);
    EXPECT_EQ(w.counters().held_back.times[0], 0u);
}

}  // namespace
}  // namespace godwit::conformance
