#include "bench/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::bench {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string error_of(const Options& options) {
    const auto plan = prepare(options, 0xabcd);
    return plan ? "" : plan.error();
}

TEST(Options, TheDefaultsOfEveryScenarioAreGood) {
    for (size_t i = 0; i <= size_t(Scenario::Subs); ++i) {
        const auto scenario = Scenario(i);
        EXPECT_EQ(error_of(defaults_of(scenario)), "") << scenario_name(scenario);
    }
}

TEST(Options, NamesAreDrawnFromTheRun) {
    const auto plan = prepare(defaults_of(Scenario::Pairs), 0xabcd);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->options.topic_prefix, "bench/0000abcd");
    EXPECT_EQ(plan->identity.prefix, "bench0000abcd");
}

TEST(Options, SharesAreTheWholeUnderNamesOfTheirOwn) {
    Options all = defaults_of(Scenario::Conn);
    all.subscribers = 10;
    all.threads = 3;
    all.connecting_max = 2;
    all.id_prefix = all.topic_prefix = "x";
    uint32_t clients = 0;
    for (uint32_t thread = 0; thread < 3; ++thread) {
        const Options share = share_of(all, thread);
        clients += share.subscribers;
        EXPECT_EQ(share.id_prefix, "x0" + std::to_string(thread));
        EXPECT_EQ(share.threads, 1u);
        EXPECT_EQ(error_of(share), "");
    }
    EXPECT_EQ(clients, 10u);
    all.threads = 11;
    EXPECT_THAT(error_of(all), HasSubstr("--threads"));
}

TEST(Options, PairsAreAsManyPublishersSubscribersAndTopics) {
    Options options = defaults_of(Scenario::Pairs);
    options.pairs = 7;
    const auto plan = prepare(options, 1);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->options.publishers, 7u);
    EXPECT_EQ(plan->options.subscribers, 7u);
    EXPECT_EQ(plan->options.topics, 7u);
}

TEST(Options, UserAndPasswordOfTheUrlGiveWayToTheOptions) {
    Options options = defaults_of(Scenario::Pub);
    options.url = "mqtt://ann:one@127.0.0.1:1884";
    options.password = "two";
    const auto plan = prepare(options, 1);
    ASSERT_TRUE(plan) << plan.error();
    EXPECT_EQ(plan->identity.username, "ann");
    EXPECT_EQ(plan->identity.password, "two");
    EXPECT_EQ(plan->fleet.endpoint.port, 1884);
}

TEST(Options, WhatIsOutOfRangeIsRefusedByItsName) {
    const auto with = [](auto change) {
        Options options = defaults_of(Scenario::Pairs);
        change(options);
        return error_of(options);
    };
    EXPECT_THAT(with([](Options& o) { o.qos = 3; }), StartsWith("--qos"));
    EXPECT_THAT(with([](Options& o) { o.payload_bytes = 23; }), StartsWith("--size 23"));
    EXPECT_THAT(with([](Options& o) { o.window = 0; }), StartsWith("--window"));
    EXPECT_THAT(with([](Options& o) { o.window = 60001; }), StartsWith("--window"));
    EXPECT_THAT(with([](Options& o) { o.per_second = -1; }), StartsWith("--rate"));
    EXPECT_THAT(with([](Options& o) { o.duration_s = 0; }), StartsWith("--duration"));
    EXPECT_THAT(with([](Options& o) { o.version = "4"; }), StartsWith("-V 4"));
    EXPECT_THAT(with([](Options& o) { o.topic_prefix = "a/#"; }), StartsWith("--topic"));
    EXPECT_THAT(with([](Options& o) { o.filter = "#/x"; }), StartsWith("--filter #/x"));
    EXPECT_THAT(with([](Options& o) { o.share = "a/b"; }), StartsWith("--share"));
    EXPECT_THAT(with([](Options& o) { o.connecting_max = 0; }), StartsWith("--connecting"));
    EXPECT_THAT(with([](Options& o) { o.pairs = o.subscribers = 0; }), StartsWith("-c"));
    EXPECT_THAT(with([](Options& o) { o.url = "http://x"; }), HasSubstr("no URL of a broker"));
    EXPECT_THAT(with([](Options& o) { o.url = "mqtt://127.0.0.1/topic"; }), HasSubstr("--topic"));
}

TEST(Options, AnOpenLoopWaitsForNoAcknowledgement) {
    Options options = defaults_of(Scenario::Pairs);
    options.per_second = 1000;
    options.window = 1;
    const auto plan = prepare(options, 1);
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->options.window, 1000u);
}

TEST(Options, MessagesOfQos0WaitForNobody) {
    Options options = defaults_of(Scenario::Queue);
    options.qos = 0;
    EXPECT_THAT(error_of(options), StartsWith("--qos 0"));
}

TEST(Options, SourcesOfLoopbackReachOnlyLoopback) {
    Options options = defaults_of(Scenario::Conn);
    options.sources = 4;
    EXPECT_EQ(error_of(options), "");
    options.url = "mqtt://192.0.2.1:1883";
    EXPECT_THAT(error_of(options), StartsWith("--sources"));
    options.sources = 0;
    EXPECT_EQ(error_of(options), "");
    options.sources = 4;
    options.url = "unix:/run/x";
    EXPECT_THAT(error_of(options), StartsWith("--sources"));
}

TEST(Options, AFloodIsForThisMachineAlone) {
    Options options = defaults_of(Scenario::Flood);
    EXPECT_EQ(error_of(options), "");
    for (const char* url : {"mqtt://192.0.2.1:1883", "mqtt://localhost", "unix:/run/x"}) {
        options.url = url;
        EXPECT_THAT(error_of(options), StartsWith("flood")) << url;
    }
}

TEST(Options, OfAFloodAreNamedWhenTheyAreWrong) {
    const auto with = [](auto Options::*member, auto value) {
        Options options = defaults_of(Scenario::Flood);
        options.*member = value;
        return error_of(options);
    };
    EXPECT_THAT(with(&Options::strangers_per_second, 0.0), StartsWith("--rate"));
    EXPECT_THAT(with(&Options::callers_per_second, 0.0), StartsWith("--callers"));
    EXPECT_THAT(with(&Options::hold_s, -1.0), StartsWith("--hold"));
    EXPECT_THAT(with(&Options::beside, 0u), StartsWith("--beside"));
    EXPECT_THAT(with(&Options::stranger_addresses, 0u), StartsWith("--strangers"));
}

TEST(Options, ManyClientsOnLoopbackCallFromManyAddresses) {
    Options options = defaults_of(Scenario::Conn);
    options.subscribers = 100'000;
    EXPECT_EQ(prepare(options, 1)->fleet.sources, 20u);
    options.sources = 3;
    EXPECT_EQ(prepare(options, 1)->fleet.sources, 3u);
    options.sources = 0;
    options.url = "mqtt://192.0.2.1:1883";
    EXPECT_EQ(prepare(options, 1)->fleet.sources, 0u);
    options.url = "mqtt://localhost:1883";
    options.subscribers = 1000;
    EXPECT_EQ(prepare(options, 1)->fleet.sources, 0u);
}

}  // namespace
}  // namespace godwit::bench
