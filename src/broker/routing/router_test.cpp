#include "broker/routing/router.h"

#include "base/random.h"
#include "topic/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace godwit::broker {
namespace {

using mqtt::Qos;
using topic::FilterId;

constexpr ShardId kSelf{0};

SessionRef session(uint32_t slot) {
    return {slot, 1};
}

/// What is now, of a change.
std::optional<Interest> now_of(const std::optional<InterestChange>& change) {
    return change ? std::optional(change->now) : std::nullopt;
}

class RouterTest : public ::testing::Test {
protected:
    Router::Added add(std::string_view filter, const Taker& taker) {
        return router_.add_taker(filter, taker);
    }
    std::optional<Interest> remove(std::string_view filter, uint32_t slot, bool group = false) {
        const auto id = router_.find(filter, session(slot), group);
        EXPECT_TRUE(id) << filter;
        return now_of(router_.remove_taker(*id, session(slot), group));
    }
    void set_remote(const std::string& filter, ShardId shard, Interest now) {
        Interest& known = remote_[{filter, shard}];
        router_.change_remote(filter, shard, {known, now});
        known = now;
    }
    /// Slots of those who take `topic`, in order.
    std::vector<uint32_t> takers(std::string_view topic) {
        std::vector<uint32_t> slots;
        for (const Delivery& each : router_.match(topic, std::nullopt).local)
            slots.push_back(each.session.slot);
        std::sort(slots.begin(), slots.end());
        return slots;
    }
    using Slots = std::vector<uint32_t>;

    Router router_{HashKey{1, 2}, kSelf};
    std::map<std::pair<std::string, ShardId>, Interest> remote_;
};

std::multiset<uint32_t> ids_of(const Matches& matches, const Delivery& delivery) {
    std::multiset<uint32_t> ids;
    if (delivery.subscription_id != 0) ids.insert(delivery.subscription_id);
    for (uint32_t at = delivery.more_ids; at != Delivery::kNoMore; at = matches.more_ids[at].next)
        ids.insert(matches.more_ids[at].subscription_id);
    return ids;
}

TEST_F(RouterTest, FindsNobodyAtFirst) {
    EXPECT_TRUE(router_.match("a", std::nullopt).local.empty());
    EXPECT_EQ(router_.match("a", std::nullopt).remote.shards, 0u);
    EXPECT_EQ(router_.find("a", session(1)), std::nullopt);
    EXPECT_EQ(router_.filter_count(), 0u);
}

TEST_F(RouterTest, AnswersAsThingsAreWhenAskedTheSameAgain) {
    EXPECT_TRUE(takers("a/b").empty());
    add("a/b", {.session = session(1)});
    EXPECT_EQ(takers("a/b"), (Slots{1}));
    EXPECT_EQ(takers("a/b"), (Slots{1}));
    add("a/b", {.session = session(1), .qos = Qos::AtLeastOnce});
    EXPECT_EQ(router_.match("a/b", std::nullopt).local[0].qos, Qos::AtLeastOnce);
    set_remote("a/+", {1}, Interest::Live);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.shards, 2u);
    set_remote("a/+", {1}, Interest::None);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.shards, 0u);
    remove("a/b", 1);
    EXPECT_TRUE(takers("a/b").empty());
    add("a/b", {.session = session(2), .no_local = true});
    EXPECT_EQ(takers("a/b"), (Slots{2}));
    EXPECT_TRUE(router_.match("a/b", session(2)).local.empty());
    EXPECT_EQ(takers("a/b"), (Slots{2}));
}

TEST_F(RouterTest, KnowsWhatItWasAskedForLast) {
    const auto one = std::optional(session(1));
    EXPECT_FALSE(router_.asked_last("", std::nullopt));
    (void)router_.match("a/b", one);
    EXPECT_TRUE(router_.asked_last("a/b", one));
    EXPECT_FALSE(router_.asked_last("a/b", session(2)));
    EXPECT_FALSE(router_.asked_last("a", one));
    EXPECT_FALSE(router_.asked_last("", one));
    (void)router_.match(std::string(1000, 'x'), one);
    EXPECT_FALSE(router_.asked_last("a/b", one));
}

TEST_F(RouterTest, FindsThoseWhoseFilterMatches) {
    add("a/b", {.session = session(1)});
    add("a/+", {.session = session(2)});
    add("a/#", {.session = session(3)});
    add("c", {.session = session(4)});
    EXPECT_EQ(takers("a/b"), (Slots{1, 2, 3}));
    EXPECT_EQ(takers("a"), (Slots{3}));
    EXPECT_EQ(takers("c"), (Slots{4}));
    EXPECT_EQ(takers("d"), Slots{});
}

TEST_F(RouterTest, SaysWhenTheFirstTakerOfAFilterCameAndTheLastWent) {
    const auto first = add("f", {.session = session(1)});
    EXPECT_TRUE(first.is_new);
    EXPECT_EQ(now_of(first.change), Interest::Live);
    const auto second = add("f", {.session = session(2)});
    EXPECT_TRUE(second.is_new);
    EXPECT_EQ(second.change, std::nullopt);
    const auto again = add("f", {.session = session(1)});
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.change, std::nullopt);
    EXPECT_EQ(remove("f", 1), std::nullopt);
    EXPECT_EQ(remove("f", 2), Interest::None);
    EXPECT_EQ(now_of(add("f", {.session = session(2)}).change), Interest::Live);
}

TEST_F(RouterTest, SaysWhetherALogKeepsAnythingForTheTakersOfAFilter) {
    const Taker kept{.session = session(1), .kept = true};
    EXPECT_EQ(now_of(add("f", kept).change), Interest::Kept);
    EXPECT_EQ(now_of(add("f", {.session = session(1)}).change), Interest::Live) << "replaced";
    EXPECT_EQ(now_of(add("f", kept).change), Interest::Kept);
    EXPECT_EQ(now_of(add("f", {.session = session(2), .kept = true}).change), std::nullopt);
    EXPECT_EQ(now_of(add("f", {.session = session(3)}).change), std::nullopt);
    EXPECT_EQ(remove("f", 1), std::nullopt);
    EXPECT_EQ(remove("f", 2), Interest::Live);
    EXPECT_EQ(remove("f", 3), Interest::None);
}

TEST_F(RouterTest, NamesTheShardsWhereALogKeepsIt) {
    set_remote("a/#", {1}, Interest::Kept);
    set_remote("a/b", {1}, Interest::Live);
    set_remote("a/b", {2}, Interest::Live);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.shards, 0b110u);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.kept_shards, 0b010u);
    set_remote("a/b", {2}, Interest::Kept);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.kept_shards, 0b110u);
    set_remote("a/#", {1}, Interest::Live);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.kept_shards, 0b100u);
    set_remote("a/b", {2}, Interest::None);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.kept_shards, 0u);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.shards, 0b010u);
    EXPECT_EQ(router_.match("c", std::nullopt).remote.kept_shards, 0u);
}

TEST_F(RouterTest, SaysFirstAndLastOfItsOwnTakersWhateverOtherShardsHave) {
    set_remote("f", {1}, Interest::Live);
    EXPECT_EQ(now_of(add("f", {.session = session(1)}).change), Interest::Live);
    set_remote("f", {2}, Interest::Live);
    EXPECT_EQ(remove("f", 1), Interest::None);
    EXPECT_EQ(router_.match("f", std::nullopt).remote.shards, 0b110u);
}

// [MQTT5-3.8.4-3]
TEST_F(RouterTest, ReplacesASubscriptionWithTheSameFilter) {
    add("f", {.session = session(1), .subscription_id = 4, .qos = Qos::ExactlyOnce});
    add("f", {.session = session(1), .subscription_id = 9, .qos = Qos::AtLeastOnce});
    const Matches& matches = router_.match("f", std::nullopt);
    ASSERT_EQ(matches.local.size(), 1u);
    EXPECT_EQ(matches.local[0].qos, Qos::AtLeastOnce);
    EXPECT_EQ(ids_of(matches, matches.local[0]), (std::multiset<uint32_t>{9}));
    EXPECT_EQ(remove("f", 1), Interest::None);
    EXPECT_EQ(takers("f"), Slots{});
}

TEST_F(RouterTest, GivesTheFilterOfEverySubscription) {
    const FilterId id = add("some/+", {.session = session(1)}).id;
    EXPECT_EQ(router_.text(id), "some/+");
    EXPECT_EQ(router_.find("some/+", session(1)), id);
    EXPECT_EQ(add("some/+", {.session = session(1)}).id, id);
    EXPECT_EQ(add("some/+", {.session = session(2)}).id, id);
}

// [MQTT5-3.10.4-1]
TEST_F(RouterTest, FindsASubscriptionByItsExactTextAndSessionOnly) {
    add("a/+", {.session = session(1)});
    EXPECT_TRUE(router_.find("a/+", session(1)));
    EXPECT_FALSE(router_.find("a/b", session(1)));
    EXPECT_FALSE(router_.find("a/#", session(1)));
    EXPECT_FALSE(router_.find("a/+", session(2)));
    EXPECT_FALSE(router_.find("a/+", {1, 2}));
    EXPECT_FALSE(router_.find("a/+", session(1), true));
}

TEST_F(RouterTest, ForgetsAFilterWithItsLastTakerAndShard) {
    add("f/+", {.session = session(1)});
    set_remote("f/+", {3}, Interest::Live);
    EXPECT_EQ(router_.filter_count(), 1u);
    remove("f/+", 1);
    EXPECT_EQ(router_.filter_count(), 1u);
    set_remote("f/+", {3}, Interest::None);
    EXPECT_EQ(router_.filter_count(), 0u);
}

TEST_F(RouterTest, CountsAFilterWithoutWildcardsOnceForEachShard) {
    add("f", {.session = session(1)});
    set_remote("f", {3}, Interest::Live);
    set_remote("f", {4}, Interest::Live);
    EXPECT_EQ(router_.filter_count(), 3u);
    remove("f", 1);
    set_remote("f", {3}, Interest::None);
    set_remote("f", {4}, Interest::None);
    EXPECT_EQ(router_.filter_count(), 0u);
}

// [MQTT5-3.3.4-2] [MQTT5-3.3.4-4]
TEST_F(RouterTest, MergesOverlappingSubscriptionsWithTheHighestQosAndAllIds) {
    add("a/#", {.session = session(1), .subscription_id = 3, .qos = Qos::AtMostOnce});
    add("a/+", {.session = session(1), .subscription_id = 5, .qos = Qos::ExactlyOnce});
    add("+/b", {.session = session(1), .subscription_id = 7, .qos = Qos::AtLeastOnce});
    add("a/b", {.session = session(1)});
    const Matches& matches = router_.match("a/b", std::nullopt);
    ASSERT_EQ(matches.local.size(), 1u);
    EXPECT_EQ(matches.local[0].session, session(1));
    EXPECT_EQ(matches.local[0].qos, Qos::ExactlyOnce);
    EXPECT_EQ(ids_of(matches, matches.local[0]), (std::multiset<uint32_t>{3, 5, 7}));
}

TEST_F(RouterTest, KeepsTheRetainFlagIfOneOfTheMergedAsksForIt) {
    add("a/#", {.session = session(1), .retain_as_published = true});
    add("a/+", {.session = session(1), .retain_as_published = false});
    EXPECT_TRUE(router_.match("a/b", std::nullopt).local[0].retain_as_published);
}

TEST_F(RouterTest, KeepsTheIdsOfTwoSessionsApart) {
    for (const uint32_t slot : {1u, 2u}) {
        add("a/#", {.session = session(slot), .subscription_id = slot * 10});
        add("a/+", {.session = session(slot), .subscription_id = slot * 10 + 1});
    }
    const Matches& matches = router_.match("a/b", std::nullopt);
    ASSERT_EQ(matches.local.size(), 2u);
    for (const Delivery& each : matches.local)
        EXPECT_EQ(ids_of(matches, each),
                  (std::multiset<uint32_t>{each.session.slot * 10, each.session.slot * 10 + 1}));
}

TEST_F(RouterTest, GivesTheSameAnswerEveryTime) {
    add("a/#", {.session = session(1), .subscription_id = 3});
    add("a/+", {.session = session(1), .subscription_id = 5});
    for (int round = 0; round < 3; ++round) {
        const Matches& matches = router_.match("a/b", std::nullopt);
        ASSERT_EQ(matches.local.size(), 1u);
        EXPECT_EQ(ids_of(matches, matches.local[0]), (std::multiset<uint32_t>{3, 5}));
        EXPECT_TRUE(router_.match("x", std::nullopt).local.empty());
    }
}

// [MQTT5-3.8.3-3]
TEST_F(RouterTest, SkipsThePublisherWhereItSaidNoLocal) {
    add("a", {.session = session(1), .no_local = true});
    add("a", {.session = session(2), .no_local = true});
    EXPECT_EQ(router_.match("a", session(1)).local.size(), 1u);
    EXPECT_EQ(router_.match("a", session(1)).local[0].session, session(2));
    EXPECT_EQ(router_.match("a", std::nullopt).local.size(), 2u);
    EXPECT_EQ(router_.match("a", SessionRef{1, 9}).local.size(), 2u);
}

TEST_F(RouterTest, StillServesThePublisherOverItsOtherSubscription) {
    add("a",
        {.session = session(1), .subscription_id = 1, .qos = Qos::ExactlyOnce, .no_local = true});
    add("#", {.session = session(1), .subscription_id = 2, .qos = Qos::AtLeastOnce});
    const Matches& matches = router_.match("a", session(1));
    ASSERT_EQ(matches.local.size(), 1u);
    EXPECT_EQ(matches.local[0].qos, Qos::AtLeastOnce);
    EXPECT_EQ(ids_of(matches, matches.local[0]), (std::multiset<uint32_t>{2}));
}

TEST_F(RouterTest, NeverMergesAGroupWithAnything) {
    add("a", {.session = session(1)});
    add("#", {.session = session(1), .group = true});
    add("a", {.session = session(1), .group = true});
    const Matches& matches = router_.match("a", std::nullopt);
    ASSERT_EQ(matches.local.size(), 3u);
    EXPECT_EQ(std::count_if(matches.local.begin(), matches.local.end(),
                            [](const Delivery& each) { return each.group; }),
              2);
}

TEST_F(RouterTest, NamesTheShardsThatHaveAMatch) {
    set_remote("a/#", {1}, Interest::Live);
    set_remote("a/+", {2}, Interest::Live);
    set_remote("x", {63}, Interest::Live);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.shards, 0b110u);
    EXPECT_EQ(router_.match("x", std::nullopt).remote.shards, uint64_t(1) << 63);
    EXPECT_TRUE(router_.match("x", std::nullopt).local.empty());
    set_remote("a/#", {1}, Interest::None);
    EXPECT_EQ(router_.match("a/b", std::nullopt).remote.shards, 0b100u);
}

TEST(RouterDeathTest, StopsWhereAShardWouldBeAddedTwiceOrRemovedUnknown) {
    Router router(HashKey{}, kSelf);
    constexpr InterestChange kComes{Interest::None, Interest::Live};
    constexpr InterestChange kGoes{Interest::Live, Interest::None};
    for (const auto* filter : {"f", "f/+"}) {
        router.change_remote(filter, {1}, kComes);
        EXPECT_DEATH(router.change_remote(filter, {2}, kGoes), "broken");
        EXPECT_DEATH(router.change_remote(filter, {1}, {Interest::Kept, Interest::None}), "broken");
    }
    EXPECT_DEATH(router.change_remote("f/+", {1}, kComes), "broken");
    EXPECT_DEATH(router.change_remote("g", {1}, kGoes), "broken");
    EXPECT_DEATH(router.change_remote("g/+", {1}, kGoes), "broken");
}

// --- against brute force ---

/// All subscriptions, plainly: by filter and session slot.
using Model = std::map<std::pair<std::string, uint32_t>, Taker>;

constexpr const char* kFilters[] = {"a",   "a/b", "a/+", "a/#", "+/b", "#",   "+",
                                    "+/+", "b",   "b/#", "/",   "/#",  "a//", "$s/#"};
constexpr const char* kNames[] = {"a", "a/b", "b", "b/c", "/", "a//", "a/b/c", "$s/x", "$s", "x"};

void check_match(Router& router, const Model& model, std::string_view name,
                 std::optional<SessionRef> publisher) {
    struct Expected {
        Qos qos = Qos::AtMostOnce;
        std::multiset<uint32_t> ids;
    };
    std::map<uint32_t, Expected> expected;
    for (const auto& [key, taker] : model) {
        if (!topic::matches(key.first, name)) continue;
        if (taker.no_local && publisher == taker.session) continue;
        Expected& each = expected[key.second];
        each.qos = std::max(each.qos, taker.qos);
        if (taker.subscription_id != 0) each.ids.insert(taker.subscription_id);
    }
    const Matches& matches = router.match(name, publisher);
    ASSERT_EQ(matches.local.size(), expected.size()) << name;
    for (const Delivery& each : matches.local) {
        const auto known = expected.find(each.session.slot);
        ASSERT_NE(known, expected.end()) << name;
        ASSERT_EQ(each.qos, known->second.qos) << name;
        ASSERT_EQ(ids_of(matches, each), known->second.ids) << name;
    }
}

TEST(Router, AgreesWithBruteForceWhateverHappens) {
    const uint64_t seed = 20260103;
    SCOPED_TRACE(seed);
    Random random(seed);
    Router router(HashKey{seed, 1}, kSelf);
    Model model;
    for (uint32_t step = 0; step < 3000; ++step) {
        const std::string filter = kFilters[random.below(std::size(kFilters))];
        const auto slot = uint32_t(random.below(40));
        const auto known = model.find({filter, slot});
        const auto id = router.find(filter, session(slot));
        ASSERT_EQ(id.has_value(), known != model.end());
        if (id && random.below(2) == 0) {
            router.remove_taker(*id, session(slot), false);
            model.erase(known);
        } else {
            const Taker taker{.session = session(slot),
                              .subscription_id = uint32_t(random.below(5)),
                              .qos = Qos(random.below(3)),
                              .no_local = random.below(4) == 0};
            ASSERT_EQ(router.add_taker(filter, taker).is_new, known == model.end());
            model[{filter, slot}] = taker;
        }
        if (step % 10 != 0) continue;
        for (const char* name : kNames)
            ASSERT_NO_FATAL_FAILURE(check_match(router, model, name, session(slot))) << step;
    }
}

}  // namespace
}  // namespace godwit::broker
