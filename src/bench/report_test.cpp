#include "bench/report.h"

#include "base/json.h"

#include <gtest/gtest.h>

namespace godwit::bench {
namespace {

using namespace std::chrono_literals;

Report small() {
    Report report{.scenario = "pairs", .settings = {{"broker", "mqtt://x\"y"}}};
    report.phases.push_back({.name = "traffic",
                             .took = 2s,
                             .unit = "delivered",
                             .units = 1'000'000,
                             .counts = {{"sent", 1'000'000}},
                             .latencies = {{"delivery", {.count = 1, .p50 = 1500ns}}},
                             .process = PhaseProcess{.user = 1s, .system = 2s}});
    report.verdict = {.expected = 1'000'000, .delivered = 1'000'000};
    return report;
}

TEST(Report, RateAndCostAreOfTheUnit) {
    const Report report = small();
    EXPECT_DOUBLE_EQ(report.phases[0].per_second(), 500'000);
    EXPECT_DOUBLE_EQ(*report.phases[0].cpu_us_per_unit(), 3);
    EXPECT_DOUBLE_EQ(Phase{}.per_second(), 0);
    EXPECT_FALSE(Phase{}.cpu_us_per_unit());
}

TEST(Report, JsonIsJson) {
    Report report = small();
    report.faults.add(Fault::Lost, "a \"quoted\"\nline");
    const std::string json = to_json(report);
    EXPECT_TRUE(is_json(json)) << json;
    EXPECT_NE(json.find("\"p50\": 1.500"), std::string::npos) << json;
    EXPECT_NE(json.find("\"connections_lost\": 1"), std::string::npos) << json;
    EXPECT_TRUE(is_json(to_json(Report{})));
}

TEST(Report, TableTellsRateLatencyAndVerdict) {
    const std::string table = to_table(small());
    for (const char* part : {"500,000/s", "p50 1.5 us", "3.00 us CPU each", "0 lost", "good"})
        EXPECT_NE(table.find(part), std::string::npos) << part << " in\n" << table;
}

TEST(Report, IsGoodUnlessSomethingIsWrong) {
    EXPECT_TRUE(small().is_good());
    Report lost = small();
    lost.verdict.lost = 1;
    EXPECT_FALSE(lost.is_good());
    Report refused = small();
    refused.verdict.refused = 1;
    EXPECT_FALSE(refused.is_good());
    Report cut = small();
    cut.verdict.complete = false;
    EXPECT_FALSE(cut.is_good());
    Report fault = small();
    fault.faults.add(Fault::Timeout, "late");
    EXPECT_FALSE(fault.is_good());
}

TEST(Report, DuplicatesAreAFaultWhereTheyAreNotAllowed) {
    Report report = small();
    report.verdict.duplicates = 1;
    EXPECT_FALSE(report.is_good());
    report.verdict.duplicates_allowed = true;
    EXPECT_TRUE(report.is_good());
}

TEST(Report, OrderIsAFaultWhereItIsPromised) {
    Report report = small();
    report.verdict.reordered = 1;
    EXPECT_FALSE(report.is_good());
    report.verdict.order_promised = false;
    EXPECT_TRUE(report.is_good());
}

TEST(Faults, TheSameSentenceIsCountedOnceAndManyAreNotKept) {
    Faults faults;
    EXPECT_FALSE(faults.any());
    for (int i = 0; i < 5; ++i) faults.add(Fault::Lost, "the same");
    for (int i = 0; i < 100; ++i) faults.add(Fault::Denied, std::to_string(i));
    EXPECT_EQ(faults.sentences().size(), Faults::kSentencesMax);
    EXPECT_EQ(faults.sentences()[0].second, 5u);
    EXPECT_EQ(faults.count(Fault::Denied), 100u);
    EXPECT_FALSE(faults.is_hopeless());
    faults.add(Fault::Refused, "no");
    EXPECT_TRUE(faults.is_hopeless());
}

}  // namespace
}  // namespace godwit::bench
