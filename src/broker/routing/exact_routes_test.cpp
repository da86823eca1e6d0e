#include "broker/routing/exact_routes.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <string>

namespace godwit::broker {
namespace {

constexpr HashKey kKey{1, 2};

RemoteShards wanting(const ExactRoutes& routes, std::string_view name) {
    RemoteShards found;
    routes.match(name, found);
    return found;
}

TEST(ExactRoutes, KnowWhichShardsWantAName) {
    ExactRoutes routes(kKey);
    EXPECT_EQ(wanting(routes, "a"), RemoteShards{});
    routes.change("a", {1}, {Interest::None, Interest::Live});
    routes.change("a", {63}, {Interest::None, Interest::Kept});
    const uint64_t last = uint64_t(1) << 63;
    EXPECT_EQ(wanting(routes, "a"), (RemoteShards{2 | last, last}));
    EXPECT_EQ(wanting(routes, "b"), RemoteShards{});
    routes.change("a", {63}, {Interest::Kept, Interest::Live});
    EXPECT_EQ(wanting(routes, "a"), (RemoteShards{2 | last, 0}));
    routes.change("a", {1}, {Interest::Live, Interest::None});
    EXPECT_EQ(wanting(routes, "a"), (RemoteShards{last, 0}));
}

TEST(ExactRoutes, AddToWhatIsThere) {
    ExactRoutes routes(kKey);
    routes.change("a", {1}, {Interest::None, Interest::Kept});
    RemoteShards found{.shards = 8, .kept_shards = 8};
    routes.match("a", found);
    EXPECT_EQ(found, (RemoteShards{10, 10}));
}

TEST(ExactRoutes, FiltersOfOneHashGoEachForItself) {
    ExactRoutes routes(kKey);  // twice the same stands for two that collide
    routes.change("a", {1}, {Interest::None, Interest::Live});
    routes.change("a", {1}, {Interest::None, Interest::Kept});
    routes.change("a", {1}, {Interest::Live, Interest::None});
    EXPECT_EQ(wanting(routes, "a"), (RemoteShards{2, 2}));
    routes.change("a", {1}, {Interest::Kept, Interest::None});
    EXPECT_EQ(wanting(routes, "a"), RemoteShards{});
}

TEST(ExactRoutes, AgreeWithAPlainTable) {
    Random random(20260728);
    ExactRoutes routes(kKey);
    std::map<std::pair<std::string, uint16_t>, Interest> model;
    constexpr std::array kAll{Interest::None, Interest::Live, Interest::Kept};
    for (int step = 0; step < 20'000; ++step) {
        const std::string name = "t/" + std::to_string(random.below(2000));
        const auto shard = uint16_t(random.below(7));
        Interest& known = model[{name, shard}];
        const Interest now = kAll[random.below(3)];
        if (now == known) continue;
        routes.change(name, {shard}, {known, now});
        known = now;
    }
    size_t size = 0;
    std::map<std::string, RemoteShards> expected;
    for (const auto& [key, interest] : model) {
        const uint64_t bit = uint64_t(1) << key.second;
        expected[key.first].shards |= interest != Interest::None ? bit : 0;
        expected[key.first].kept_shards |= interest == Interest::Kept ? bit : 0;
        size += interest != Interest::None;
    }
    for (const auto& [name, shards] : expected) EXPECT_EQ(wanting(routes, name), shards) << name;
    EXPECT_EQ(routes.size(), size);
}

TEST(ExactRoutes, CostFewBytesAFilter) {
    ExactRoutes routes(kKey);
    constexpr size_t kCount = 100'000;
    for (size_t i = 0; i < kCount; ++i)
        routes.change("devices/" + std::to_string(i), {1}, {Interest::None, Interest::Live});
    EXPECT_LT(routes.memory_bytes(), kCount * 8);
    for (size_t i = 0; i < kCount; ++i)
        routes.change("devices/" + std::to_string(i), {1}, {Interest::Live, Interest::None});
    EXPECT_EQ(routes.memory_bytes(), 0u);
}

}  // namespace
}  // namespace godwit::broker
