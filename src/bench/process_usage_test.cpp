#include "bench/process_usage.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace godwit::bench {
namespace {

TEST(ProcessUsage, FindsTheTicksBehindANameWithBlanksAndBrackets) {
    const auto ticks = parse_stat("12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 111 222 0 0 20 0 1 0");
    ASSERT_TRUE(ticks);
    EXPECT_EQ(ticks->user, 111u);
    EXPECT_EQ(ticks->system, 222u);
}

TEST(ProcessUsage, AStatThatIsCutOffIsNone) {
    EXPECT_FALSE(parse_stat(""));
    EXPECT_FALSE(parse_stat("12 (a) S 1 2 3"));
    EXPECT_FALSE(parse_stat("12 no name"));
}

TEST(ProcessUsage, AFieldIsFoundByItsWholeName) {
    const char* text =
        "nonvoluntary_ctxt_switches:\t9\nvoluntary_ctxt_switches:\t7\nPss:   12 kB\n";
    EXPECT_EQ(parse_field(text, "voluntary_ctxt_switches"), 7u);
    EXPECT_EQ(parse_field(text, "Pss"), 12u);
    EXPECT_FALSE(parse_field(text, "Ps"));
    EXPECT_FALSE(parse_field("Rss:\n", "Rss"));
}

TEST(ProcessUsage, ReadsThisProcess) {
    const auto usage = read_process(::getpid());
    ASSERT_TRUE(usage) << usage.error();
    EXPECT_GT(usage->rss_bytes, 100'000u);
    EXPECT_GE(usage->threads, 1u);
    EXPECT_GT(read_pss_bytes(::getpid()).value_or(0), 100'000u);
}

TEST(ProcessUsage, SaysThatThereIsNoSuchProcess) {
    const auto usage = read_process(99'999'999);
    ASSERT_FALSE(usage);
    EXPECT_NE(usage.error().find("no such process"), std::string::npos);
    EXPECT_FALSE(read_rss_bytes(99'999'999));
}

}  // namespace
}  // namespace godwit::bench
