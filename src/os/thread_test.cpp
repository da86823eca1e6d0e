#include "os/thread.h"

#include "os/fd.h"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>

namespace godwit::os {
namespace {

std::string name_after(std::string_view name) {
    std::string out;
    std::thread named([&] {
        name_this_thread(name);
        char text[16] = "";
        ::pthread_getname_np(::pthread_self(), text, sizeof text);
        out = text;
    });
    named.join();
    return out;
}

TEST(Thread, CarriesItsName) {
    EXPECT_EQ(name_after("shard-0"), "shard-0");
}

TEST(Thread, LongNamesAreCut) {
    EXPECT_EQ(name_after("a-name-of-many-letters"), "a-name-of-many-");
}

TEST(CpuCount, IsWithinTheAffinity) {
    EXPECT_GE(usable_cpu_count(), 1u);
    EXPECT_LE(usable_cpu_count(), usable_cpus().size());
}

TEST(CpuMax, ReadsTheQuota) {
    EXPECT_EQ(parse_cpu_max("200000 100000\n"), 2.0);
    EXPECT_EQ(parse_cpu_max("50000 100000"), 0.5);
    EXPECT_EQ(parse_cpu_max("max 100000\n"), std::nullopt);
}

TEST(CpuMax, RefusesOtherTexts) {
    for (const std::string_view text : {"", "1", "1 ", "1 0", "x 1", "-1 5", "1,5"})
        EXPECT_EQ(parse_cpu_max(text), std::nullopt) << text;
}

TEST(FileLimit, IsRaisedToTheHardLimit) {
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    rlimit low = before;
    low.rlim_cur = 64;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
    const uint64_t limit_before = file_limit();
    const auto raised = raise_file_limit();
    const auto again = raise_file_limit();
    const uint64_t limit_after = file_limit();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(limit_before, 64u);
    EXPECT_EQ(limit_after, before.rlim_max);
    ASSERT_TRUE(raised);
    EXPECT_EQ(*raised, before.rlim_max);
    EXPECT_EQ(again.value(), before.rlim_max);
}

TEST(FileLimit, TheNextFileGetsTheLowestNumberThatIsFree) {
    const uint64_t next = next_file_number(1);
    EXPECT_EQ(next_file_number(1), next) << "it is free again";
    const Fd taken(::dup(1));
    EXPECT_EQ(uint64_t(taken.get()), next);
    EXPECT_GT(next_file_number(1), next);
}

}  // namespace
}  // namespace godwit::os
