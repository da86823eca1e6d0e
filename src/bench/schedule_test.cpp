#include "bench/schedule.h"

#include <gtest/gtest.h>

namespace godwit::bench {
namespace {

using namespace std::chrono_literals;

constexpr Instant kBegin{1000s};

TEST(Schedule, TheFirstIsDueAtTheBeginning) {
    const Schedule schedule(kBegin, 10);
    EXPECT_EQ(schedule.due_by(kBegin - 1ns), 0u);
    EXPECT_EQ(schedule.due_by(kBegin), 1u);
    EXPECT_EQ(schedule.due_at(0), kBegin);
}

TEST(Schedule, CountAndTimeAgreeAtEveryRate) {
    for (const double rate : {0.5, 1.0, 3.0, 7.7, 1000.0, 33333.0, 1e6}) {
        const Schedule schedule(kBegin, rate);
        for (const uint64_t k : {uint64_t(1), uint64_t(2), uint64_t(99), uint64_t(123457)}) {
            const Instant due = schedule.due_at(k);
            EXPECT_EQ(schedule.due_by(due), k + 1) << rate << " " << k;
            EXPECT_EQ(schedule.due_by(due - 1ns), k) << rate << " " << k;
        }
    }
}

TEST(Schedule, DoesNotDriftInAnHour) {
    const Schedule schedule(kBegin, 30000);
    EXPECT_EQ(schedule.due_at(uint64_t(30000) * 3600), kBegin + 1h);
}

}  // namespace
}  // namespace godwit::bench
