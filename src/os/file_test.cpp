#include "os/file.h"

#include "os/test_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace godwit::os {
namespace {

class FileTest : public testing::Test {
protected:
    void write(const std::string& text, mode_t mode = 0600) {
        ASSERT_TRUE(write_file_atomically(path_, as_bytes(text), mode));
    }
    mode_t mode_of(const std::string& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0);
        return status.st_mode & 07777;
    }
    size_t file_count() {
        const auto files = std::filesystem::directory_iterator(directory_.path(""));
        return size_t(std::distance(begin(files), end(files)));
    }

    TestDirectory directory_;
    std::string path_ = directory_.path("f");
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
    const std::string text = std::string("a\0b\n", 4) + std::string(200'000, 'x');
    write(text);
    EXPECT_EQ(read_whole_file(path_, 1 << 20).value(), text);
    write("");
    EXPECT_EQ(read_whole_file(path_, 1 << 20).value(), "");
}

TEST_F(FileTest, RefusesFilesAboveTheLimit) {
    write("12345");
    EXPECT_EQ(read_whole_file(path_, 5).value(), "12345");
    EXPECT_EQ(read_whole_file(path_, 4).error().code, EFBIG);
    EXPECT_EQ(read_whole_file("/dev/zero", 100'000).error().code, EFBIG);
    EXPECT_EQ(read_whole_file(path_, 0).error().code, EFBIG);
}

TEST_F(FileTest, ReadsFilesThatHaveNoSize) {
    EXPECT_FALSE(read_whole_file("/proc/self/status", 1 << 20).value().empty());
}

TEST_F(FileTest, SaysWhyItCannotRead) {
    const auto missing = read_whole_file(path_, 10);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().text(), "open: No such file or directory");
    EXPECT_EQ(read_whole_file(directory_.path(""), 10).error().code, EISDIR);
}

TEST_F(FileTest, ReplacesTheOldFileAndLeavesNoOther) {
    write("old", 0644);
    write("new", 0600);
    EXPECT_EQ(read_whole_file(path_, 10).value(), "new");
    EXPECT_EQ(mode_of(path_), 0600u);
    EXPECT_EQ(file_count(), 1u);
}

TEST_F(FileTest, TheModeIsTheOneAskedFor) {
    const mode_t before = ::umask(077);
    write("x", 0644);
    ::umask(before);
    EXPECT_EQ(mode_of(path_), 0644u);
}

TEST_F(FileTest, AFailedWriteLeavesNothingBehind) {
    ASSERT_TRUE(make_directory(path_, 0700));
    const auto written = write_file_atomically(path_, as_bytes("x"), 0600);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, EISDIR);
    EXPECT_EQ(file_count(), 1u);
    EXPECT_EQ(write_file_atomically(directory_.path("none/f"), {}, 0600).error().code, ENOENT);
}

TEST_F(FileTest, ADirectoryMayExistAlready) {
    EXPECT_TRUE(make_directory(path_, 0750));
    EXPECT_TRUE(make_directory(path_, 0700));
    EXPECT_EQ(mode_of(path_), 0750u);
}

TEST_F(FileTest, ADirectoryCannotReplaceAFileNorMakeItsParents) {
    write("x");
    EXPECT_EQ(make_directory(path_, 0700).error().code, ENOTDIR);
    EXPECT_EQ(make_directory(directory_.path("a/b"), 0700).error().code, ENOENT);
}

TEST_F(FileTest, KnowsWhatOthersMayRead) {
    write("secret", 0640);
    EXPECT_FALSE(is_readable_by_others(path_).value());
    write("secret", 0644);
    EXPECT_TRUE(is_readable_by_others(path_).value());
    EXPECT_EQ(is_readable_by_others(directory_.path("none")).error().code, ENOENT);
}

TEST_F(FileTest, APrivateFileIsForItsOwnerAlone) {
    ASSERT_TRUE(make_private_file(path_));
    EXPECT_EQ(mode_of(path_), 0600u);
    EXPECT_EQ(read_whole_file(path_, 1).value(), "");
}

TEST_F(FileTest, APrivateFileThatIsThereKeepsWhatItHolds) {
    write("kept", 0640);
    ASSERT_TRUE(make_private_file(path_));
    EXPECT_EQ(read_whole_file(path_, 10).value(), "kept");
    EXPECT_EQ(mode_of(path_), 0640u);
    EXPECT_EQ(make_private_file(directory_.path("none/f")).error().code, ENOENT);
}

TEST_F(FileTest, RootMakesAPrivateFileForTheOwnerOfItsDirectory) {
    if (::geteuid() != 0) GTEST_SKIP() << "not root";
    constexpr uid_t kSomebody = 12345;
    ASSERT_EQ(::chown(directory_.path("").c_str(), kSomebody, kSomebody), 0);
    ASSERT_TRUE(make_private_file(path_));
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, kSomebody);
    EXPECT_EQ(status.st_gid, kSomebody);
}

}  // namespace
}  // namespace godwit::os
