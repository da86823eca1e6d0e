#include "store/log.h"

#include "store/snapshot.h"
#include "store/test_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace godwit::store {
namespace {

using ::testing::ElementsAre;
using testing::FaultyDisk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint32_t kSegment = Options::kSegmentBytesMin;

class LogTest : public ::testing::Test {
protected:
    explicit LogTest(const Options& options = LogTest::options()) : owner_(disk_, options) {}
    void SetUp() override { owner_.open(); }
    Log& log() { return owner_.log(); }
    void reopen() {
        owner_.forget_log();
        owner_.open();
        EXPECT_THAT(owner_.damage(), IsEmpty());
    }
    /// Ends the process and the machine: what is not on disk is gone.
    void lose_power() {
        owner_.forget_log();
        disk_.power_loss(random_);
        owner_.open();
    }
    std::optional<Work> next_of(Work::Kind kind) {
        while (auto work = log().work(owner_.now)) {
            if (work->kind == kind) return work;
            log().done(perform(std::move(*work), disk_, Owner::kFolder), owner_.now);
        }
        return std::nullopt;
    }
    std::vector<std::string> files() { return disk_.list(Owner::kFolder).value(); }
    /// Puts about so many bytes under a few ids, each commit on disk before the next.
    void churn(uint64_t bytes, uint32_t ids = 4) {
        for (uint64_t written = 0; written < bytes; written += 2000) {
            owner_.put(100 + uint32_t(written / 2000 % ids), std::string(2000, 'c'));
            owner_.commit_and_settle();
            owner_.move();
        }
        owner_.commit_and_settle();
    }
    /// Until all is well and on disk, or the patience is at its end.
    void recover() {
        owner_.commit();
        owner_.settle_all();
        EXPECT_EQ(log().condition(), Condition::Good) << log().trouble();
        EXPECT_EQ(log().durable() + 1, log().next_ticket());
    }

    static Options options() {
        Options out;
        out.segment_bytes = kSegment;
        out.salt = 99;
        return out;
    }
    FaultyDisk disk_{1};
    Random random_{1};
    Owner owner_;
};

// --- writing ---

/// Beyond its group a commit has zeros only. @return  where what it writes ends
uint64_t expect_zeros_behind(const Work& commit) {
    const Bytes behind = Bytes(commit.bytes).subspan(commit.length);
    EXPECT_TRUE(std::all_of(behind.begin(), behind.end(), [](uint8_t each) { return each == 0; }));
    return commit.at.offset() + commit.bytes.size();
}

// Else the system would have to read the page from the disk before it could write a part of it.
TEST_F(LogTest, ACommitWritesItsLastPageWhole) {
    uint64_t end = kSegmentHeadBytes;
    for (uint32_t i = 0; i < 20; ++i) {
        owner_.put(1 + i, std::string(i * 257, 'a'));
        owner_.commit();
        auto work = next_of(Work::Kind::Commit);
        ASSERT_TRUE(work);
        EXPECT_EQ(work->at.offset(), end) << "a group begins where the one before ends";
        end += work->length;
        EXPECT_EQ(expect_zeros_behind(*work), page_end(end));
        log().done(perform(std::move(*work), disk_, Owner::kFolder), owner_.now);
    }
    const auto objects = owner_.objects;
    lose_power();
    EXPECT_EQ(owner_.objects, objects);
}

TEST(LogOfOddSegments, ACommitDoesNotWriteBeyondItsSegment) {
    FaultyDisk disk(1);
    Owner owner(disk, {.segment_bytes = kSegment + 600, .salt = 7});
    owner.open();
    uint32_t last_pages = 0;
    for (uint32_t i = 0; i < 200; ++i) {
        owner.put(1 + i, std::string(400 + i * 31 % 700, 'a'));
        owner.commit();
        while (auto work = owner.log().work(owner.now)) {
            if (work->kind == Work::Kind::Commit) {
                const uint64_t end = expect_zeros_behind(*work);
                EXPECT_LE(end, kSegment + 600);
                last_pages += end == kSegment + 600;
            }
            owner.log().done(perform(std::move(*work), disk, Owner::kFolder), owner.now);
        }
    }
    EXPECT_GT(last_pages, 0u);
    EXPECT_EQ(disk.contents("shard-0/segment-00000001").size(), kSegment + 600);
}

TEST_F(LogTest, AGroupOfThreeSegmentsStandsInOneOfWholePages) {
    owner_.put(1, std::string(3 * kSegment, 'a'));
    owner_.commit_and_settle();
    EXPECT_EQ(log().durable(), 1u);
    for (const std::string& name : files())
        EXPECT_EQ(disk_.contents("shard-0/" + name).size() % kPageBytes, 0u) << name;
}

// --- large groups ---

constexpr uint32_t kLarge = 8 << 10;

class LogOfLargeGroups : public LogTest {
protected:
    explicit LogOfLargeGroups(Durability durability = Durability::Fsync)
        : LogTest(large(options(), durability)) {}
    static Options large(Options options, Durability durability) {
        options.past_cache_min = kLarge;
        options.durability = durability;
        return options;
    }
    /// Commits an object of so many bytes. @return  how, after it was done
    Work commit_one(uint32_t id, size_t bytes) {
        owner_.put(id, std::string(bytes, 'a'));
        owner_.commit();
        auto work = next_of(Work::Kind::Commit);
        EXPECT_TRUE(work);
        Work out{.at = work->at, .length = work->length, .past_cache = work->past_cache};
        if (work->past_cache) {
            EXPECT_EQ(work->bytes.size() % kPageBytes, 0u);
            EXPECT_EQ(work->at.offset() % kPageBytes, 0u);
        }
        EXPECT_EQ(reinterpret_cast<uintptr_t>(work->bytes.data()) % kPageBytes, 0u);
        log().done(perform(std::move(*work), disk_, Owner::kFolder), owner_.now);
        return out;
    }
    void expect_all_there_after_a_crash() {
        const auto objects = owner_.objects;
        lose_power();
        EXPECT_EQ(owner_.objects, objects);
        EXPECT_THAT(owner_.damage(), IsEmpty());
        EXPECT_EQ(log().usage().objects, objects.size());
    }
};

TEST_F(LogOfLargeGroups, EndWithAPageAndGoPastTheCacheWhereTheyBeginWithOne) {
    const Work first = commit_one(1, kLarge);
    EXPECT_TRUE(first.past_cache) << "behind the head of the segment";
    EXPECT_EQ((first.at.offset() + first.length) % kPageBytes, 0u);
    const Work small = commit_one(2, 100);
    EXPECT_FALSE(small.past_cache);
    EXPECT_EQ(small.at.offset(), first.at.offset() + first.length);
    const Work between = commit_one(3, kLarge);
    EXPECT_FALSE(between.past_cache) << "it begins within a page";
    const Work last = commit_one(4, kLarge + 1000);
    EXPECT_TRUE(last.past_cache);
    EXPECT_EQ(last.at.offset(), between.at.offset() + between.length);
    expect_all_there_after_a_crash();
}

TEST_F(LogOfLargeGroups, EndWithAPageWhateverIsLeftOfIt) {
    for (uint32_t i = 0; i <= kPageBytes / kRecordAlignment; i += 3) {
        const Work work = commit_one(1 + i % 7, kLarge + i * kRecordAlignment);
        const uint64_t end = work.at.offset() + work.length;
        EXPECT_TRUE(end % kPageBytes == 0 || end + 2 * kPageBytes > kSegment) << i;
    }
    expect_all_there_after_a_crash();
}

TEST_F(LogOfLargeGroups, KeepTheirOrderWithThoseThatFollow) {
    Random random(3);
    for (uint32_t i = 0; i < 300; ++i) {
        commit_one(1 + uint32_t(random.below(20)), random.below(2) ? random.below(300) : kLarge);
        owner_.move();
    }
    owner_.commit_and_settle();
    expect_all_there_after_a_crash();
}

TEST_F(LogOfLargeGroups, GoToAnotherPlaceWhenASyncFails) {
    commit_one(1, 100);
    disk_.sync_failures = 1000;
    const Work failed = commit_one(2, kLarge);
    EXPECT_EQ(log().durable(), 1u);
    disk_.sync_failures = 0;
    owner_.now += Pause::kFirst;
    auto again = next_of(Work::Kind::Commit);
    ASSERT_TRUE(again);
    EXPECT_NE(again->at, failed.at);
    EXPECT_EQ(again->length, failed.length) << "both may be on disk: they are the same group";
    log().done(perform(std::move(*again), disk_, Owner::kFolder), owner_.now);
    recover();
    expect_all_there_after_a_crash();
}

class LogOfLargeGroupsLeftToTheSystem : public LogOfLargeGroups {
protected:
    LogOfLargeGroupsLeftToTheSystem() : LogOfLargeGroups(Durability::Os) {}
};

TEST_F(LogOfLargeGroupsLeftToTheSystem, GoThroughItsCache) {
    EXPECT_FALSE(commit_one(1, kLarge).past_cache);
}

// The filler is an erase of an object that never lives, which says nothing to any reader.
TEST_F(LogOfLargeGroups, AreNoErasesForWhoLooksIn) {
    commit_one(1, kLarge);
    Contents found;
    const auto snapshot = Snapshot::take(disk_, Owner::kFolder, found);
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(found.objects, owner_.objects);
    EXPECT_EQ(snapshot->report().segments[0].puts, 1u);
    EXPECT_EQ(snapshot->report().segments[0].erases, 0u);
}

// --- changing ---

TEST_F(LogTest, HoldsWhatWasPutNotedAndErased) {
    owner_.put(1, "one");
    owner_.put(2, "two");
    owner_.note(1, "+note");
    owner_.erase(2);
    owner_.put(3, "");
    EXPECT_EQ(owner_.commit(), 1u);
    owner_.settle();
    EXPECT_EQ(log().durable(), 1u);
    lose_power();
    EXPECT_EQ(owner_.objects, (std::map<uint32_t, std::string>{{1, "one+note"}, {3, ""}}));
    EXPECT_TRUE(log().holds({1}));
    EXPECT_FALSE(log().holds({2}));
}

TEST_F(LogTest, ForgetsWhatWasNotCommitted) {
    owner_.put(1, "one");
    owner_.commit_and_settle();
    owner_.put(1, "two");
    owner_.settle();
    lose_power();
    EXPECT_EQ(owner_.objects[1], "one");
}

TEST_F(LogTest, GivesNoTicketForNothing) {
    EXPECT_EQ(log().commit(), 0u);
    EXPECT_EQ(log().next_ticket(), 1u);
    owner_.put(1, "one");
    EXPECT_EQ(log().commit(), 1u);
    EXPECT_EQ(log().commit(), 1u);
    EXPECT_EQ(log().next_ticket(), 2u);
}

TEST_F(LogTest, GathersInOneGroupWhatComesWhileTheDiskIsBusy) {
    owner_.put(1, "one");
    owner_.commit();
    auto first = next_of(Work::Kind::Commit);
    ASSERT_TRUE(first);
    for (uint32_t id = 2; id < 50; ++id) {
        owner_.put(id, "more");
        owner_.commit();
        EXPECT_FALSE(next_of(Work::Kind::Commit)) << "one is under way";
    }
    log().done(perform(std::move(*first), disk_, Owner::kFolder), owner_.now);
    EXPECT_EQ(log().durable(), 1u);
    owner_.settle();
    EXPECT_EQ(log().durable(), 49u);
    EXPECT_EQ(log().usage().groups, 2u);
    EXPECT_EQ(log().usage().pending_bytes, 0u);
}

TEST_F(LogTest, SyncsNothingWhenTheSystemMayKeepIt) {
    Options lazy = options();
    lazy.durability = Durability::Os;
    Owner owner(disk_, lazy);
    owner.open();
    owner.put(1, "one");
    owner.commit_and_settle();
    const uint64_t syncs = disk_.counts().syncs;  // of segments, which have to be there
    owner.put(1, "two");
    owner.commit_and_settle();
    EXPECT_EQ(owner.log().durable(), 2u);
    EXPECT_EQ(disk_.counts().syncs, syncs);
}

TEST_F(LogTest, GivesAGroupLargerThanASegmentOneOfItsOwn) {
    owner_.put(1, "before");
    owner_.commit_and_settle();
    owner_.put(2, std::string(3 * kSegment, 'x'));
    owner_.put(3, "with it");
    owner_.commit_and_settle();
    owner_.put(4, "after");
    owner_.commit_and_settle();
    EXPECT_EQ(log().durable(), 3u);
    const auto before = owner_.objects;
    lose_power();
    EXPECT_EQ(owner_.objects, before);
}

TEST_F(LogTest, WaitsForASegmentToBeReady) {
    owner_.put(1, "one");
    owner_.commit();
    auto work = log().work(owner_.now);
    ASSERT_TRUE(work);
    EXPECT_EQ(work->kind, Work::Kind::Prepare);
    EXPECT_FALSE(work->urgent());
    EXPECT_FALSE(log().work(owner_.now));
    EXPECT_EQ(log().condition(), Condition::Good);
    log().done(perform(std::move(*work), disk_, Owner::kFolder), owner_.now);
    EXPECT_EQ(log().work(owner_.now)->kind, Work::Kind::Commit);
}

TEST_F(LogTest, KeepsSparesReady) {
    owner_.settle();
    EXPECT_THAT(files(), ElementsAre("segment-00000001", "segment-00000002"));
    owner_.put(1, "one");
    owner_.commit_and_settle();
    EXPECT_THAT(files(), ElementsAre("segment-00000001", "segment-00000002", "segment-00000003"));
    reopen();
    owner_.settle();
    EXPECT_EQ(files().size(), 3u);
}

TEST_F(LogTest, IsBehindFromWhenTooMuchWaitsUntilHalfOfItIsOnDisk) {
    Options small = options();
    small.pending_bytes_max = 100'000;
    Owner owner(disk_, small);
    owner.open();
    const auto put_and_commit = [&owner](uint32_t id) {
        owner.put(id, std::string(30'000, 'x'));
        owner.commit();
        return owner.log().condition();
    };
    for (uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(put_and_commit(id), Condition::Good) << id;
    EXPECT_EQ(put_and_commit(4), Condition::Behind);
    EXPECT_THAT(owner.log().trouble(), HasSubstr("the disk writes less"));
    while (auto work = owner.log().work(owner.now)) {
        owner.log().done(perform(std::move(*work), disk_, Owner::kFolder), owner.now);
        const uint64_t pending = owner.log().usage().pending_bytes;
        EXPECT_EQ(owner.log().condition(), pending > 50'000 ? Condition::Behind : Condition::Good);
    }
    EXPECT_EQ(owner.log().condition(), Condition::Good);
    EXPECT_THAT(owner.log().trouble(), IsEmpty());
}

// --- reading back ---

TEST_F(LogTest, ReadsBackFromDiskAndFromMemory) {
    owner_.put(1, "on disk");
    owner_.note(1, "note");
    owner_.commit_and_settle();
    owner_.put(2, "in memory");
    log().request({1});
    log().request({2});
    owner_.settle();
    std::map<uint32_t, std::string> loaded;
    while (auto each = log().next_loaded()) loaded[each->id.value] = as_text(each->bytes);
    EXPECT_EQ(loaded, (std::map<uint32_t, std::string>{{1, "on disk"}, {2, "in memory"}}));
}

TEST_F(LogTest, ReadsBackWhatIsOnItsWayToTheDiskWhenItIsThere) {
    owner_.put(1, "one");
    owner_.commit();
    auto commit = next_of(Work::Kind::Commit);
    log().request({1});
    EXPECT_FALSE(next_of(Work::Kind::Read));
    EXPECT_FALSE(log().next_loaded());
    log().done(perform(std::move(*commit), disk_, Owner::kFolder), owner_.now);
    owner_.settle();
    EXPECT_EQ(as_text(log().next_loaded()->bytes), "one");
}

TEST_F(LogTest, DeliversNothingThatWasErasedMeanwhile) {
    owner_.put(1, "one");
    owner_.commit_and_settle();
    log().request({1});
    auto read = next_of(Work::Kind::Read);
    ASSERT_TRUE(read);
    owner_.erase(1);
    owner_.put(1, "of another life");
    log().done(perform(std::move(*read), disk_, Owner::kFolder), owner_.now);
    owner_.commit_and_settle();
    EXPECT_FALSE(log().next_loaded());
}

TEST_F(LogTest, DeliversTheLastPutOfWhatWasPutMeanwhile) {
    owner_.put(1, "one");
    owner_.commit_and_settle();
    log().request({1});
    auto read = next_of(Work::Kind::Read);
    owner_.put(1, "two");
    log().done(perform(std::move(*read), disk_, Owner::kFolder), owner_.now);
    owner_.settle();
    EXPECT_EQ(as_text(log().next_loaded()->bytes), "two");
    EXPECT_FALSE(log().next_loaded());
}

TEST_F(LogTest, ReadsWhatStandsTogetherAtOnce) {
    std::map<uint32_t, std::string> expected, loaded;
    for (uint32_t id = 1; id <= 200; ++id) {
        const std::string text = "object " + std::to_string(id);
        owner_.put(id, text);
        if (id % 3 == 0) owner_.note(id, "note");
        if (id % 10 == 0) owner_.commit_and_settle();
        if (id % 2 == 1) expected[id] = text;
    }
    owner_.put(11, "again");
    expected[11] = "again";
    owner_.commit_and_settle();
    for (const auto& [id, text] : expected) log().request({id});
    auto read = next_of(Work::Kind::Read);
    ASSERT_TRUE(read);
    log().done(perform(std::move(*read), disk_, Owner::kFolder), owner_.now);
    EXPECT_FALSE(next_of(Work::Kind::Read));
    while (auto each = log().next_loaded()) loaded[each->id.value] = as_text(each->bytes);
    EXPECT_EQ(loaded, expected);
}

TEST_F(LogTest, ReadsByItselfWhatIsDamagedBesideOthers) {
    owner_.put(1, "one");
    owner_.put(2, std::string(1000, 'x'));
    owner_.put(3, "three");
    owner_.commit_and_settle();
    disk_.rot("shard-0/segment-00000001", kSegmentHeadBytes + 200, kSegmentHeadBytes + 1000, 1);
    for (const uint32_t id : {1, 2, 3}) log().request({id});
    owner_.settle();
    std::map<uint32_t, bool> gone;
    while (auto each = log().next_loaded()) gone[each->id.value] = each->gone;
    EXPECT_EQ(gone, (std::map<uint32_t, bool>{{1, false}, {2, true}, {3, false}}));
}

TEST_F(LogTest, SaysWhyAnObjectIsGone) {
    owner_.put(1, std::string(1000, 'x'));
    owner_.commit_and_settle();
    disk_.rot("shard-0/segment-00000001", kSegmentHeadBytes + 100, kSegmentHeadBytes + 1000, 1);
    log().request({1});
    owner_.settle();
    const auto loaded = log().next_loaded();
    ASSERT_TRUE(loaded);
    EXPECT_TRUE(loaded->gone);
    EXPECT_THAT(loaded->why, HasSubstr("segment-00000001: the record at offset 4136 is damaged"));
}

// --- failures ---

TEST_F(LogTest, WritesAGroupWhoseSyncFailedToAnotherPlace) {
    owner_.put(1, "one");
    owner_.commit_and_settle();
    disk_.sync_failures = 1000;
    owner_.put(2, "two");
    owner_.commit_and_settle();
    EXPECT_EQ(log().durable(), 1u);
    EXPECT_EQ(log().condition(), Condition::Broken);
    EXPECT_THAT(log().trouble(), HasSubstr("fdatasync"));
    disk_.sync_failures = 0;
    // Not before its pause is over, and not where it failed.
    owner_.settle();
    EXPECT_EQ(log().durable(), 1u);
    EXPECT_EQ(log().next_deadline(), owner_.now + Pause::kFirst);
    owner_.now += Pause::kFirst;
    auto again = next_of(Work::Kind::Commit);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->at, Position::at(2, kSegmentHeadBytes));
    log().done(perform(std::move(*again), disk_, Owner::kFolder), owner_.now);
    recover();
    lose_power();
    EXPECT_EQ(owner_.objects, (std::map<uint32_t, std::string>{{1, "one"}, {2, "two"}}));
    EXPECT_THAT(owner_.damage(), IsEmpty());
}

TEST_F(LogTest, TriesAgainWithGrowingPauses) {
    owner_.settle();
    disk_.write_failures = 1000;
    owner_.put(1, "one");
    owner_.commit_and_settle();
    std::vector<int64_t> pauses_ms;
    for (int i = 0; i < 30; ++i) {
        pauses_ms.push_back((*log().next_deadline() - owner_.now) / std::chrono::milliseconds(1));
        owner_.now = *log().next_deadline();
        owner_.settle();
    }
    EXPECT_EQ(pauses_ms.front(), 50);
    EXPECT_GT(*std::min_element(pauses_ms.begin(), pauses_ms.end()), 0) << "it never spins";
    EXPECT_EQ(pauses_ms.back(), 2000);
    disk_.write_failures = 0;
    recover();
    lose_power();
    EXPECT_EQ(owner_.objects[1], "one");
}

TEST_F(LogTest, KeepsItsReserveOnAFullDisk) {
    owner_.put(1, "one");
    owner_.commit_and_settle();
    disk_.capacity = disk_.used_bytes();
    owner_.put(2, std::string(40'000, 'x'));
    owner_.commit_and_settle();
    owner_.put(3, std::string(40'000, 'x'));
    owner_.commit_and_settle();
    EXPECT_EQ(log().durable(), 3u);
    EXPECT_EQ(log().condition(), Condition::Full);
    // The reserve takes erases; with them comes room.
    owner_.erase(2);
    owner_.erase(3);
    owner_.put(4, std::string(60'000, 'x'));
    owner_.commit_and_settle();
    EXPECT_EQ(log().durable(), 4u);
    disk_.capacity.reset();
    owner_.settle_all();
    EXPECT_EQ(log().condition(), Condition::Good);
}

TEST_F(LogTest, SaysThatTheDiskIsFullAndRecoversByItself) {
    owner_.settle();
    disk_.capacity = disk_.used_bytes();
    for (uint32_t id = 1; id <= 4; ++id) {
        owner_.put(id, std::string(50'000, 'x'));
        owner_.commit_and_settle();
    }
    EXPECT_EQ(log().durable(), 2u);
    EXPECT_EQ(log().condition(), Condition::Full);
    EXPECT_THAT(log().trouble(), HasSubstr("no space left"));
    const auto expected = owner_.objects;
    disk_.capacity.reset();
    recover();
    lose_power();
    EXPECT_EQ(owner_.objects, expected);
}

TEST_F(LogTest, IsAtRestAfterItCouldNotMakeOneSpareMoreThanItNeeds) {
    std::optional<Work> spare_too_many;
    const auto carry_out = [&](Work work) {
        if (work.recycle != 0 && files().size() > 3)
            spare_too_many = std::move(work);
        else
            log().done(perform(std::move(work), disk_, Owner::kFolder), owner_.now);
    };
    for (int i = 0; i < 1000 && !spare_too_many; ++i) {
        owner_.put(1, std::string(2000, 'c'));
        owner_.commit();
        while (auto work = log().work(owner_.now)) {
            // A spare is made first, so that the segment which this group empties is one too many.
            auto before = work->urgent() ? log().work(owner_.now) : std::nullopt;
            if (before) carry_out(std::move(*before));
            carry_out(std::move(*work));
            if (spare_too_many) break;
        }
    }
    ASSERT_TRUE(spare_too_many);
    disk_.name_failures = 1000;
    log().done(perform(std::move(*spare_too_many), disk_, Owner::kFolder), owner_.now);
    disk_.name_failures = 0;
    owner_.settle_all();
    EXPECT_EQ(log().next_deadline(), std::nullopt);
    EXPECT_EQ(log().condition(), Condition::Good);
}

TEST_F(LogTest, LeavesNoHalfMadeSegmentOnAFullDisk) {
    disk_.capacity = kSegment + kSegment / 2;
    owner_.settle_all();
    EXPECT_LE(disk_.used_bytes(), kSegment);
    owner_.put(1, "one");
    owner_.commit_and_settle();
    EXPECT_EQ(log().durable(), 1u);
}

// A process made a spare and died before the folder's sync; the next one finds it, and may use it.
TEST(LogOnAFoundSpare, SyncsItsName) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
        FaultyDisk disk(seed);
        Random random(seed);
        Owner owner(disk, {.segment_bytes = kSegment});
        owner.open();
        disk.changes_left = 4;  // made, zeroed, headed and synced
        EXPECT_TRUE(perform(*owner.log().work(owner.now), disk, Owner::kFolder).error);
        disk.changes_left.reset();
        owner.open();
        owner.put(1, "one");
        owner.commit();
        auto commit = owner.log().work(owner.now);
        ASSERT_EQ(commit->kind, Work::Kind::Commit);
        EXPECT_FALSE(perform(std::move(*commit), disk, Owner::kFolder).error);
        disk.power_loss(random);
        owner.open();
        EXPECT_EQ(owner.objects[1], "one");
    }
}

// --- space ---

TEST_F(LogTest, RecyclesSegmentsInWhichNothingLives) {
    churn(40 * kSegment);
    EXPECT_LE(log().usage().segments, 3u);
    EXPECT_LE(files().size(), 6u);
    EXPECT_EQ(log().usage().disk_bytes, disk_.used_bytes());
    const auto expected = owner_.objects;
    lose_power();
    EXPECT_EQ(owner_.objects, expected);
}

TEST_F(LogTest, MovesTheOldObjectOutOfTheWay) {
    owner_.put(1, "very old");
    owner_.commit_and_settle();
    churn(40 * kSegment);
    EXPECT_LE(log().usage().segments, 4u);
    EXPECT_GT(log().usage().moved_records, 0u);
    lose_power();
    EXPECT_EQ(owner_.objects[1], "very old");
}

TEST_F(LogTest, NamesEachObjectToMoveOnce) {
    for (uint32_t id = 1; id <= 100; ++id) owner_.put(id, std::string(500, 'x'));
    owner_.commit_and_settle();
    for (uint32_t i = 0; i < 10; ++i) {
        owner_.put(200, std::string(60'000, 'x'));
        owner_.commit_and_settle();
    }
    ASSERT_TRUE(log().wants_move());
    std::vector<ObjectId> named;
    for (int i = 0; i < 1000; ++i) log().to_move(1, named);
    EXPECT_EQ(named.size(), 100u);
    EXPECT_FALSE(log().wants_move()) << "the owner has not put them yet";
}

TEST_F(LogTest, KeepsASegmentUntilWhatEmptiedItIsOnDisk) {
    owner_.put(1, std::string(50'000, 'a'));
    owner_.commit_and_settle();
    owner_.put(2, std::string(50'000, 'b'));
    owner_.commit_and_settle();
    owner_.erase(1);
    owner_.commit();
    auto commit = next_of(Work::Kind::Commit);
    owner_.settle();
    EXPECT_EQ(files().front(), "segment-00000001");
    log().done(perform(std::move(*commit), disk_, Owner::kFolder), owner_.now);
    owner_.settle();
    EXPECT_NE(files().front(), "segment-00000001");
}

// Old segments that are kept for a while were used before: with them the disk holds what it held.
TEST_F(LogTest, StaysWithinItsBoundOfSpace) {
    uint64_t most_used = 0;
    for (const uint32_t objects : {1u, 30u, 300u, 1500u}) {
        SCOPED_TRACE(objects);
        for (int i = 0; i < 6000; ++i) {
            const auto id = uint32_t(1 + random_.below(objects));
            if (random_.below(10) == 0 && log().holds({id}))
                owner_.erase(id);
            else
                owner_.put(id, std::string(random_.below(2000), 'x'));
            if (random_.below(4) > 0) continue;
            owner_.commit_and_settle();
            owner_.move(16'000);
            const Usage usage = log().usage();
            ASSERT_LE(usage.used_bytes, usage.live_bytes * 5 / 2 + 2 * kSegment);
            most_used = std::max(most_used, usage.used_bytes);
            ASSERT_LE(usage.disk_bytes, most_used + 4 * kSegment);
            ASSERT_LE(usage.disk_bytes, usage.used_bytes + 18 * kSegment);
        }
        owner_.now += Space::kKeptFor;
        owner_.settle();
        ASSERT_LE(log().usage().disk_bytes, log().usage().used_bytes + 4 * kSegment);
    }
}

}  // namespace
}  // namespace godwit::store
