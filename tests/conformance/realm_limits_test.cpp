// What one realm may hold: clients, sessions, subscriptions and memory, on one shard and across
// shards. Whoever is above it is refused by name, and clients of other realms notice nothing.
// docs/limits.md says what is promised.
#include "broker/scarcity.h"
#include "conformance/mqtt311.h"

namespace godwit::conformance {
namespace {

using world::World;

constexpr size_t kDefault = 0, kAcme = 1;
constexpr auto kQos1 = world::PublishOptions{.qos = 1};

struct Way {
    uint16_t shards;
    bool durable;
};
class RealmLimits : public ::testing::TestWithParam<Way> {
protected:
    /// The realm acme has these limits, the default realm none.
    std::unique_ptr<World> world(const broker::RealmLimits& acme) const {
        CoreOptions options{.shards = GetParam().shards,
                            .durable = GetParam().durable,
                            .authenticator = [](const broker::AuthRequest& ask) {
                                return AuthAnswer{.username = ask.username};
                            }};
        options.options.realms = {{"default"}, {"acme", true, acme}};
        options.options.listeners[0].realm_by = broker::RealmBy::User;
        options.options.listeners[0].check_password = true;
        return std::make_unique<World>(seed(), options);
    }
};
class RealmInMemory : public RealmLimits {};
class RealmOnDisk : public RealmLimits {};
constexpr Way kInMemory[] = {{1, false}, {2, false}, {4, false}};
constexpr Way kOnDisk[] = {{1, true}, {2, true}, {4, true}};
std::string name_of(const ::testing::TestParamInfo<Way>& way) {
    return (way.param.durable ? "Durable" : "Memory") + std::to_string(way.param.shards);
}
INSTANTIATE_TEST_SUITE_P(Memory, RealmLimits, ::testing::ValuesIn(kInMemory), name_of);
INSTANTIATE_TEST_SUITE_P(Durable, RealmLimits, ::testing::ValuesIn(kOnDisk), name_of);
INSTANTIATE_TEST_SUITE_P(Memory, RealmInMemory, ::testing::ValuesIn(kInMemory), name_of);
INSTANTIATE_TEST_SUITE_P(Durable, RealmOnDisk, ::testing::ValuesIn(kOnDisk), name_of);

ConnectOptions of(std::string_view realm, ConnectOptions options = {}) {
    options.username = "u@" + std::string(realm);
    options.password = "p";
    return options;
}

/// A client of acme, once all shards have heard what the others hold.
Client come(World& world, std::string_view id, const ConnectOptions& options = {}) {
    world.settle();
    Client client = world.connect(id, of("acme", options));
    world.settle();
    return client;
}

std::vector<Client> crowd(World& world, size_t count, const ConnectOptions& options = {}) {
    std::vector<Client> all;
    for (size_t i = 0; i < count; ++i) all.push_back(come(world, "c" + std::to_string(i), options));
    return all;
}

/// Details of the events of this name in acme.
std::vector<std::string> told(World& world, std::string_view name) {
    std::vector<std::string> details;
    for (const broker::Event& each : world.core().events)
        if (each.name == name && each.realm.value == kAcme) details.push_back(each.detail);
    return details;
}

bool names(const std::vector<std::string>& details, std::string_view limit) {
    return std::ranges::any_of(details,
                               [&](const std::string& each) { return each.ends_with(limit); });
}

// --- clients, sessions, subscriptions ---

TEST_P(RealmLimits, NoMoreClientsAreConnectedThanItMayHave) {
    auto w = world({.connections_max = 3});
    auto all = crowd(*w, 3, lasting());
    for (Client& each : all) EXPECT_EQ(each.connack_reason(), R::Success);
    expect_refused(come(*w, "d"), R::QuotaExceeded);
    expect_return_code(w->connect_v311("e", of("acme")), 3);
    EXPECT_TRUE(names(told(*w, "refused"), "realm_connections_max"));
    EXPECT_EQ(w->core().realm(kAcme).connects_refused, 2u);
    EXPECT_EQ(w->core().realm(kAcme).connections, 3u);
    EXPECT_EQ(w->connect("d").connack_reason(), R::Success) << "in another realm";
    EXPECT_EQ(come(*w, "c0", next_time(lasting())).connack_reason(), R::Success)
        << "it takes over its own connection";
    all[1].disconnect();
    EXPECT_EQ(come(*w, "d").connack_reason(), R::Success);
}

TEST_P(RealmLimits, NoMoreComeInThanItsRateAndBurst) {
    auto w = world({.connection_rate = 1, .connection_burst = 8});
    const auto rush = [&] {
        size_t taken = 0;
        for (int i = 0; i < 40; ++i)
            taken += !w->connect("r" + std::to_string(i), of("acme")).closed();
        return taken;
    };
    EXPECT_EQ(rush(), 8u) << "each shard takes its share";
    EXPECT_EQ(w->connect("d").connack_reason(), R::Success) << "in another realm";
    EXPECT_TRUE(names(told(*w, "refused"), "realm_connection_rate"));
    EXPECT_EQ(w->core().realm(kAcme).connects_refused, 32u);
    w->advance(seconds(4));
    EXPECT_EQ(rush(), 4u);
}

TEST_P(RealmLimits, NoMoreSessionsAreMadeThanItMayHave) {
    auto w = world({.sessions_max = 3});
    auto all = crowd(*w, 3, lasting());
    for (Client& each : all) each.disconnect();
    expect_refused(come(*w, "d"), R::QuotaExceeded);
    EXPECT_TRUE(names(told(*w, "refused"), "realm_sessions_max"));
    if (GetParam().durable) {
        w->restart();
        w->settle();
        expect_refused(come(*w, "d"), R::QuotaExceeded);
    }
    EXPECT_EQ(w->core().realm(kAcme).sessions, 3u);
    EXPECT_EQ(w->connect("d").connack_reason(), R::Success) << "in another realm";
    EXPECT_TRUE(all[1].resume().session_present());
    all[1].disconnect(R::Success, 0);  // and the session ends
    EXPECT_EQ(come(*w, "d").connack_reason(), R::Success);
}

TEST_P(RealmLimits, NoMoreIsSubscribedToThanItMay) {
    auto w = world({.subscriptions_max = 4});
    auto all = crowd(*w, 2);
    Client old = w->connect_v311("old", of("acme"));
    EXPECT_EQ(all[0].subscribe("a").suback(), Codes{R::Success});
    EXPECT_EQ(all[0].subscribe("$share/g/a").suback(), Codes{R::Success});
    w->settle();
    EXPECT_EQ(all[1].subscribe({"a", "b"}).suback(), (Codes{R::Success, R::Success}));
    w->settle();
    EXPECT_EQ(all[0].subscribe("c").suback(), Codes{R::QuotaExceeded});
    EXPECT_EQ(all[1].subscribe("$share/g/a").suback(), Codes{R::QuotaExceeded});
    EXPECT_EQ(all[1].subscribe("a", {.qos = 1}).suback(), Codes{R::GrantedQos1}) << "it has that";
    old.subscribe("c");
    EXPECT_EQ(body_of(old, Type::Suback).back(), 0x80);
    EXPECT_TRUE(names(told(*w, "subscribe_refused"), "realm_subscriptions_max"));
    EXPECT_EQ(w->core().realm(kAcme).subscriptions_refused, 3u);
    EXPECT_EQ(w->connect("d").subscribe("c").suback(), Codes{R::Success}) << "in another realm";
    all[0].unsubscribe("$share/g/a");
    w->settle();
    EXPECT_EQ(all[1].subscribe("c").suback(), Codes{R::Success});
    all[0].disconnect();
    all[1].disconnect();
    w->settle();
    EXPECT_EQ(w->core().realm(kAcme).subscriptions, 0u);
}

// --- memory ---

constexpr uint64_t kBudget = 1024 * 1024;

/// So many offline sessions of this realm that wait for "t" in memory.
void wait_offline(World& world, std::string_view realm, size_t count) {
    for (size_t i = 0; i < count; ++i) {
        const std::string id = "w" + std::to_string(i);
        world.connect(id, of(realm, lasting())).subscribe("t", {.qos = 1}).disconnect();
    }
}

/// Publishes 4 KiB each. @return how many are taken before one is refused, or `most`
size_t flood(World& world, std::string_view realm, size_t most) {
    Client pub = world.connect("p", of(realm));
    for (size_t i = 0; i < most; ++i) {
        pub.publish("t", std::string(4096, 'x'), kQos1);
        if (pub.ack_reason(Type::Puback) != R::Success) return i;
        world.settle();
    }
    return most;
}

TEST_P(RealmInMemory, OneRealmsFloodIsRefusedAndAnothersIsNot) {
    auto w = world({.memory_bytes_max = kBudget});
    for (const char* realm : {"default", "acme"}) wait_offline(*w, realm, 8);
    const size_t taken = flood(*w, "acme", 100);
    EXPECT_GE(taken, 24u) << "80 % are 25 messages for 8 sessions";
    EXPECT_LE(taken, 28u);
    EXPECT_EQ(told(*w, "realm_memory_scarce").size(), 1u);
    EXPECT_FALSE(told(*w, "holds_much").empty());
    EXPECT_GE(w->core().realm(kAcme).publishes_refused, 1u);
    EXPECT_EQ(w->core().realm(kAcme).memory_scarce, w->shard_count());
    EXPECT_EQ(w->core().realm(kDefault).memory_scarce, 0u);
    EXPECT_EQ(flood(*w, "default", 50), 50u);
    for (int i = 0; i < 4; ++i)
        w->connect("w" + std::to_string(i), of("acme"));  // a clean start: what waited is gone
    w->settle();
    EXPECT_EQ(told(*w, "realm_memory_ample").size(), 1u);
    EXPECT_GE(flood(*w, "acme", 5), 5u);
}

TEST_P(RealmOnDisk, WhatWaitsOnDiskTakesLittle) {
    auto w = world({.memory_bytes_max = kBudget});
    wait_offline(*w, "acme", 8);
    EXPECT_EQ(flood(*w, "acme", 50), 50u);
    EXPECT_LE(w->core().realm(kAcme).memory_bytes, 64 * 1024u);
    w->restart();
    EXPECT_EQ(told(*w, "realm_memory_scarce").size(), 0u);
    EXPECT_GT(w->core().realm(kAcme).memory_bytes, 8 * 50 * 60u);
    EXPECT_LE(w->core().realm(kAcme).memory_bytes, 64 * 1024u);
    Client back = come(*w, "w0", next_time(lasting()));
    EXPECT_EQ(back.received().size(), 50u);
}

TEST_P(RealmLimits, WhoHoardsTheRealmsMemoryIsDisconnectedAndNobodyElse) {
    auto w = world({.memory_bytes_max = kBudget});
    Client hoarder = w->connect("h", of("acme")), peer = w->connect("q", of("acme"));
    Client other = w->connect("h", of("default"));
    const Buffer bytes =
        world::publish_packet(Version::V5, "t", std::string(2 * broker::kMuchBytes, 'x'), {});
    for (Client* each : {&hoarder, &other}) each->push(Bytes(bytes).first(bytes.size() - 1));
    w->settle();
    expect_disconnect(hoarder, R::QuotaExceeded);
    EXPECT_GE(told(*w, "realm_memory_scarce").size() + told(*w, "realm_memory_spent").size(), 1u);
    EXPECT_FALSE(other.closed());
    EXPECT_FALSE(peer.ping().closed());
    EXPECT_EQ(told(*w, "realm_memory_ample").size(), 1u) << "it is there no more";
    EXPECT_EQ(come(*w, "new").connack_reason(), R::Success);
}

TEST_P(RealmLimits, NoSessionIsMadeInARealmWithoutMemoryAndThoseThatAreThereGoOn) {
    auto w = world({.memory_bytes_max = 16 * 1024});
    std::vector<Client> all;
    do all.push_back(come(*w, "c" + std::to_string(all.size()), lasting()));
    while (all.size() < 100 && !all.back().closed());
    EXPECT_GE(all.size(), 30u);
    EXPECT_LE(all.size(), 45u);
    expect_refused(all.back(), R::QuotaExceeded);
    EXPECT_EQ(told(*w, "refused"), std::vector<std::string>{"memory is spent: no new session"});
    EXPECT_EQ(told(*w, "realm_memory_spent").size(), 1u);
    EXPECT_EQ(all[0].subscribe("t").suback(), Codes{R::QuotaExceeded});
    EXPECT_EQ(w->connect("new").connack_reason(), R::Success) << "in another realm";
    EXPECT_FALSE(all[1].ping().closed());
    all[1].disconnect();
    EXPECT_TRUE(all[1].resume().session_present());
    for (Client& each : all)
        if (!each.closed()) each.disconnect(R::Success, 0);
    w->settle();
    EXPECT_EQ(told(*w, "realm_memory_ample").size(), 1u);
    EXPECT_EQ(come(*w, "new").connack_reason(), R::Success);
}

/// Everything that can be held, in all the ways that it goes.
TEST_P(RealmLimits, WhatIsHeldIsLetGo) {
    auto w = world({.memory_bytes_max = uint64_t(1) << 40});
    const auto held = [&] {
        w->settle();
        return w->core().realm(kAcme).memory_bytes;
    };
    ConnectOptions slow = of("acme", lasting(by_hand()));
    slow.receive_maximum = 4;
    slow.will = WillOptions{.topic = "will", .payload = std::string(3000, 'w')};
    std::vector<Client> all;
    for (const char* id : {"a", "b", "c"}) {
        all.push_back(w->connect(id, slow));
        all.back().subscribe({"t/#", "u", "$share/g/s"}, {.qos = 2});
    }
    Client pub = w->connect("p", of("acme"));
    pub.publish("t/kept", std::string(500, 'r'), {.qos = 1, .retain = true});
    for (int i = 0; i < 12; ++i)
        for (const char* topic : {"t/x", "u", "s"})
            pub.publish(topic, std::string(2000, 'x'), {.qos = uint8_t(i % 3)});
    EXPECT_GT(held(), 3 * 10 * 2000u);
    for (const auto& each : all[0].publishes())
        if (each.qos == Qos::AtLeastOnce)
            all[0].puback(each.packet_id);
        else if (each.qos == Qos::ExactlyOnce)
            all[0].pubrec(each.packet_id);
    all[1].unsubscribe("u").cut();
    all[2].disconnect();
    if (GetParam().durable) {
        w->restart();
        for (Client& each : all) each.reconnect(next_time(slow));
    } else {
        all[1].reconnect(next_time(slow));
    }
    pub.reconnect(of("acme"));
    pub.publish("t/kept", "", {.qos = 1, .retain = true});
    all[1].push(
        Bytes(world::publish_packet(Version::V5, "t", std::string(9000, 'x'), {})).first(5000));
    EXPECT_GT(held(), 5000u);
    pub.publish(std::string(2000, 'a'), "x", {.topic_alias = 1});
    EXPECT_GT(held(), 7000u);
    for (Client& each : all) each.reconnect(of("acme"));  // a clean start
    pub.reconnect(of("acme"));                            // without its alias
    EXPECT_LT(held(), 4 * 700u) << "four idle clients";
    for (Client& each : all) each.disconnect();
    pub.disconnect();
    EXPECT_EQ(held(), 0u);
    EXPECT_EQ(w->core().realm(kAcme).sessions, 0u);
    EXPECT_EQ(w->core().realm(kAcme).queued, 0u);
}

TEST_P(RealmLimits, AnIdleClientCountsForWhatItCosts) {
    auto w = world({.memory_bytes_max = kBudget});
    const uint64_t before = w->core().realm(kAcme).memory_bytes;
    Client client = come(*w, "client-of-21-characts");
    client.subscribe("topic/of/22/characters");
    w->settle();
    const uint64_t bytes = w->core().realm(kAcme).memory_bytes - before;
    const uint64_t user = sizeof(std::string) + std::string("u@acme").size();
    EXPECT_NEAR(double(bytes - user), 475, 5) << "tests/bench/memory.py";
}

}  // namespace
}  // namespace godwit::conformance
