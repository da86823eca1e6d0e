#include "server/file_watch.h"

#include "os/test_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace godwit::server {
namespace {

namespace fs = std::filesystem;

class FileWatchTest : public ::testing::Test {
protected:
    void put(const std::string& name, std::string_view text) {
        ASSERT_TRUE(os::write_file_atomically(path(name), as_bytes(text), 0600));
    }
    std::string path(const std::string& name) const { return directory_.path(name); }
    /// A change is told at the second look that sees it, and then no more.
    static void expect_told_once(FileWatch& watch) {
        EXPECT_FALSE(watch.look()) << "it has not settled";
        EXPECT_TRUE(watch.look());
        EXPECT_FALSE(watch.look());
    }

    os::TestDirectory directory_;
};

TEST_F(FileWatchTest, SaysNothingOfFilesThatStay) {
    put("a", "1");
    FileWatch watch({path("a"), path("never there")});
    for (int i = 0; i < 3; ++i) EXPECT_FALSE(watch.look());
}
TEST_F(FileWatchTest, TellsAFileThatIsReplaced) {
    put("a", "1");
    FileWatch watch({path("a")});
    put("a", "2");
    expect_told_once(watch);
}
TEST_F(FileWatchTest, TellsAFileThatGoesAndOneThatComes) {
    put("a", "1");
    FileWatch watch({path("a")});
    fs::remove(path("a"));
    expect_told_once(watch);
    put("a", "1");
    expect_told_once(watch);
}
TEST_F(FileWatchTest, WaitsUntilNothingChangesAnyMore) {
    put("cert", "1");
    put("key", "1");
    FileWatch watch({path("cert"), path("key")});
    put("cert", "2");
    EXPECT_FALSE(watch.look());
    put("key", "2");
    expect_told_once(watch);
}
TEST_F(FileWatchTest, TellsALinkThatLeadsElsewhere) {  // as Kubernetes swaps a secret
    for (const char* version : {"v1", "v2"}) {
        ASSERT_TRUE(os::make_directory(path(version), 0700));
        put(std::string(version) + "/cert", "the same");
    }
    fs::create_symlink("v1", path("now"));
    fs::create_symlink("now/cert", path("cert"));
    FileWatch watch({path("cert")});
    fs::create_symlink("v2", path("next"));
    fs::rename(path("next"), path("now"));
    expect_told_once(watch);
}

}  // namespace
}  // namespace godwit::server
