#include "broker/client_history.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

Event event(std::string client, const char* name, std::string detail = {}, uint16_t realm = 0) {
    return {.name = name,
            .realm = {realm},
            .client = std::move(client),
            .reason = "why",
            .detail = std::move(detail)};
}

std::vector<std::string> names(const ClientHistory& history, std::string_view client,
                               uint16_t realm = 0) {
    std::vector<std::string> out;
    for (const PastEvent& each : history.of({realm}, client)) out.push_back(each.name);
    return out;
}

using Names = std::vector<std::string>;

TEST(ClientHistory, TellsTheEventsOfAClientInTheirOrder) {
    ClientHistory history(10);
    history.add(event("a", "refused"), "1.2.3.4:5", {100});
    history.add(event("b", "connected"), "", {200});
    history.add(event("a", "connected"), "1.2.3.4:6", {300});
    EXPECT_EQ(names(history, "a"), (Names{"refused", "connected"}));
    EXPECT_EQ(names(history, "b"), Names{"connected"});
    EXPECT_EQ(names(history, "c"), Names{});
    EXPECT_EQ(history.of({0}, "a")[0].address, "1.2.3.4:5");
    EXPECT_EQ(history.of({0}, "a")[0].first.unix_ms, 100);
}

TEST(ClientHistory, RealmsAreApart) {
    ClientHistory history(10);
    history.add(event("a", "connected", {}, 1), "", {1});
    EXPECT_EQ(names(history, "a", 0), Names{});
    EXPECT_EQ(names(history, "a", 1), Names{"connected"});
}

TEST(ClientHistory, WhatComesAgainIsCounted) {
    ClientHistory history(10);
    for (int i = 1; i <= 3; ++i) history.add(event("a", "publish_refused", "x"), "", {i * 10});
    history.add(event("a", "publish_refused", "y"), "", {40});
    const auto past = history.of({0}, "a");
    ASSERT_EQ(past.size(), 2u);
    EXPECT_EQ(past[0].count, 3u);
    EXPECT_EQ(past[0].first.unix_ms, 10);
    EXPECT_EQ(past[0].last.unix_ms, 30);
    EXPECT_EQ(past[1].count, 1u);
}

TEST(ClientHistory, AClientKeepsItsLastOnes) {
    ClientHistory history(100);
    for (int i = 0; i < 40; ++i) history.add(event("a", "x", std::to_string(i)), "", {i});
    const auto past = history.of({0}, "a");
    ASSERT_EQ(past.size(), ClientHistory::kEventsOfClientMax);
    EXPECT_EQ(past.front().detail, "24");
    EXPECT_EQ(past.back().detail, "39");
}

TEST(ClientHistory, WhoWasSilentForLongestLosesFirst) {
    ClientHistory history(4);
    history.add(event("a", "1"), "", {1});
    history.add(event("b", "1"), "", {2});
    history.add(event("a", "2"), "", {3});
    history.add(event("c", "1"), "", {4});
    history.add(event("d", "1"), "", {5});
    EXPECT_EQ(names(history, "b"), Names{});
    EXPECT_EQ(names(history, "a"), (Names{"1", "2"}));
    for (int i = 0; i < 3; ++i) history.add(event("d", "n", std::to_string(i)), "", {6});
    EXPECT_EQ(names(history, "a"), Names{});
    EXPECT_EQ(names(history, "c"), Names{});
    EXPECT_EQ(names(history, "d"), (Names{"1", "n", "n", "n"}));
}

TEST(ClientHistory, WhoHadTroubleIsKeptLonger) {
    ClientHistory history(3);
    Event trouble = event("a", "refused");
    trouble.severity = Severity::Warning;
    history.add(trouble, "", {1});
    for (int i = 0; i < 10; ++i) history.add(event("c" + std::to_string(i), "connected"), "", {2});
    EXPECT_EQ(names(history, "a"), Names{"refused"});
    EXPECT_EQ(names(history, "c8"), Names{"connected"});
    for (int i = 0; i < 3; ++i) {
        trouble.client = "t" + std::to_string(i);
        history.add(trouble, "", {3});
    }
    EXPECT_EQ(names(history, "a"), Names{}) << "among those the oldest goes";
    EXPECT_EQ(history.event_count(), 3u);
}

TEST(ClientHistory, OfManyInTroubleEachKeepsItsLast) {
    ClientHistory history(100);
    for (int i = 0; i < 1000; ++i) {
        Event refused = event("c" + std::to_string(i * 50 / 1000), "refused", std::to_string(i));
        refused.severity = Severity::Warning;
        history.add(refused, "", {i});
    }
    EXPECT_EQ(history.event_count(), 100u);
    for (int client = 0; client < 50; ++client) {
        const auto past = history.of({0}, "c" + std::to_string(client));
        ASSERT_FALSE(past.empty()) << client;
        EXPECT_EQ(past.back().detail, std::to_string(client * 20 + 19));
    }
}

TEST(ClientHistory, StaysWithinItsBoundsAndCountsItsMemory) {
    ClientHistory history(1000);
    EXPECT_EQ(history.memory_bytes(), 0u);
    for (int i = 0; i < 50'000; ++i)
        history.add(event("client-" + std::to_string(i * 7919 % 5000), i % 3 ? "a" : "b",
                          std::string(size_t(i % 500), 'x')),
                    "203.0.113.7:49152", {i});
    EXPECT_EQ(history.event_count(), 1000u);
    EXPECT_LT(history.memory_bytes(), 1000 * 520u);
    EXPECT_GT(history.memory_bytes(), 1000 * 150u);
}

TEST(ClientHistory, OfDebugEventsOnlyLossesAreKept) {
    ClientHistory history(10);
    for (const auto* name : {"session_ended", "dropped"}) {
        Event each = event("a", name);
        each.severity = Severity::Debug;
        history.add(each, "", {1});
    }
    EXPECT_EQ(names(history, "a"), Names{"dropped"});
}

TEST(ClientHistory, NothingIsKeptWithoutAClientOrWithoutRoom) {
    ClientHistory history(10), none(0);
    history.add(event("", "refused"), "", {1});
    history.add(event(std::string(300, 'x'), "refused"), "", {1});
    none.add(event("a", "connected"), "", {1});
    EXPECT_EQ(history.event_count() + none.event_count(), 0u);
    EXPECT_EQ(history.memory_bytes() + none.memory_bytes(), 0u);
}

}  // namespace
}  // namespace godwit::broker
