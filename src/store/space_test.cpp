#include "store/space.h"

#include <gtest/gtest.h>

namespace godwit::store {
namespace {

constexpr uint32_t kBytes = Options::kSegmentBytesMin;
constexpr Instant kNow{std::chrono::hours(1)};

/// The next work, which must be of this kind, fails or does not.
void perform(Space& space, Work::Kind kind, Instant now, bool fails = false) {
    const auto work = space.work(1, now);
    ASSERT_TRUE(work.has_value());
    ASSERT_EQ(work->kind, kind);
    WorkDone done{.work = *work};
    if (fails) done.error = DiskError{DiskFault::NoSpace, "full"};
    space.done(done, now);
}

TEST(Space, ATryAfterAFailureIsDueWhenThePauseEnds) {
    Space space({.segment_bytes = kBytes, .spares = 1}, 5);
    perform(space, Work::Kind::Prepare, kNow, true);
    EXPECT_EQ(space.next_deadline(), kNow + Pause::kFirst);
    EXPECT_FALSE(space.work(1, kNow).has_value());
    perform(space, Work::Kind::Retire, kNow + Pause::kFirst);  // what was half made
    perform(space, Work::Kind::Prepare, kNow + Pause::kFirst);
    EXPECT_EQ(space.next_deadline(), std::nullopt);
}

// A deadline that has passed and brings no work is a process that never sleeps.
TEST(Space, NothingIsDueWhereNothingIsToBeDone) {
    Space space({.segment_bytes = kBytes, .spares = 1}, 5);
    space.add_spare({1, kBytes, 0});
    space.retire(2, kBytes, false);
    perform(space, Work::Kind::Prepare, kNow, true);  // out of the old one, and not needed
    const Instant later = kNow + Pause::kFirst;
    perform(space, Work::Kind::Retire, later);
    perform(space, Work::Kind::Retire, later);
    EXPECT_FALSE(space.work(1, later).has_value());
    EXPECT_EQ(space.next_deadline(), std::nullopt);
}

}  // namespace
}  // namespace godwit::store
