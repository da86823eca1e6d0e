#include "server/data_directory.h"

#include "os/test_directory.h"
#include "store/testing/faulty_disk.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

class DataDirectoryTest : public ::testing::Test {
protected:
    std::unique_ptr<DataDirectory> open(uint16_t shards_if_new = 2) {
        auto data = DataDirectory::open(disk_, shards_if_new);
        EXPECT_TRUE(data) << data.error();
        return data ? std::move(*data) : nullptr;
    }
    void write(const std::string& name, std::string_view text = "") {
        const auto file = disk_.create(name);
        ASSERT_TRUE(file && (*file)->write_at(0, as_bytes(text)) && (*file)->sync());
    }
    bool has(const std::string& name) { return disk_.open(name).has_value(); }

    store::testing::FaultyDisk disk_{1};
};

TEST_F(DataDirectoryTest, RemembersItsShardsAndItsKey) {
    const HashKey key = open(3)->key();
    const auto again = open(5);
    EXPECT_EQ(again->shard_count(), 3);
    EXPECT_EQ(again->key().k0, key.k0);
    EXPECT_EQ(again->key().k1, key.k1);
    EXPECT_EQ(again->folder({2}), "shard-2");
}

TEST_F(DataDirectoryTest, UsersMayBeThereBeforeTheFirstStart) {
    for (const char* name : {"control.db", "control.db-wal", "control.db-shm"}) write(name, "x");
    EXPECT_EQ(open(2)->shard_count(), 2);
    EXPECT_TRUE(has("control.db"));
}

TEST_F(DataDirectoryTest, OneOfTheFirstReleaseIsOfTheFirstGeneration) {
    write("identity", "godwit 1\nshards 4\nkey 1f 2e\n");
    const auto data = open();
    EXPECT_EQ(data->shard_count(), 4);
    EXPECT_EQ(data->folder({3}), "shard-3");
    EXPECT_EQ(data->key().k1, 0x2eu);
}

// The logs know realms by number: whatever the configuration does, one is never taken for another.
TEST_F(DataDirectoryTest, RealmsKeepTheirNumbers) {
    using Names = std::vector<std::string>;
    EXPECT_EQ(open()->number_realms({"default", "acme", "umbra"}).value(),
              (Names{"default", "acme", "umbra"}));
    EXPECT_EQ(open()->number_realms({"default", "umbra"}).value(),
              (Names{"default", "acme", "umbra"}));
    EXPECT_EQ(open()->number_realms({"plant", "umbra", "default"}).value(),
              (Names{"default", "acme", "umbra", "plant"}));
    EXPECT_EQ(open()->number_realms({"acme"}).value(),
              (Names{"default", "acme", "umbra", "plant"}));
}

TEST_F(DataDirectoryTest, TheNextGenerationCountsOnceItIsSwitchedTo) {
    const auto data = open();
    const HashKey key = data->key();
    write("shard-0/segment-00000001");
    write(data->next_folder({4}) + "/segment-00000001");
    ASSERT_TRUE(data->switch_to_next(5));
    EXPECT_FALSE(has("shard-0/segment-00000001"));
    const auto again = open();
    EXPECT_EQ(again->shard_count(), 5);
    EXPECT_EQ(again->key().k0, key.k0);
    EXPECT_EQ(again->folder({4}), data->folder({4}));
    EXPECT_TRUE(has(again->folder({4}) + "/segment-00000001"));
}

TEST_F(DataDirectoryTest, LeftoversOfAnUnfinishedChangeGo) {
    const auto data = open();
    write("shard-0/segment-00000001");
    const std::string next = data->next_folder({7});
    write(next + "/segment-00000001");
    open();
    EXPECT_TRUE(has("shard-0/segment-00000001"));
    EXPECT_FALSE(has(next + "/segment-00000001"));
}

TEST_F(DataDirectoryTest, WhatWasSetAsideAsDamagedStays) {
    const auto data = open();
    write("shard-0/segment-00000001");
    write("shard-0/damaged-00000001");
    ASSERT_TRUE(data->switch_to_next(1));
    EXPECT_FALSE(has("shard-0/segment-00000001"));
    EXPECT_TRUE(has("shard-0/damaged-00000001"));
}

TEST_F(DataDirectoryTest, OneOfAnotherProgramIsRefused) {
    write("identity", "something else\n");
    const auto data = DataDirectory::open(disk_, 1);
    ASSERT_FALSE(data);
    EXPECT_NE(data.error().find("another program"), std::string::npos);
}

TEST_F(DataDirectoryTest, NewOneHoldsNothingOfOthers) {
    write("letters.txt");
    const auto data = DataDirectory::open(disk_, 1);
    ASSERT_FALSE(data);
    EXPECT_NE(data.error().find("letters.txt"), std::string::npos);
}

TEST(InspectedDirectory, NamesTheFoldersThatCountAndLeavesWhatIsThere) {
    const os::TestDirectory disk;
    const std::string path = disk.path("data");
    std::string next;
    {
        const auto data = std::move(*DataDirectory::open(path, 1));
        ASSERT_TRUE(data->directory().create(data->next_folder({1}) + "/segment-00000001"));
        ASSERT_TRUE(data->switch_to_next(2));
        next =
            data->next_folder({0}) + "/segment-00000001";  // of a change that did not come to pass
        ASSERT_TRUE(data->directory().create(next));
    }
    const auto data = DataDirectory::inspect(path);
    ASSERT_TRUE(data) << data.error();
    EXPECT_EQ((*data)->folders(), (std::vector<std::string>{"g2-shard-0", "g2-shard-1"}));
    EXPECT_TRUE((*data)->directory().open("g2-shard-1/segment-00000001"));
    EXPECT_TRUE((*data)->directory().open(next));
}

TEST(InspectedDirectory, IsOneOfABroker) {
    const os::TestDirectory disk;
    const auto data = DataDirectory::inspect(disk.path(""));
    ASSERT_FALSE(data);
    EXPECT_NE(data.error().find("no data directory"), std::string::npos) << data.error();
}

}  // namespace
}  // namespace godwit::server
