// What a policy costs a publish: 20 rules, of which the last one allows; names that most rules are
// not about, names that all rules are about, and one with places to fill.
#include "auth/policy_file.h"
#include "auth/profiles.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

namespace godwit::auth {
namespace {

const Subject kClient{.client_id = "sensor-0815", .username = "sensor-0815"};

Policy made_of(const std::string& text) {
    auto file = parse_policy(text);
    GW_ASSERT(file);
    return std::move(file->policy);
}

void ask(benchmark::State& state, const std::string& text, std::string_view topic) {
    const Policy policy = made_of(text);
    Profiles profiles(policy);
    const ProfileId profile = profiles.of(kClient);
    for (auto _ : state) {
        const auto decision = profiles.decide(profile, kClient, {Action::Publish, topic, 1, 100});
        if (!decision.allowed) state.SkipWithError("denied");
        benchmark::DoNotOptimize(decision);
    }
}

void BM_TwentyRulesForOtherTopics(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < 9; ++i) text += fmt::format("deny write secret/{}/#\n", i);
    for (int i = 0; i < 10; ++i) text += fmt::format("allow write area-{}/+/temp\n", i);
    ask(state, text + "allow write plant/+/sensor-0815/#\n", "plant/north/sensor-0815/temp");
}
BENCHMARK(BM_TwentyRulesForOtherTopics);

void BM_TwentyRulesForThisTree(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < 9; ++i) text += fmt::format("deny write plant/+/secret-{}/#\n", i);
    for (int i = 0; i < 10; ++i) text += fmt::format("allow write plant/area-{}/+/temp\n", i);
    ask(state, text + "allow write plant/+/sensor-0815/#\n", "plant/north/sensor-0815/temp");
}
BENCHMARK(BM_TwentyRulesForThisTree);

void BM_TwentyRulesWithPlaces(benchmark::State& state) {
    std::string text;
    for (int i = 0; i < 9; ++i) text += fmt::format("deny write secret/{}/{{client}}/#\n", i);
    for (int i = 0; i < 10; ++i) text += fmt::format("allow write area-{}/{{user}}/temp\n", i);
    ask(state, text + "allow write plant/+/{client}/#\n", "plant/north/sensor-0815/temp");
}
BENCHMARK(BM_TwentyRulesWithPlaces);

}  // namespace
}  // namespace godwit::auth
