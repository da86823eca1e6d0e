#include "broker/routing/retained.h"

#include "base/random.h"
#include "topic/filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace godwit::broker {
namespace {

constexpr uint64_t kAny = UINT64_MAX;

Instant at(int64_t s) {
    return Instant(std::chrono::seconds(s));
}

MessageRef message(std::string_view topic, std::string_view payload, Instant expires = kNever,
                   uint64_t stamp = 0) {
    return MessageRef::make({.topic = topic,
                             .payload = as_bytes(payload),
                             .retain = true,
                             .expires = expires,
                             .stamp = stamp});
}

/// All topics a filter gets, in batches of `count_max`.
std::vector<std::string> topics(const Retained& store, std::string_view filter,
                                uint32_t count_max = 1000, Instant now = at(0)) {
    std::vector<std::string> out;
    std::string after;
    for (int rounds = 0; rounds < 10'000; ++rounds) {
        const Retained::Batch batch = store.match(filter, after, kAny, count_max, now);
        EXPECT_LE(batch.messages.size(), count_max);
        for (const MessageRef& each : batch.messages) out.emplace_back(each->topic());
        if (batch.done) return out;
        EXPECT_GT(batch.after, after);  // always further
        after = batch.after;
    }
    ADD_FAILURE() << filter << " never ends";
    return out;
}

class RetainedTest : public ::testing::Test {
protected:
    std::vector<ObjectId> kept_;
    bool set(std::string_view topic, std::string_view payload = "v", Instant expires = kNever,
             uint64_t stamp = 0) {
        return !store_.set(message(topic, payload, expires, stamp), 1000).full;
    }
    void set_all(std::initializer_list<const char*> names) {
        for (const char* each : names) EXPECT_TRUE(set(each));
    }
    std::string value(std::string_view topic) {
        const auto batch = store_.match(topic, "", kAny, 10, at(0));
        EXPECT_TRUE(batch.done);
        if (batch.messages.empty()) return "(none)";
        EXPECT_EQ(batch.messages.size(), 1u);
        return std::string(as_text(batch.messages[0]->payload()));
    }
    using Topics = std::vector<std::string>;

    Retained store_;
};

// --- one topic ---

TEST_F(RetainedTest, KeepsTheLastValueOfATopic) {
    EXPECT_EQ(value("t"), "(none)");
    set("t", "1");
    EXPECT_EQ(value("t"), "1");
    set("t", "2");
    EXPECT_EQ(value("t"), "2");
    EXPECT_EQ(store_.size(), 1u);
}

TEST_F(RetainedTest, TheYoungestStandsInWhateverOrderTheyCome) {
    set("t", "2", kNever, 20);
    EXPECT_TRUE(set("t", "1", kNever, 10));
    EXPECT_EQ(value("t"), "2");
    EXPECT_TRUE(set("t", "", kNever, 19));
    EXPECT_EQ(value("t"), "2");
    set("t", "3", kNever, 21);
    EXPECT_EQ(value("t"), "3");
    set("t", "", kNever, 22);
    EXPECT_EQ(value("t"), "(none)");
}

TEST_F(RetainedTest, OfEqualStampsTheLargerOriginIsYounger) {
    const auto from = [](uint16_t shard, std::string_view payload) {
        return MessageRef::make(
            {.topic = "t", .payload = as_bytes(payload), .stamp = 7, .origin = {shard}});
    };
    EXPECT_TRUE(store_.set(from(2, "2"), 10).stands);
    EXPECT_FALSE(store_.set(from(1, "1"), 10).stands);
    EXPECT_EQ(value("t"), "2");
    EXPECT_TRUE(store_.set(from(3, "3"), 10).stands);
    EXPECT_EQ(value("t"), "3");
}

// [MQTT5-3.3.1-6] [MQTT5-3.3.1-7]
TEST_F(RetainedTest, ForgetsATopicWithAnEmptyPayload) {
    set("t", "1");
    EXPECT_TRUE(set("t", ""));
    EXPECT_EQ(value("t"), "(none)");
    EXPECT_EQ(store_.size(), 0u);
    EXPECT_EQ(store_.memory_bytes(), 0u);
    EXPECT_TRUE(set("never/was", ""));
    EXPECT_EQ(store_.size(), 0u);
}

TEST_F(RetainedTest, CountsItsMemory) {
    set("t", "12345");
    const size_t five = store_.memory_bytes();
    EXPECT_GT(five, sizeof(Message) + 6);
    set("t", "1234567");
    EXPECT_EQ(store_.memory_bytes(), five + 2);
    set("u", "12345");
    EXPECT_EQ(store_.memory_bytes(), five + 2 + five);
    set("t", "");
    set("u", "");
    EXPECT_EQ(store_.memory_bytes(), 0u);
}

TEST_F(RetainedTest, RefusesANewTopicWhenFullAndNothingElse) {
    EXPECT_FALSE(store_.set(message("a", "1"), 2).full);
    EXPECT_FALSE(store_.set(message("b", "1"), 2).full);
    EXPECT_TRUE(store_.set(message("c", "1"), 2).full);
    EXPECT_EQ(topics(store_, "#"), (Topics{"a", "b"}));
    EXPECT_FALSE(store_.set(message("a", "2"), 2).full);
    EXPECT_EQ(value("a"), "2");
    EXPECT_FALSE(store_.set(message("c", ""), 2).full);
    EXPECT_FALSE(store_.set(message("a", ""), 2).full);
    EXPECT_FALSE(store_.set(message("c", "1"), 2).full);
    EXPECT_EQ(topics(store_, "#"), (Topics{"b", "c"}));
}

// --- expiry ---

TEST_F(RetainedTest, ForgetsAValueWhenItsExpiryComes) {
    set("t", "1", at(10));
    set("u", "1", at(20));
    set("forever");
    EXPECT_EQ(store_.next_expiry(), at(10));
    EXPECT_EQ(store_.expire(at(9), kept_), 0u);
    EXPECT_EQ(store_.expire(at(10), kept_), 1u);
    EXPECT_EQ(topics(store_, "#"), (Topics{"forever", "u"}));
    EXPECT_EQ(store_.expire(at(100), kept_), 1u);
    EXPECT_EQ(topics(store_, "#"), (Topics{"forever"}));
    EXPECT_EQ(store_.next_expiry(), std::nullopt);
}

TEST_F(RetainedTest, GivesNoExpiredValueBeforeItIsForgottenEither) {
    set("t", "1", at(10));
    EXPECT_EQ(topics(store_, "t", 10, at(9)), (Topics{"t"}));
    EXPECT_EQ(topics(store_, "t", 10, at(10)), Topics{});
    EXPECT_EQ(topics(store_, "#", 10, at(10)), Topics{});
}

TEST_F(RetainedTest, ExpiresTheValueThatStandsAndNotOneThatWasReplaced) {
    set("t", "short", at(10));
    set("t", "long", at(30));
    set("u", "short", at(10));
    set("u", "for ever");
    set("v", "short", at(10));
    set("v", "");
    EXPECT_EQ(store_.expire(at(20), kept_), 0u);
    EXPECT_EQ(value("t"), "long");
    EXPECT_EQ(value("u"), "for ever");
    EXPECT_EQ(store_.expire(at(30), kept_), 1u);
    EXPECT_EQ(value("t"), "(none)");
}

// A device that writes its state each second with an expiry of a week must not leave a week of
// values behind.
TEST_F(RetainedTest, WaitsForNoExpiryOfAValueThatIsGone) {
    set("t", "1", at(10));
    set("t", "2", at(20));
    EXPECT_EQ(store_.next_expiry(), at(20));
    set("t", "3");
    EXPECT_EQ(store_.next_expiry(), std::nullopt);
    set("t", "4", at(30));
    set("t", "");
    EXPECT_EQ(store_.next_expiry(), std::nullopt);
}

// --- order against live messages ---

TEST_F(RetainedTest, GivesNothingYoungerThanAskedFor) {
    set("a", "v", kNever, 5);
    set("b", "v", kNever, 6);
    const auto batch = store_.match("#", "", 5, 10, at(0));
    ASSERT_EQ(batch.messages.size(), 1u);
    EXPECT_EQ(batch.messages[0]->topic(), "a");
    EXPECT_TRUE(batch.done);
}

// --- filters ---

TEST_F(RetainedTest, MatchesAnExactNameAlone) {
    set_all({"a", "a/b", "ab", "a-b", "b"});
    EXPECT_EQ(topics(store_, "a"), (Topics{"a"}));
    EXPECT_EQ(topics(store_, "a/b"), (Topics{"a/b"}));
    EXPECT_EQ(topics(store_, "a/"), Topics{});
    EXPECT_EQ(topics(store_, "z"), Topics{});
}

// '-' and '.' sort before '/', so these topics stand between "a" and "a/b".
TEST_F(RetainedTest, MatchesALevelAndAllBelowItButNotWhatSharesItsText) {
    set_all({"a", "a!", "a-b", "a.b", "a/", "a/b", "a/b/c", "a0", "ab", "ab/c", "b", "A"});
    EXPECT_EQ(topics(store_, "a/#"), (Topics{"a", "a/", "a/b", "a/b/c"}));
    EXPECT_EQ(topics(store_, "a/b/#"), (Topics{"a/b", "a/b/c"}));
    EXPECT_EQ(topics(store_, "a/#", 1), (Topics{"a", "a/", "a/b", "a/b/c"}));
}

TEST_F(RetainedTest, MatchesOneLevelAnywhere) {
    set_all({"a", "a/b", "a/c", "a/b/c", "x/b/c", "/b", "a/"});
    EXPECT_EQ(topics(store_, "+"), (Topics{"a"}));
    EXPECT_EQ(topics(store_, "a/+"), (Topics{"a/", "a/b", "a/c"}));
    EXPECT_EQ(topics(store_, "+/b/c"), (Topics{"a/b/c", "x/b/c"}));
    EXPECT_EQ(topics(store_, "+/b"), (Topics{"/b", "a/b"}));
    EXPECT_EQ(topics(store_, "a/+/#"), (Topics{"a/", "a/b", "a/b/c", "a/c"}));
}

TEST_F(RetainedTest, MatchesEmptyLevels) {
    set_all({"/", "//", "/a", "a", "a//b"});
    EXPECT_EQ(topics(store_, "/#"), (Topics{"/", "//", "/a"}));
    EXPECT_EQ(topics(store_, "/+"), (Topics{"/", "/a"}));
    EXPECT_EQ(topics(store_, "a//b"), (Topics{"a//b"}));
    EXPECT_EQ(topics(store_, "a//#"), (Topics{"a//b"}));
}

// [MQTT5-4.7.2-1]
TEST_F(RetainedTest, GivesDollarTopicsOnlyToFiltersThatNameThem) {
    set_all({"$SYS/a", "$SYS/b", "a", "x/$SYS"});
    EXPECT_EQ(topics(store_, "#"), (Topics{"a", "x/$SYS"}));
    EXPECT_EQ(topics(store_, "+/a"), Topics{});
    EXPECT_EQ(topics(store_, "$SYS/#"), (Topics{"$SYS/a", "$SYS/b"}));
    EXPECT_EQ(topics(store_, "$SYS/+"), (Topics{"$SYS/a", "$SYS/b"}));
}

TEST_F(RetainedTest, ReachesTheLastPossibleTopicOfAPrefix) {
    set_all({"a", "a/\xf4\x8f\xbf\xbf", "a/\xf4\x8f\xbf\xbf/z"});
    EXPECT_EQ(topics(store_, "a/#").size(), 3u);
    EXPECT_EQ(topics(store_, "a/\xf4\x8f\xbf\xbf/#").size(), 2u);
}

// --- batches ---

TEST_F(RetainedTest, GivesTheSameInBatchesOfAnySize) {
    for (int i = 0; i < 100; ++i) set("s/" + std::to_string(i) + (i % 2 ? "/t" : "/h"));
    const Topics all = topics(store_, "s/+/t");
    EXPECT_EQ(all.size(), 50u);
    for (const uint32_t size : {1u, 2u, 7u, 49u, 50u, 51u})
        EXPECT_EQ(topics(store_, "s/+/t", size), all) << size;
}

TEST_F(RetainedTest, IsDoneWithTheBatchThatHoldsTheLastMatch) {
    set_all({"a/1", "a/2", "b"});
    EXPECT_TRUE(store_.match("a/#", "", kAny, 2, at(0)).done);
    EXPECT_FALSE(store_.match("a/#", "", kAny, 1, at(0)).done);
    EXPECT_TRUE(store_.match("a/#", "a/1", kAny, 1, at(0)).done);
    EXPECT_TRUE(store_.match("nothing", "", kAny, 1, at(0)).done);
}

TEST_F(RetainedTest, WalksABoundedNumberOfTopicsACall) {
    for (uint32_t i = 0; i < Retained::kStepsMax + 10; ++i)
        EXPECT_FALSE(store_.set(message("a/" + std::to_string(100'000 + i), "v"), 100'000).full);
    EXPECT_FALSE(store_.set(message("z/last", "v"), 100'000).full);
    const auto batch = store_.match("+/last", "", kAny, 10, at(0));
    EXPECT_FALSE(batch.done);
    EXPECT_TRUE(batch.messages.empty());
    EXPECT_EQ(topics(store_, "+/last", 10), (Topics{"z/last"}));
    EXPECT_EQ(topics(store_, "a/#", 100'000).size(), Retained::kStepsMax + 10);
}

// A filter's literal beginning must not make it walk the topics of its neighbours.
TEST_F(RetainedTest, FindsAFewTopicsBesideManyThatShareTheirText) {
    for (uint32_t i = 0; i < Retained::kStepsMax + 10; ++i)
        EXPECT_FALSE(store_.set(message("a-" + std::to_string(i), "v"), 100'000).full);
    EXPECT_FALSE(store_.set(message("a", "v"), 100'000).full);
    EXPECT_FALSE(store_.set(message("a/b", "v"), 100'000).full);
    const auto batch = store_.match("a/#", "", kAny, 10, at(0));
    EXPECT_TRUE(batch.done);
    EXPECT_EQ(batch.messages.size(), 2u);
}

TEST_F(RetainedTest, GoesOnWhereItStoodThoughThatTopicIsGone) {
    set_all({"a/1", "a/2", "a/3"});
    const auto first = store_.match("a/#", "", kAny, 2, at(0));
    EXPECT_EQ(first.after, "a/2");
    set("a/2", "");
    set("a/1", "");
    set("a/25", "new");
    const auto rest = store_.match("a/#", first.after, kAny, 10, at(0));
    ASSERT_EQ(rest.messages.size(), 2u);
    EXPECT_EQ(rest.messages[0]->topic(), "a/25");
    EXPECT_EQ(rest.messages[1]->topic(), "a/3");
    EXPECT_TRUE(rest.done);
}

// --- against brute force ---

std::string random_path(Random& random, std::initializer_list<const char*> levels) {
    std::string path;
    const uint64_t count = 1 + random.below(3);
    for (uint64_t i = 0; i < count; ++i)
        path += (i == 0 ? "" : "/") + std::string(levels.begin()[random.below(levels.size())]);
    return path.empty() ? "/" : path;
}

std::string random_topic(Random& random) {
    return random_path(random, {"a", "b", "a-b", "ab", "", "$s", "a.", "\xc3\xa4"});
}

std::string random_filter(Random& random) {
    std::string filter = random_path(random, {"a", "b", "a-b", "", "$s", "+", "+", "ab"});
    if (random.below(2) == 0) filter += "/#";
    if (random.below(20) == 0) filter = "#";
    return filter;
}

void compare_with_brute_force(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Retained store;
    std::vector<ObjectId> kept;
    std::map<std::string, MessageRef> model;
    for (int step = 0; step < 600; ++step) {
        const std::string topic = random_topic(random);
        const bool remove = random.below(3) == 0;
        const Instant expires =
            random.below(3) == 0 ? at(step + int64_t(random.below(50))) : kNever;
        const MessageRef value = message(topic, remove ? "" : "v", expires, random.below(100));
        ASSERT_FALSE(store.set(value, 10'000).full);
        const auto stands = model.find(topic);
        if (stands == model.end() || stands->second->stamp() <= value->stamp()) {
            model.erase(topic);
            if (!remove) model.emplace(topic, value);
        }
        if (random.below(5) == 0) {
            const size_t before = model.size();
            std::erase_if(model, [&](const auto& each) { return each.second->expired(at(step)); });
            ASSERT_EQ(store.expire(at(step), kept), before - model.size());
        }
        ASSERT_EQ(store.size(), model.size());
        const std::string filter = random_filter(random);
        std::vector<std::string> expected;
        for (const auto& [name, known] : model)
            if (!known->expired(at(step)) && topic::matches(filter, name)) expected.push_back(name);
        ASSERT_EQ(topics(store, filter, uint32_t(1 + random.below(5)), at(step)), expected)
            << filter;
    }
}

TEST(Retained, AgreesWithBruteForceWhateverHappens) {
    for (uint64_t seed = 1; seed <= 10; ++seed)
        ASSERT_NO_FATAL_FAILURE(compare_with_brute_force(seed));
}

void replay_while_the_rest_changes(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    Retained store;
    std::set<std::string> still;
    for (int i = 0; i < 40; ++i) {
        const std::string topic = random_topic(random) + "/still";
        still.insert(topic);
        ASSERT_FALSE(store.set(message(topic, "v"), 10'000).full);
    }
    const std::string filter = random_filter(random);
    std::multiset<std::string> seen;
    std::string after;
    for (bool done = false; !done;) {
        const auto batch = store.match(filter, after, kAny, 1 + uint32_t(random.below(3)), at(0));
        for (const MessageRef& each : batch.messages)
            if (each->topic().ends_with("/still")) seen.emplace(each->topic());
        after = batch.after;
        done = batch.done;
        for (int i = 0; i < 3; ++i)
            ASSERT_FALSE(
                store.set(message(random_topic(random), random.below(2) ? "v" : ""), 10'000).full);
    }
    std::multiset<std::string> expected;
    for (const std::string& each : still)
        if (topic::matches(filter, each)) expected.insert(each);
    ASSERT_EQ(seen, expected) << filter;
}

TEST(Retained, GivesWhatStandsStillExactlyOnceWhileTheRestChanges) {
    for (uint64_t seed = 1; seed <= 30; ++seed)
        ASSERT_NO_FATAL_FAILURE(replay_while_the_rest_changes(seed));
}

}  // namespace
}  // namespace godwit::broker
