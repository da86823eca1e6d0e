#include "store/recovery.h"

#include "store/log_format.h"
#include "store/snapshot.h"
#include "store/test_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace godwit::store {
namespace {

using ::testing::ElementsAre;
using testing::FaultyDisk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kSegment = Options::kSegmentBytesMin;
constexpr const char* kFirst = "shard-0/segment-00000001";
constexpr uint32_t kRecord = 16 + 104;  // of the objects that write() puts

class RecoveryTest : public ::testing::Test {
protected:
    void SetUp() override { owner_.open(); }
    /// A group of one object.
    void write(uint32_t id, size_t bytes = 104) {
        owner_.put(id, std::string(bytes, char('a' + id % 26)));
        owner_.commit_and_settle();
    }
    void reopen() {
        owner_.forget_log();
        owner_.open();
    }
    std::vector<std::string> damage() {
        std::vector<std::string> out;
        for (const Damage& each : owner_.damage()) out.push_back(each.what);
        return out;
    }
    bool has_file(const std::string& name) {
        return disk_.open(path_in(Owner::kFolder, name)).has_value();
    }
    /// Flips a bit at an offset.
    void flip(const std::string& name, uint64_t offset) { disk_.rot(name, offset, offset + 1, 1); }
    static uint32_t group_at(uint32_t index) {
        return kSegmentHeadBytes + index * (kGroupRecordBytes + kRecord);
    }
    /// Moves what has to be moved, until the log wants nothing more.
    void clean() {
        for (int i = 0; i < 20; ++i) {
            owner_.move();
            owner_.commit_and_settle();
        }
    }

    static Options options() {
        Options out;
        out.segment_bytes = kSegment;
        return out;
    }
    FaultyDisk disk_{1};
    Random random_{1};
    Owner owner_{disk_, options()};
};

TEST_F(RecoveryTest, StartsWithNothing) {
    EXPECT_THAT(owner_.objects, IsEmpty());
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
}

TEST_F(RecoveryTest, CutsATornTail) {
    for (uint32_t id = 1; id <= 3; ++id) write(id);
    flip(kFirst, group_at(2) + 60);
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects.size(), 2u);
    // What comes next takes the place of the torn group.
    write(4);
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects.size(), 3u);
    EXPECT_TRUE(owner_.objects.contains(4));
}

// A group of three records was torn; one of one record takes its place. The rest of the first is
// sound by itself, and must not come back.
TEST_F(RecoveryTest, TakesNothingOfATornGroupForPartOfALaterOne) {
    write(1);
    for (uint32_t id = 2; id <= 4; ++id) owner_.put(id, std::string(104, 'x'));
    owner_.commit_and_settle();
    flip(kFirst, group_at(1) + kGroupRecordBytes + 20);
    reopen();
    EXPECT_EQ(owner_.objects.size(), 1u);
    write(5);
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects.size(), 2u);
}

// Of a torn group the first sector is there, of the one that took its place the others: all records
// are sound, but no group was ever written that holds them.
TEST_F(RecoveryTest, TakesNoGroupMixedFromTwo) {
    write(1);
    const auto write_pair = [&](char letter) {
        owner_.put(2, std::string(104, letter));
        owner_.put(3, std::string(104, letter));
        owner_.commit_and_settle();
    };
    const uint32_t at = group_at(1);
    const uint32_t middle = at + kGroupRecordBytes + kRecord;
    write_pair('a');
    const Bytes file = disk_.contents(kFirst);
    const Buffer first_half(file.begin() + at, file.begin() + middle);
    flip(kFirst, middle + 20);
    reopen();
    ASSERT_EQ(owner_.objects.size(), 1u);
    write_pair('b');
    ASSERT_TRUE(disk_.open(kFirst).value()->write_at(at, first_half));
    reopen();
    EXPECT_EQ(owner_.objects.size(), 1u);
}

TEST_F(RecoveryTest, UsesTheSoundRecordsOfADamagedGroup) {
    write(1);
    for (uint32_t id = 2; id <= 4; ++id) owner_.put(id, std::string(104, 'x'));
    owner_.commit_and_settle();
    write(5);
    flip(kFirst, group_at(1) + kGroupRecordBytes + kRecord + 20);  // of object 3
    reopen();
    EXPECT_THAT(damage(), ElementsAre(HasSubstr("segment-00000001: bytes 4256 to 4656 are damaged; "
                                                "2 sound records among them are used"),
                                      HasSubstr("groups 2 to 2, before its offset 4656")));
    EXPECT_EQ(owner_.objects.size(), 4u);
    EXPECT_FALSE(owner_.objects.contains(3));
}

TEST_F(RecoveryTest, SetsADamagedSegmentAsideWhenItsObjectsAreElsewhere) {
    for (uint32_t id = 1; id <= 3; ++id) write(id);
    flip(kFirst, group_at(1) + 60);
    reopen();
    EXPECT_FALSE(damage().empty());
    const auto expected = owner_.objects;
    EXPECT_TRUE(has_file("segment-00000001"));
    clean();
    EXPECT_FALSE(has_file("segment-00000001"));
    EXPECT_TRUE(has_file("damaged-00000001"));
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects, expected);
    EXPECT_TRUE(has_file("damaged-00000001"));
}

TEST_F(RecoveryTest, ReportsALastGroupOfASegmentThatIsDamaged) {
    write(1);
    write(2);
    write(3, kSegment - 4300);  // goes to the next segment
    write(4, 20'000);           // and this one to a third
    flip(kFirst, group_at(1) + 60);
    reopen();
    EXPECT_THAT(damage(), ElementsAre(HasSubstr("segment-00000001: bytes 4256 to 65536"),
                                      HasSubstr("groups 2 to 2")));
    EXPECT_EQ(owner_.objects.size(), 3u);
}

TEST_F(RecoveryTest, ReportsAMissingSegment) {
    write(1);
    write(2, kSegment - 4300);
    write(3, 20'000);
    ASSERT_TRUE(disk_.remove("shard-0/segment-00000002"));
    reopen();
    EXPECT_THAT(damage(), ElementsAre(HasSubstr("segment-00000003: groups 2 to 2, before its "
                                                "offset 4096, are damaged or missing")));
    EXPECT_EQ(owner_.objects.size(), 2u);
    // Once what stands before the gap is elsewhere, there is no gap.
    clean();
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects.size(), 2u);
}

TEST_F(RecoveryTest, ReadsASegmentWhoseHeaderIsDamaged) {
    write(1);
    write(2);
    flip(kFirst, 10);
    reopen();
    EXPECT_THAT(damage(), ElementsAre("segment-00000001: its header is damaged"));
    EXPECT_EQ(owner_.objects.size(), 2u);
}

TEST_F(RecoveryTest, ReadsASegmentWhoseHeadersAreBothLost) {
    write(1);
    write(2);
    flip(kFirst, 10);
    flip(kFirst, kHeaderCopyOffset + 20);
    reopen();
    EXPECT_THAT(damage(), ElementsAre("segment-00000001: its header is damaged"));
    EXPECT_EQ(owner_.objects.size(), 2u);
    clean();
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects.size(), 2u);
}

TEST_F(RecoveryTest, TakesNothingFromTheStaleTailOfARecycledSegment) {
    for (int i = 0; i < 200; ++i) {
        owner_.put(1, std::string(2000, 'a'));
        owner_.commit_and_settle();
    }
    const auto expected = owner_.objects;
    // The segment in use is an old file: behind its last group stand the records of its first life.
    std::string last;
    const auto names = disk_.list(Owner::kFolder).value();
    for (const std::string& each : names) {
        const Bytes bytes = disk_.contents("shard-0/" + each);
        if (bytes[kSegmentHeadBytes + 12] != 0 && bytes[bytes.size() - 6000] != 0) last = each;
    }
    ASSERT_FALSE(last.empty());
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects, expected);
}

TEST_F(RecoveryTest, RefusesAStoreOfALaterVersion) {
    write(1);
    const Buffer head = encode_segment_head({.number = 1, .segment_bytes = kSegment, .version = 2});
    ASSERT_TRUE(disk_.open(kFirst).value()->write_at(0, head));
    owner_.forget_log();
    Contents found;
    const auto opened = Log::open(disk_, Owner::kFolder, options(), found);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().what,
              "segment-00000001 is of version 2; this program reads version 1");
}

TEST_F(RecoveryTest, UsesWhatCanBeReadAroundWhatCannot) {
    for (uint32_t id = 1; id <= 300; ++id) write(id);
    bool used_a_part = false;
    for (int i = 0; i < 50; ++i) {
        disk_.read_failures = 300;
        Contents found;
        const auto opened = Log::open(disk_, Owner::kFolder, options(), found);
        disk_.read_failures = 0;
        if (!opened || found.objects.empty() || found.objects.size() == 300) continue;
        used_a_part = true;
        EXPECT_FALSE(opened->damage.empty());
    }
    EXPECT_TRUE(used_a_part);
}

TEST_F(RecoveryTest, IgnoresFilesOfOthers) {
    write(1);
    ASSERT_TRUE(disk_.create("shard-0/segment-0000000x"));
    ASSERT_TRUE(disk_.create("shard-0/notes.txt"));
    ASSERT_TRUE(disk_.create("shard-0/segment-00000000"));
    reopen();
    EXPECT_THAT(damage(), IsEmpty());
    EXPECT_EQ(owner_.objects.size(), 1u);
}

TEST_F(RecoveryTest, NeverGivesTheNumberOfASegmentSetAsideAgain) {
    ASSERT_TRUE(disk_.create("shard-0/damaged-00000077"));
    reopen();
    write(1);
    EXPECT_TRUE(has_file("segment-00000078"));
}

// --- damage at random ---

/// A small store with some of everything.
void fill(Owner& owner, Random& random) {
    for (int i = 0; i < 60; ++i) {
        const auto id = uint32_t(1 + random.below(12));
        const bool lives = owner.log().holds({id});
        if (lives && random.below(5) == 0)
            owner.erase(id);
        else if (lives && random.below(3) == 0)
            owner.note(id, "note");
        else
            owner.put(id, std::string(random.below(6000), char('a' + random.below(26))));
        if (random.below(2)) owner.commit_and_settle();
    }
    owner.commit_and_settle();
}

void damage_one(FaultyDisk& disk, Random& random) {
    const auto names = disk.list(Owner::kFolder).value();
    const std::string name = "shard-0/" + names[random.below(names.size())];
    const uint64_t size = disk.contents(name).size();
    const uint64_t at = random.below(size + 1);
    switch (random.below(5)) {
        case 0:
            return disk.rot(name, 0, size, uint32_t(1 + random.below(5)));
        case 1:
            return disk.rot(name, at, at + 64, 40);
        case 2:
            return disk.rot(name, 0, kSegmentHeadBytes, 2000);
        case 3:
            ASSERT_TRUE(disk.open(name).value()->truncate(at));
            return;
        case 4: {
            const Buffer zeros(std::min<uint64_t>(size - at, random.below(20'000)));
            ASSERT_TRUE(disk.open(name).value()->write_at(at, zeros));
            return;
        }
    }
}

// Damage never stops a start, and a second one finds what the first one found; what was found stays
// when the damaged segments are gone.
TEST(DamagedStores, AllStart) {
    for (uint64_t seed = 0; seed < 1000; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        FaultyDisk disk(seed);
        Options options;
        options.segment_bytes = kSegment;
        Owner owner(disk, options);
        owner.open();
        fill(owner, random);
        owner.forget_log();
        for (uint64_t left = 1 + random.below(3); left > 0; --left) damage_one(disk, random);
        owner.open();
        const auto found = owner.objects;
        owner.forget_log();
        owner.open();
        ASSERT_EQ(owner.objects, found);
        for (int i = 0; i < 10; ++i) {
            owner.move();
            owner.commit_and_settle();
        }
        owner.forget_log();
        owner.open();
        ASSERT_EQ(owner.objects, found);
        ASSERT_THAT(owner.damage(), IsEmpty()) << owner.damage().front().what;
    }
}

// --- snapshots ---

TEST_F(RecoveryTest, SnapshotSaysWhatAStoreHolds) {
    write(1);
    write(2);
    owner_.note(1, "note");
    owner_.erase(2);
    owner_.commit_and_settle();
    Contents found;
    const auto snapshot = Snapshot::take(disk_, Owner::kFolder, found);
    ASSERT_TRUE(snapshot);
    const StoreReport* report = &snapshot->report();
    EXPECT_EQ(found.objects, owner_.objects);
    EXPECT_EQ(report->objects, 1u);
    EXPECT_EQ(report->live_bytes, kRecord + 24u);
    EXPECT_EQ(report->live_bytes, owner_.log().usage().live_bytes);
    ASSERT_EQ(report->segments.size(), 3u);
    const SegmentReport& first = report->segments[0];
    EXPECT_EQ(first.name, "segment-00000001");
    EXPECT_EQ(first.role, "used");
    EXPECT_EQ(first.groups, 3u);
    EXPECT_EQ(first.puts, 2u);
    EXPECT_EQ(first.notes, 1u);
    EXPECT_EQ(first.erases, 1u);
    EXPECT_EQ(first.living, 1u);
    EXPECT_EQ(report->live_bytes + report->dead_bytes, first.group_bytes);
    EXPECT_EQ(report->segments[1].role, "spare");
}

TEST_F(RecoveryTest, SnapshotReadsObjectsAsLastPut) {
    write(1);
    write(2, 3000);
    owner_.note(1, "note");
    owner_.erase(2);
    owner_.put(3, "third");
    owner_.commit_and_settle();
    Contents found;
    auto snapshot = Snapshot::take(disk_, Owner::kFolder, found);
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(snapshot->end(), 4u);
    EXPECT_FALSE(snapshot->holds({2}));
    EXPECT_EQ(as_text(snapshot->read({1}).value()), std::string(104, 'b'));
    EXPECT_EQ(as_text(snapshot->read({1}, 3).value()), "bbb");
    EXPECT_EQ(as_text(snapshot->read({3}, 100).value()), "third");
    EXPECT_EQ(snapshot->place({1}), "segment-00000001, offset 4136");
    flip(kFirst, group_at(0) + 60);
    ASSERT_FALSE(snapshot->read({1}));
    EXPECT_EQ(snapshot->read({1}).error().what,
              "segment-00000001, offset 4136: not what was there a moment ago");
}

TEST_F(RecoveryTest, SnapshotTellsATornTailFromDamage) {
    write(1);
    for (uint32_t id = 2; id <= 4; ++id) owner_.put(id, std::string(104, 'x'));
    owner_.commit_and_settle();
    flip(kFirst, group_at(1) + kGroupRecordBytes + kRecord + 20);  // of object 3
    Contents found;
    const auto snapshot = Snapshot::take(disk_, Owner::kFolder, found);
    ASSERT_TRUE(snapshot);
    EXPECT_THAT(snapshot->report().damage, IsEmpty());
    const SegmentReport& first = snapshot->report().segments[0];
    ASSERT_TRUE(first.torn);
    EXPECT_EQ(first.torn->offset, group_at(1));
    EXPECT_EQ(first.torn->sound_records, 2u);
    EXPECT_FALSE(snapshot->report().segments[1].torn);
}

TEST_F(RecoveryTest, SnapshotChangesNothing) {
    for (uint32_t id = 1; id <= 3; ++id) write(id);
    flip(kFirst, group_at(1) + 60);
    ASSERT_TRUE(disk_.create("shard-0/damaged-00000077"));
    const auto writes = disk_.counts().writes;
    const auto changes = disk_.counts().name_changes;
    Contents found;
    const auto snapshot = Snapshot::take(disk_, Owner::kFolder, found);
    ASSERT_TRUE(snapshot);
    const StoreReport* report = &snapshot->report();
    EXPECT_TRUE(report->segments[0].is_damaged);
    EXPECT_EQ(report->damage.size(), 2u);
    EXPECT_THAT(report->set_aside, ElementsAre("damaged-00000077"));
    EXPECT_EQ(disk_.counts().writes, writes);
    EXPECT_EQ(disk_.counts().name_changes, changes);
    EXPECT_FALSE(Snapshot::take(disk_, "elsewhere", found));
}

}  // namespace
}  // namespace godwit::store
