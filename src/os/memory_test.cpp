#include "os/memory.h"

#include "os/file.h"
#include "os/test_directory.h"

#include <gtest/gtest.h>

#include <memory>

namespace godwit::os {
namespace {

void write(const std::string& path, std::string_view text) {
    ASSERT_TRUE(write_file_atomically(path, as_bytes(text), 0600));
}

TEST(Memory, CountsWhatTheProcessUses) {
    constexpr size_t kBytes = 64 << 20;
    const UsedMemory used;
    const uint64_t before = used.bytes();
    EXPECT_GT(before, 0u);
    std::vector<uint8_t> much(kBytes, 1);
    EXPECT_GE(used.bytes(), before + kBytes / 2) << int(much[kBytes / 2]);
}

TEST(Memory, OfTheMachineIsMoreThanIsUsed) {
    EXPECT_GT(memory_of_machine(), UsedMemory().bytes());
}

TEST(Memory, OfAGroupIsTheLeastOfItAndThoseAboveIt) {
    const TestDirectory directory;
    const std::string root = directory.path("groups");
    ASSERT_TRUE(make_directory(root, 0700));
    EXPECT_EQ(memory_of_group(root, "/a/b"), std::nullopt);
    ASSERT_TRUE(make_directory(root + "/a", 0700));
    ASSERT_TRUE(make_directory(root + "/a/b", 0700));
    write(root + "/a/b/memory.max", "max\n");
    EXPECT_EQ(memory_of_group(root, "/a/b"), std::nullopt);
    write(root + "/a/memory.max", "1000\n");
    EXPECT_EQ(memory_of_group(root, "/a/b"), 1000u);
    write(root + "/a/b/memory.max", "2000\n");
    EXPECT_EQ(memory_of_group(root, "/a/b"), 1000u);
    write(root + "/a/b/memory.max", "500\n");
    EXPECT_EQ(memory_of_group(root, "/a/b"), 500u);
    EXPECT_EQ(memory_of_group(root, "/a"), 1000u);
    EXPECT_EQ(memory_of_group(root, ""), std::nullopt);
}

}  // namespace
}  // namespace godwit::os
