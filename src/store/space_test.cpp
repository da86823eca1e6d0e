#include "store/space.h"

#include <gtest/gtest.h>

#include <utility>

namespace godwit::store {
namespace {

constexpr uint32_t kBytes = Options::kSegmentBytesMin;
constexpr Instant kNow{std::chrono::hours(1)};

/// The next work, which must be of this kind, fails or does not.
void perform(Space& space, Work::Kind kind, Instant now, bool fails = false) {
    auto work = space.work(1, now);
    ASSERT_TRUE(work.has_value());
    ASSERT_EQ(work->kind, kind);
    WorkDone done{.work = std::move(*work)};
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

/// Takes all there are, while the old ones before them retire: as many as were taken come back.
void recycle(Space& space, uint32_t count, Instant now) {
    for (uint32_t i = 0; i < count; ++i) {
        const auto spare = space.take(100, now);
        ASSERT_TRUE(spare.has_value());
        space.retire(spare->number, spare->bytes, false);
        auto work = space.work(1, now);
        ASSERT_TRUE(work.has_value());
        ASSERT_EQ(work->recycle, spare->number);
        space.done({.work = std::move(*work)}, now);
    }
}

Space with_spares(uint32_t count) {
    Space space({.segment_bytes = kBytes, .spares = 2, .old_spares = 6}, 100);
    for (uint32_t i = 0; i < count; ++i) space.add_spare({1 + i, kBytes, 0});
    return space;
}

TEST(Space, OldSegmentsAreKeptForAWhile) {
    Space space = with_spares(3);
    for (uint32_t number = 50; number < 60; ++number) space.retire(number, kBytes, false);
    const auto first = space.take(100, kNow);
    ASSERT_TRUE(first.has_value());
    for (int i = 0; i < 5; ++i) perform(space, Work::Kind::Prepare, kNow);
    for (int i = 0; i < 5; ++i) perform(space, Work::Kind::Retire, kNow);
    EXPECT_FALSE(space.work(1, kNow).has_value());
    EXPECT_EQ(space.disk_bytes(), 7u * kBytes);
    recycle(space, 20, kNow);
    EXPECT_EQ(space.next_deadline(), kNow + Space::kKeptFor);
    const Instant later = kNow + Space::kKeptFor;
    EXPECT_FALSE(space.work(1, later - Duration(1)).has_value());
    for (int i = 0; i < 4; ++i) perform(space, Work::Kind::Retire, later);
    EXPECT_FALSE(space.work(1, later).has_value());
    EXPECT_EQ(space.disk_bytes(), 3u * kBytes);
    EXPECT_EQ(space.next_deadline(), std::nullopt);
}

TEST(Space, OldSegmentsGoWhenRoomIsShort) {
    Space space = with_spares(7);
    ASSERT_TRUE(space.take(100, kNow).has_value());
    EXPECT_FALSE(space.work(1, kNow).has_value());
    space.set_sparing(true);
    for (int i = 0; i < 3; ++i) perform(space, Work::Kind::Retire, kNow);
    EXPECT_FALSE(space.work(1, kNow).has_value());
    EXPECT_EQ(space.disk_bytes(), 3u * kBytes);
}

}  // namespace
}  // namespace godwit::store
