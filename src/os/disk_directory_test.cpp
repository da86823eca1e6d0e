#include "os/disk_directory.h"

#include "base/room_buffer.h"
#include "os/test_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace godwit::os {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

mode_t mode_of(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 07777;
}

class DiskDirectoryTest : public ::testing::Test {
protected:
    std::string path() const { return root_.path("store"); }
    std::unique_ptr<DiskDirectory> open() {
        auto out = DiskDirectory::acquire(path());
        EXPECT_TRUE(out) << out.error().what;
        return std::move(out).value();
    }
    TestDirectory root_;
};

TEST_F(DiskDirectoryTest, MakesWhatOnlyItsOwnerMayRead) {
    const mode_t before = ::umask(0);
    const auto disk = open();
    EXPECT_TRUE(disk->create("shard-0/a"));
    EXPECT_TRUE(disk->create("b"));
    ::umask(before);
    EXPECT_EQ(mode_of(path()), 0700u);
    EXPECT_EQ(mode_of(path() + "/shard-0"), 0700u);
    EXPECT_EQ(mode_of(path() + "/shard-0/a"), 0600u);
    EXPECT_EQ(mode_of(path() + "/b"), 0600u);
    EXPECT_EQ(mode_of(path() + "/lock"), 0600u);
}

TEST_F(DiskDirectoryTest, ClosesItsDirectoryToOthers) {
    ASSERT_EQ(::mkdir(path().c_str(), 0755), 0);
    const auto disk = open();
    EXPECT_EQ(mode_of(path()), 0700u);
}

TEST_F(DiskDirectoryTest, SaysWhichProcessHasIt) {
    const auto disk = open();
    const auto second = DiskDirectory::acquire(path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().fault, DiskFault::NotPermitted);
    EXPECT_THAT(second.error().what,
                HasSubstr("is in use by process " + std::to_string(::getpid())));
}

TEST_F(DiskDirectoryTest, IsFreeAgainWhenItsOwnerIsGone) {
    open();
    open();
}

TEST_F(DiskDirectoryTest, RefusesWhatIsNoDirectory) {
    ASSERT_GE(Fd(::creat(path().c_str(), 0600)).get(), 0);
    EXPECT_FALSE(DiskDirectory::acquire(path()));
    const auto orphan = DiskDirectory::acquire(root_.path("no/parent"));
    ASSERT_FALSE(orphan);
    EXPECT_EQ(orphan.error().fault, DiskFault::NotFound);
    EXPECT_THAT(orphan.error().what, HasSubstr("no/parent: No such file or directory"));
}

TEST_F(DiskDirectoryTest, ReadsWhatWasWritten) {
    const auto disk = open();
    {
        const auto file = disk->create("a").value();
        EXPECT_TRUE(file->write_at(4, as_bytes("word")));
        EXPECT_TRUE(file->sync());
    }
    const auto file = disk->open("a").value();
    EXPECT_EQ(file->size().value(), 8u);
    std::array<uint8_t, 16> room{};
    EXPECT_EQ(file->read_at(4, room).value(), 4u);
    EXPECT_EQ(as_text(Bytes(room).first(4)), "word");
    EXPECT_EQ(file->read_at(8, room).value(), 0u);
}

TEST_F(DiskDirectoryTest, TruncatesInBothDirections) {
    const auto disk = open();
    const auto file = disk->create("a").value();
    EXPECT_TRUE(file->truncate(100'000));
    EXPECT_EQ(file->size().value(), 100'000u);
    std::array<uint8_t, 1> room{7};
    EXPECT_EQ(file->read_at(99'999, room).value(), 1u);
    EXPECT_EQ(room[0], 0);
    EXPECT_TRUE(file->truncate(10));
    EXPECT_EQ(file->size().value(), 10u);
}

/// Zeros from `begin` to `end` of a file full of other bytes; what is around them stays.
void expect_zeros(const std::filesystem::path& parent, size_t begin, size_t end) {
    SCOPED_TRACE(testing::Message() << parent << ", " << begin << " to " << end);
    const TestDirectory root(parent);
    const auto disk = DiskDirectory::acquire(root.path("store")).value();
    const auto file = disk->create("a").value();
    Buffer expected(5 << 20, 'x');
    ASSERT_TRUE(file->write_at(0, expected));
    ASSERT_TRUE(file->write_zeros(begin, end));
    std::fill(expected.begin() + ptrdiff_t(begin), expected.begin() + ptrdiff_t(end), 0);
    // Whatever way the zeros went, other bytes go anywhere again.
    ASSERT_TRUE(file->write_at(4097, as_bytes("word")));
    std::copy_n("word", 4, expected.begin() + 4097);
    ASSERT_TRUE(file->sync());
    Buffer got(expected.size() + 1);
    ASSERT_EQ(file->read_at(0, got).value(), expected.size());
    got.pop_back();
    EXPECT_TRUE(got == expected);
}

// A disk takes zeros past the cache if they are whole pages; memory has no such way on some
// kernels.
TEST(DiskFile, WritesZerosOnADiskAndInMemory) {
    for (const std::filesystem::path& parent :
         {std::filesystem::temp_directory_path(), std::filesystem::path("/dev/shm")}) {
        expect_zeros(parent, 4096, 4 << 20);
        expect_zeros(parent, 4096, (3 << 20) + 8192);
        expect_zeros(parent, 4096, 4096);
        expect_zeros(parent, 100, (2 << 20) + 1);
    }
}

/// What is written past the cache is read as if it had gone through it, whatever is beside it.
void expect_written_past_cache(const std::filesystem::path& parent, size_t at, size_t from,
                               size_t bytes) {
    SCOPED_TRACE(testing::Message() << parent << ": " << bytes << " bytes at " << at);
    const TestDirectory root(parent);
    const auto disk = DiskDirectory::acquire(root.path("store")).value();
    const auto file = disk->create("a").value();
    Buffer expected(1 << 20, 'x');
    ASSERT_TRUE(file->write_at(0, expected));
    Buffer got(expected.size());
    ASSERT_EQ(file->read_at(0, got).value(), got.size()) << "now all is in the cache";
    RoomBuffer room;
    uint8_t* at_room = room.extend(from + bytes);
    for (size_t i = 0; i < room.size(); ++i) at_room[i] = uint8_t(i * 7 + i / 251);
    const Bytes written = Bytes(room).subspan(from);
    ASSERT_TRUE(file->write_past_cache(at, written));
    std::copy(written.begin(), written.end(), expected.begin() + ptrdiff_t(at));
    ASSERT_TRUE(file->write_at(at + bytes - 3, as_bytes("tail")));
    std::copy_n("tail", 4, expected.begin() + ptrdiff_t(at + bytes - 3));
    ASSERT_TRUE(file->sync());
    ASSERT_EQ(file->read_at(0, got).value(), got.size());
    EXPECT_TRUE(got == expected);
}

TEST(DiskFile, WritesPastTheCacheOnADiskAndInMemory) {
    for (const std::filesystem::path& parent :
         {std::filesystem::temp_directory_path(), std::filesystem::path("/dev/shm")}) {
        expect_written_past_cache(parent, 8192, 0, 512 << 10);
        expect_written_past_cache(parent, 0, 4096, 4096);
        expect_written_past_cache(parent, 8192, 512, 64 << 10);  // no whole pages in memory
        expect_written_past_cache(parent, 100, 0, 64 << 10);     // none on disk
        expect_written_past_cache(parent, 8192, 0, (64 << 10) + 1);
    }
}

TEST_F(DiskDirectoryTest, ZerosMakeAFileLonger) {
    const auto disk = open();
    const auto file = disk->create("a").value();
    EXPECT_TRUE(file->write_zeros(4096, 8192));
    EXPECT_EQ(file->size().value(), 8192u);
}

TEST_F(DiskDirectoryTest, ListsFilesInOrder) {
    const auto disk = open();
    EXPECT_TRUE(disk->create("f/b"));
    EXPECT_TRUE(disk->create("f/a"));
    EXPECT_THAT(disk->list("f").value(), ElementsAre("a", "b"));
    EXPECT_THAT(disk->list("").value(), ElementsAre("lock"));
    EXPECT_EQ(disk->list("g").error().fault, DiskFault::NotFound);
}

TEST_F(DiskDirectoryTest, RenamesAndRemoves) {
    const auto disk = open();
    EXPECT_TRUE(disk->create("f/a"));
    EXPECT_TRUE(disk->create("f/b"));
    EXPECT_TRUE(disk->rename("f/a", "f/b"));
    EXPECT_THAT(disk->list("f").value(), ElementsAre("b"));
    EXPECT_TRUE(disk->remove("f/b"));
    EXPECT_TRUE(disk->sync("f"));
    EXPECT_EQ(disk->remove("f/b").error().fault, DiskFault::NotFound);
    EXPECT_EQ(disk->rename("f/b", "f/c").error().fault, DiskFault::NotFound);
    EXPECT_EQ(disk->open("f/b").error().fault, DiskFault::NotFound);
}

TEST_F(DiskDirectoryTest, RemovesAFolderOnceItIsEmpty) {
    const auto disk = open();
    EXPECT_TRUE(disk->create("f/a"));
    EXPECT_FALSE(disk->remove_folder("f"));
    EXPECT_TRUE(disk->remove("f/a"));
    EXPECT_TRUE(disk->remove_folder("f"));
    EXPECT_EQ(disk->list("f").error().fault, DiskFault::NotFound);
    EXPECT_EQ(disk->remove_folder("f").error().fault, DiskFault::NotFound);
}

TEST_F(DiskDirectoryTest, MakesNoFileTwice) {
    const auto disk = open();
    EXPECT_TRUE(disk->create("a"));
    EXPECT_EQ(disk->create("a").error().fault, DiskFault::Exists);
}

TEST_F(DiskDirectoryTest, FollowsNoLinks) {
    const auto disk = open();
    ASSERT_EQ(::symlink("/etc/passwd", (path() + "/a").c_str()), 0);
    EXPECT_FALSE(disk->open("a"));
    EXPECT_THAT(disk->list("").value(), ElementsAre("lock"));
}

TEST_F(DiskDirectoryTest, IsLookedAtWithoutAChange) {
    {
        const auto disk = open();
        EXPECT_TRUE(disk->create("f/a").value()->write_at(0, as_bytes("word")));
        EXPECT_TRUE(disk->create("empty/a") && disk->remove("empty/a"));
    }
    ASSERT_EQ(::chmod(path().c_str(), 0755), 0);
    const auto disk = DiskDirectory::inspect(path());
    ASSERT_TRUE(disk) << disk.error().what;
    const auto second = DiskDirectory::inspect(path());
    EXPECT_TRUE(second);
    std::array<uint8_t, 4> room{};
    const auto file = (*disk)->open("f/a");
    ASSERT_TRUE(file);
    EXPECT_EQ((*file)->read_at(0, room).value(), 4u);
    EXPECT_EQ(as_text(room), "word");
    EXPECT_FALSE((*file)->write_at(0, as_bytes("w")));
    RoomBuffer page;
    page.append_zeros(4096);
    EXPECT_FALSE((*file)->write_past_cache(0, page));
    EXPECT_FALSE((*file)->write_zeros(0, 4096));
    EXPECT_FALSE((*file)->truncate(1));
    EXPECT_EQ((*disk)->create("g/b").error().fault, DiskFault::NotPermitted);
    EXPECT_EQ((*disk)->rename("f/a", "f/b").error().fault, DiskFault::NotPermitted);
    EXPECT_EQ((*disk)->remove("f/a").error().fault, DiskFault::NotPermitted);
    EXPECT_EQ((*disk)->remove_folder("empty").error().fault, DiskFault::NotPermitted);
    EXPECT_EQ(mode_of(path()), 0755u);
    EXPECT_THAT((*disk)->list("f").value(), ElementsAre("a"));
}

TEST_F(DiskDirectoryTest, IsNotLookedAtWhileItHasAnOwner) {
    EXPECT_EQ(DiskDirectory::inspect(path()).error().fault, DiskFault::NotFound);
    auto disk = open();
    const auto refused = DiskDirectory::inspect(path());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().what,
                HasSubstr("is in use by process " + std::to_string(::getpid())));
    disk.reset();
    const auto looking = DiskDirectory::inspect(path());
    ASSERT_TRUE(looking);
    const auto owner = DiskDirectory::acquire(path());
    ASSERT_FALSE(owner);
    EXPECT_THAT(owner.error().what, HasSubstr("is in use by "));
}

}  // namespace
}  // namespace godwit::os
