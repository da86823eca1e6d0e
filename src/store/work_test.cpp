#include "store/work.h"

#include "base/random.h"
#include "store/log_format.h"
#include "store/testing/faulty_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::store {
namespace {

using ::testing::ElementsAre;
using testing::FaultyDisk;
using ::testing::IsEmpty;

constexpr uint32_t kBytes = 64 << 10;

Work prepare(uint32_t number, uint32_t recycle = 0) {
    Work out{.kind = Work::Kind::Prepare};
    out.at = Position::at(number, 0);
    out.length = kBytes;
    out.recycle = recycle;
    out.salt = 5;
    return out;
}
Work retire(uint32_t number, bool set_aside = false) {
    Work out{.kind = Work::Kind::Retire};
    out.at = Position::at(number, 0);
    out.set_aside = set_aside;
    return out;
}
Work commit(uint32_t number, uint32_t offset, std::string_view text) {
    Work out{.kind = Work::Kind::Commit};
    out.at = Position::at(number, offset);
    std::copy(text.begin(), text.end(), out.bytes.extend(text.size()));
    return out;
}

/// Each on a disk of its own, so that what a loss of power may do, one of them does.
class WorkTest : public ::testing::TestWithParam<uint64_t> {
protected:
    WorkDone run(Work work) { return perform(std::move(work), disk_, "f"); }
    std::vector<std::string> files() {
        const auto names = disk_.list("f");
        return names ? *names : std::vector<std::string>();
    }
    FaultyDisk disk_{GetParam()};
    Random random_{GetParam()};
};

TEST_P(WorkTest, APreparedSegmentSurvives) {
    EXPECT_FALSE(run(prepare(7)).error);
    disk_.power_loss(random_);
    const Bytes bytes = disk_.contents("f/segment-00000007");
    ASSERT_EQ(bytes.size(), kBytes);
    const auto header = decode_segment_header(bytes);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->number, 7u);
    EXPECT_EQ(header->segment_bytes, kBytes);
    EXPECT_EQ(header->salt, 5u);
}

TEST_P(WorkTest, ARecycledSegmentHasOnlyItsNewName) {
    EXPECT_FALSE(run(prepare(7)).error);
    EXPECT_FALSE(run(prepare(9, 7)).error);
    disk_.power_loss(random_);
    EXPECT_THAT(files(), ElementsAre("segment-00000009"));
    EXPECT_EQ(decode_segment_header(disk_.contents("f/segment-00000009"))->number, 9u);
}

TEST_P(WorkTest, AFileThatStaysOpenIsOfTheSegmentThatIsMeant) {
    EXPECT_FALSE(run(prepare(7)).error);
    EXPECT_FALSE(run(prepare(9)).error);
    OpenSegment last;
    const auto put = [&](uint32_t number, uint32_t offset, std::string_view text) {
        EXPECT_FALSE(perform(commit(number, offset, text), disk_, "f", &last).error);
        EXPECT_EQ(last.number, number);
    };
    put(7, kSegmentHeadBytes, "one");
    put(7, kSegmentHeadBytes + 3, "two");
    put(9, kSegmentHeadBytes, "six");
    put(7, kSegmentHeadBytes + 6, "ten");
    disk_.power_loss(random_);
    const auto text = [&](const char* name, size_t bytes) {
        return std::string(as_text(disk_.contents(name).subspan(kSegmentHeadBytes, bytes)));
    };
    EXPECT_EQ(text("f/segment-00000007", 9), "onetwoten");
    EXPECT_EQ(text("f/segment-00000009", 3), "six");
}

TEST_P(WorkTest, NoFileStaysOpenThatFailed) {
    EXPECT_FALSE(run(prepare(7)).error);
    OpenSegment last;
    EXPECT_FALSE(perform(commit(7, kSegmentHeadBytes, "one"), disk_, "f", &last).error);
    EXPECT_TRUE(last.file);
    disk_.changes_left = 0;
    EXPECT_TRUE(perform(commit(7, kSegmentHeadBytes + 3, "two"), disk_, "f", &last).error);
    EXPECT_FALSE(last.file);
}

// The old segment is there as it was, or its name is gone: never with a head of another number.
TEST_P(WorkTest, RecyclingThatIsCutOffLeavesTheOldSegmentWholeOrNoneOfIt) {
    for (uint64_t changes = 0; changes < 5; ++changes) {
        FaultyDisk disk(GetParam());
        EXPECT_FALSE(perform(prepare(7), disk, "f").error);
        disk.changes_left = changes;
        perform(prepare(9, 7), disk, "f");
        disk.power_loss(random_);
        if (!disk.open("f/segment-00000007")) continue;
        EXPECT_EQ(decode_segment_header(disk.contents("f/segment-00000007"))->number, 7u);
    }
}

TEST_P(WorkTest, ARetiredSegmentNeverComesBack) {
    EXPECT_FALSE(run(prepare(7)).error);
    EXPECT_FALSE(run(retire(7)).error);
    disk_.power_loss(random_);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_P(WorkTest, RetiringWhatIsGoneIsNoFault) {
    EXPECT_FALSE(run(prepare(8)).error);
    EXPECT_FALSE(run(retire(7)).error);
}

TEST_P(WorkTest, ADamagedSegmentIsSetAside) {
    EXPECT_FALSE(run(prepare(7)).error);
    EXPECT_FALSE(run(retire(7, true)).error);
    disk_.power_loss(random_);
    EXPECT_THAT(files(), ElementsAre("damaged-00000007"));
}

TEST_P(WorkTest, AFullDiskKeepsNoHalfSegment) {
    disk_.capacity = kBytes / 2;
    const WorkDone done = run(prepare(7));
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->fault, DiskFault::NoSpace);
    EXPECT_THAT(files(), IsEmpty());
}

TEST_P(WorkTest, ACommitSurvivesAndGivesItsBufferBack) {
    EXPECT_FALSE(run(prepare(7)).error);
    const WorkDone done = run(commit(7, 5000, "text"));
    EXPECT_FALSE(done.error);
    EXPECT_EQ(as_text(done.work.bytes), "text");
    disk_.power_loss(random_);
    Work read{.kind = Work::Kind::Read};
    read.at = Position::at(7, 5000);
    read.length = 4;
    EXPECT_EQ(as_text(run(std::move(read)).bytes), "text");
}

TEST_P(WorkTest, AReadBeyondTheEndIsShort) {
    EXPECT_FALSE(run(prepare(7)).error);
    Work read{.kind = Work::Kind::Read};
    read.at = Position::at(7, kBytes - 3);
    read.length = 10;
    EXPECT_EQ(run(std::move(read)).bytes.size(), 3u);
}

TEST_P(WorkTest, WorkOnASegmentThatIsNotThereFails) {
    const WorkDone done = run(commit(7, 5000, "text"));
    ASSERT_TRUE(done.error);
    EXPECT_EQ(done.error->fault, DiskFault::NotFound);
    EXPECT_EQ(as_text(done.work.bytes), "text");
}

INSTANTIATE_TEST_SUITE_P(Disks, WorkTest, ::testing::Range<uint64_t>(0, 12));

}  // namespace
}  // namespace godwit::store
