#include "broker/core.h"

#include <gtest/gtest.h>

#include <set>

namespace godwit::broker {
namespace {

const BrokerOptions kOptions;

ShardConfig config(uint16_t id, uint16_t shard_count) {
    return {.id = {id}, .shard_count = shard_count, .options = &kOptions};
}

Instant at(int64_t ns) {
    return Instant(Duration(ns));
}

TEST(OrderClock, FollowsTheMonotonicClock) {
    OrderClock clock;
    EXPECT_EQ(clock.next(at(100)), 100u);
    EXPECT_EQ(clock.next(at(250)), 250u);
    EXPECT_EQ(clock.last(), 250u);
}

TEST(OrderClock, NeverGivesAStampTwice) {
    OrderClock clock;
    EXPECT_EQ(clock.next(at(100)), 100u);
    EXPECT_EQ(clock.next(at(100)), 101u);
    EXPECT_EQ(clock.next(at(100)), 102u);
    EXPECT_EQ(clock.next(at(90)), 103u);
    EXPECT_EQ(clock.next(at(103)), 104u);
}

TEST(OrderClock, StampsEffectsAfterTheCauseItHasSeen) {
    OrderClock behind;
    behind.observe(5000);
    EXPECT_EQ(behind.last(), 5000u);
    EXPECT_EQ(behind.next(at(100)), 5001u);
    behind.observe(10);
    EXPECT_EQ(behind.next(at(100)), 5002u);
}

TEST(Core, FindsTheSameHomesFromEveryShard) {
    const Core a(config(0, 4)), b(config(3, 4));
    for (int i = 0; i < 50; ++i) {
        const std::string name = "client-" + std::to_string(i);
        EXPECT_EQ(a.home_of_client({0}, name), b.home_of_client({0}, name));
        EXPECT_EQ(a.home_of_topic({0}, name), b.home_of_topic({0}, name));
        EXPECT_EQ(a.home_of_group({{0}, name, "f/#"}), b.home_of_group({{0}, name, "f/#"}));
    }
}

TEST(Core, SpreadsHomesOverAllShards) {
    const Core core(config(0, 4));
    std::set<ShardId> clients, groups, filters;
    for (int i = 0; i < 100; ++i) {
        const std::string name = "n" + std::to_string(i);
        clients.insert(core.home_of_client({0}, name));
        groups.insert(core.home_of_group({{0}, name, "f"}));
        filters.insert(core.home_of_group({{0}, "g", name}));
    }
    EXPECT_EQ(clients.size(), 4u);
    EXPECT_EQ(groups.size(), 4u);
    EXPECT_EQ(filters.size(), 4u);
}

TEST(Core, TellsTheClientsOfTwoRealmsApart) {
    const Core core(config(0, 2));
    EXPECT_NE(core.client_hash({0}, "c"), core.client_hash({1}, "c"));
    EXPECT_NE(core.client_hash({0}, "c"), 0u);
}

TEST(Core, CountsAllOtherShardsUpToSixtyFour) {
    EXPECT_EQ(Core(config(0, 1)).all_others(), 0u);
    EXPECT_EQ(Core(config(1, 4)).all_others(), 0b1101u);
    EXPECT_EQ(Core(config(63, 64)).all_others(), ~uint64_t(0) >> 1);
}

TEST(Core, KnowsWhenARouteIsInForceEverywhereElse) {
    Core alone(config(0, 1));
    EXPECT_TRUE(alone.routes_in_force(99));
    Core core(config(1, 3));
    EXPECT_TRUE(core.routes_in_force(0));
    core.route_applied[0] = 5;
    EXPECT_FALSE(core.routes_in_force(5));
    core.route_applied[2] = 4;
    EXPECT_FALSE(core.routes_in_force(5));
    EXPECT_TRUE(core.routes_in_force(4));
}

TEST(Core, CountsWhatItPostsToOthersAndKeepsWhatItPostsToItself) {
    Core core(config(0, 2));
    Effects fx;
    core.fx = &fx;
    core.post({1}, PublishConfirm{1});
    core.post({0}, PublishConfirm{2});
    EXPECT_EQ(core.posted[1], 1u);
    EXPECT_EQ(core.posted[0], 0u);
    ASSERT_EQ(fx.posts.size(), 1u);
    EXPECT_EQ(fx.posts[0].to, ShardId{1});
    EXPECT_EQ(core.loopback.size(), 1u);
}

TEST(Core, DrawsOtherNumbersOnEachShard) {
    Core a(config(0, 2)), b(config(1, 2));
    EXPECT_NE(a.random.next(), b.random.next());
}

TEST(CoreDeathTest, RefusesMoreShardsThanASetOfBitsHolds) {
    EXPECT_DEATH(Core(config(0, 65)), "broken");
    EXPECT_DEATH(Core(config(0, 0)), "broken");
}

}  // namespace
}  // namespace godwit::broker
