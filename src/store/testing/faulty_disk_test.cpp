#include "store/testing/faulty_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace godwit::store::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FaultyDiskTest : public ::testing::Test {
protected:
    void write(const std::string& name, std::string_view text, bool sync) {
        auto file = disk_.open(name);
        if (!file) file = disk_.create(name);
        ASSERT_TRUE((*file)->write_at(0, as_bytes(text)));
        ASSERT_TRUE(!sync || (*file)->sync());
    }
    std::string text(const std::string& name) { return std::string(as_text(disk_.contents(name))); }
    FaultyDisk disk_{1};
    Random random_{1};
};

TEST_F(FaultyDiskTest, KeepsWhatWasSynced) {
    write("a", "synced", true);
    ASSERT_TRUE(disk_.sync(""));
    disk_.power_loss(random_);
    EXPECT_EQ(text("a"), "synced");
}

TEST_F(FaultyDiskTest, MayLoseTearOrKeepWhatWasNot) {
    write("a", std::string(2048, '.'), true);
    ASSERT_TRUE(disk_.sync(""));
    std::set<std::string> outcomes;
    for (int i = 0; i < 100; ++i) {
        write("a", std::string(2048, '.'), true);
        write("a", std::string(2048, 'x'), false);
        disk_.power_loss(random_);
        outcomes.insert(text("a"));
    }
    EXPECT_TRUE(outcomes.contains(std::string(2048, '.')));
    EXPECT_TRUE(outcomes.contains(std::string(2048, 'x')));
    EXPECT_TRUE(outcomes.contains(std::string(512, '.') + std::string(1536, 'x'))) << "any order";
    EXPECT_GT(outcomes.size(), 10u);
}

TEST_F(FaultyDiskTest, MayLoseNamesThatWereNotSynced) {
    bool kept = false;
    bool lost = false;
    for (int i = 0; i < 20; ++i) {
        write("a", "", true);
        disk_.power_loss(random_);
        (disk_.open("a") ? kept : lost) = true;
        ASSERT_TRUE(!disk_.open("a") || disk_.remove("a"));
        ASSERT_TRUE(disk_.sync(""));
    }
    EXPECT_TRUE(kept && lost);
}

TEST_F(FaultyDiskTest, BringsBackWhatWasRemovedWithoutASync) {
    bool is_back = false;
    for (int i = 0; i < 20 && !is_back; ++i) {
        write("a", "text", true);
        ASSERT_TRUE(disk_.sync(""));
        ASSERT_TRUE(disk_.remove("a"));
        disk_.power_loss(random_);
        is_back = disk_.open("a").has_value();
    }
    EXPECT_TRUE(is_back);
    EXPECT_EQ(text("a"), "text");
}

TEST_F(FaultyDiskTest, CountsAsCleanWhatAFailedSyncLost) {
    bool is_lost = false;
    for (int i = 0; i < 20 && !is_lost; ++i) {
        write("a", std::string(512, '.'), true);
        ASSERT_TRUE(disk_.sync(""));
        write("a", std::string(512, 'x'), false);
        disk_.sync_failures = 1000;
        EXPECT_FALSE(disk_.open("a").value()->sync());
        disk_.sync_failures = 0;
        EXPECT_TRUE(disk_.open("a").value()->sync());
        EXPECT_EQ(text("a"), std::string(512, 'x')) << "as long as there is power";
        disk_.power_loss(random_);
        is_lost = text("a") == std::string(512, '.');
    }
    EXPECT_TRUE(is_lost);
}

TEST_F(FaultyDiskTest, IsFullAtItsCapacity) {
    disk_.capacity = 10;
    write("a", "12345678", true);
    const auto file = disk_.create("b").value();
    EXPECT_EQ(file->write_at(0, as_bytes("123")).error().fault, DiskFault::NoSpace);
    EXPECT_EQ(file->truncate(3).error().fault, DiskFault::NoSpace);
    EXPECT_TRUE(file->write_at(0, as_bytes("12")));
    EXPECT_TRUE(disk_.open("a").value()->write_at(0, as_bytes("in place")));
    EXPECT_EQ(disk_.used_bytes(), 10u);
}

TEST_F(FaultyDiskTest, FlipsBitsOnDisk) {
    write("a", "aaaa", true);
    ASSERT_TRUE(disk_.sync(""));
    disk_.rot("a", 1, 2, 1);
    disk_.power_loss(random_);
    EXPECT_NE(text("a"), "aaaa");
    EXPECT_EQ(text("a").substr(2), "aa");
}

TEST_F(FaultyDiskTest, EndsReadsEarlyAndFailsThem) {
    write("a", "aaaaaaaa", true);
    const auto file = disk_.open("a").value();
    uint8_t room[8];
    disk_.short_reads = 1000;
    std::set<size_t> lengths;
    for (int i = 0; i < 50; ++i) lengths.insert(file->read_at(0, room).value());
    EXPECT_GT(lengths.size(), 4u);
    disk_.read_failures = 1000;
    EXPECT_EQ(file->read_at(0, room).error().fault, DiskFault::Io);
}

TEST_F(FaultyDiskTest, ChangesNothingOnceThePowerIsAboutToGo) {
    disk_.changes_left = 3;
    EXPECT_TRUE(disk_.create("a"));
    EXPECT_TRUE(disk_.open("a").value()->write_at(0, as_bytes("x")));
    EXPECT_TRUE(disk_.open("a").value()->sync());
    EXPECT_FALSE(disk_.sync(""));
    EXPECT_FALSE(disk_.create("b"));
    EXPECT_FALSE(disk_.rename("a", "b"));
    disk_.power_loss(random_);
    EXPECT_TRUE(disk_.create("c"));
}

TEST_F(FaultyDiskTest, ListsByFolder) {
    write("f/b", "", true);
    write("f/a", "", true);
    write("g/c", "", true);
    EXPECT_THAT(disk_.list("f").value(), ElementsAre("a", "b"));
    EXPECT_THAT(disk_.list("").value(), IsEmpty());
    EXPECT_EQ(disk_.list("h").error().fault, DiskFault::NotFound);
}

TEST_F(FaultyDiskTest, DoesTheSameForTheSameSeed) {
    const auto play = [] {
        FaultyDisk disk(7);
        Random random(7);
        disk.write_failures = 300;
        const auto file = disk.create("a").value();
        std::string out;
        for (int i = 0; i < 50; ++i) out += file->write_at(0, Buffer(3000, uint8_t(i))) ? '1' : '0';
        EXPECT_TRUE(disk.sync(""));
        disk.power_loss(random);
        return out + std::string(as_text(disk.contents("a")));
    };
    EXPECT_EQ(play(), play());
}

}  // namespace
}  // namespace godwit::store::testing
