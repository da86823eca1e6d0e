#include "bench/sequence.h"

#include "base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace godwit::bench {
namespace {

using Kind = Arrival::Kind;

TEST(SequenceTracker, InOrderIsNewAndSkipsNothing) {
    SequenceTracker tracker;
    for (uint64_t i = 0; i < 100; ++i) {
        const Arrival arrival = tracker.take(i);
        EXPECT_EQ(arrival.kind, Kind::New);
        EXPECT_EQ(arrival.skipped, 0u);
    }
    EXPECT_EQ(tracker.next(), 100u);
}

TEST(SequenceTracker, AGapIsToldOnceAndFilledLate) {
    SequenceTracker tracker;
    EXPECT_EQ(tracker.take(3).skipped, 3u);
    EXPECT_EQ(tracker.take(1).kind, Kind::Late);
    EXPECT_EQ(tracker.take(1).kind, Kind::Again);
    EXPECT_EQ(tracker.take(0).kind, Kind::Late);
    EXPECT_EQ(tracker.take(2).kind, Kind::Late);
    EXPECT_EQ(tracker.take(2).kind, Kind::Again);
    EXPECT_EQ(tracker.take(4).kind, Kind::New);
}

TEST(SequenceTracker, TheSameTwiceIsAgain) {
    SequenceTracker tracker;
    (void)tracker.take(0);
    EXPECT_EQ(tracker.take(0).kind, Kind::Again);
}

TEST(SequenceTracker, AgreesWithASetWhateverTheOrder) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
        SCOPED_TRACE(seed);
        Random random(seed);
        SequenceTracker tracker;
        std::set<uint64_t> seen;
        for (int i = 0; i < 2000; ++i) {
            const uint64_t sequence = random.below(500);
            const bool is_new = seen.empty() || sequence > *seen.rbegin();
            const bool again = !seen.insert(sequence).second;
            const Kind wanted = again ? Kind::Again : is_new ? Kind::New : Kind::Late;
            ASSERT_EQ(tracker.take(sequence).kind, wanted) << sequence;
        }
    }
}

TEST(SequenceTracker, RemembersTheYoungestGapsAlone) {
    SequenceTracker tracker;
    const uint64_t gaps = SequenceTracker::kGapsMax + 10;
    for (uint64_t i = 0; i < gaps; ++i) (void)tracker.take(2 * i + 1);
    EXPECT_EQ(tracker.take(0).kind, Kind::Again);  // forgotten
    EXPECT_EQ(tracker.take(2 * gaps - 2).kind, Kind::Late);
}

}  // namespace
}  // namespace godwit::bench
