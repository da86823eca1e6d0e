#include "sim/simulation.h"

#include "sim/check.h"

#include <gtest/gtest.h>

namespace godwit::sim {
namespace {

TEST(Simulation, SameSeedSameHistory) {
    for (const uint64_t seed : {1u, 2u, 3u}) {
        const Outcome a = play(plan_of(seed)), b = play(plan_of(seed));
        EXPECT_EQ(tail_of(a.history, 100'000), tail_of(b.history, 100'000));
        EXPECT_EQ(a.events, b.events);
    }
}

TEST(Simulation, SeedsDiffer) {
    EXPECT_NE(text_of(plan_of(1)), text_of(plan_of(2)));
}

TEST(Simulation, AnInputIsASeedAndThenChoices) {
    std::vector<uint8_t> input{3, 1, 0, 0, 0, 0, 0};
    EXPECT_FALSE(plan_of_input(input));
    input.push_back(0);
    EXPECT_EQ(text_of(*plan_of_input(input)), text_of(plan_of(0x103)));
    input.resize(200, 7);
    EXPECT_EQ(text_of(*plan_of_input(input)), text_of(plan_of(0x103, Bytes(input).subspan(8))));
    EXPECT_NE(text_of(*plan_of_input(input)), text_of(plan_of(0x103)));
}

TEST(Simulation, APlanWithoutActionsIsQuiet) {
    Plan plan = plan_of(1);
    plan.actions.clear();
    const Outcome outcome = play(plan);
    EXPECT_TRUE(check(outcome.history).empty());
    EXPECT_GT(outcome.history.connections.size(), 1u);
}

// With all state in memory promises are broken by it; but everybody comes back and is content.
TEST(Simulation, AfterACrashWithoutDisksEverybodyComesBack) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        Plan plan = plan_of(seed);
        plan.durable = false;
        Action crash;
        crash.kind = Action::Kind::Crash;
        crash.at = kBegin + plan.active / 2;
        plan.actions.push_back(crash);
        for (const Event& event : play(plan).history.events)
            EXPECT_NE(event.kind, Event::Kind::Unsettled) << seed << ": " << event.why;
    }
}

TEST(Simulation, EveryKindOfFaultHappens) {
    size_t half_open = 0, slow = 0, dropped = 0, resumed = 0, again = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        const Plan plan = plan_of(seed);
        for (const Action& action : plan.actions) {
            half_open += action.kind == Action::Kind::Cut && action.cut == CutKind::HalfOpen;
            slow += action.kind == Action::Kind::ReadSlowly;
        }
        for (const Event& event : play(plan).history.events) {
            dropped += event.kind == Event::Kind::Dropped;
            resumed += event.kind == Event::Kind::Connack && event.flag;
            again += event.kind == Event::Kind::Received && event.dup;
        }
    }
    EXPECT_GT(half_open, 0u);
    EXPECT_GT(slow, 0u);
    EXPECT_GT(dropped, 0u);
    EXPECT_GT(resumed, 0u);
    EXPECT_GT(again, 0u);
}

TEST(Payload, NamesItsMessageAndShowsDamage) {
    std::string payload = payload_of(17, 40);
    EXPECT_EQ(payload.size(), 40u);
    EXPECT_EQ(message_of(payload), 17u);
    payload[30] ^= 1;
    EXPECT_EQ(message_of(payload), kNone);
    EXPECT_EQ(message_of(""), kNone);
}

}  // namespace
}  // namespace godwit::sim
