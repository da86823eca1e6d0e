#include "server/settings.h"

#include "os/file.h"
#include "os/test_directory.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace godwit::server {
namespace {

class SettingsTest : public ::testing::Test {
protected:
    ~SettingsTest() override { ::unsetenv("GODWIT_SERVER_SHARDS"); }

    std::string file(std::string_view text) {
        const std::string path = directory_.path("godwit.toml");
        EXPECT_TRUE(os::write_file_atomically(path, as_bytes(text), 0600));
        return path;
    }
    Result<config::Config, size_t> read(const SettingsSource& source) {
        testing::internal::CaptureStderr();
        auto config = read_settings(source);
        said_ = testing::internal::GetCapturedStderr();
        return config;
    }
    uint32_t shards(const SettingsSource& source) {
        const auto config = read(source);
        EXPECT_TRUE(config) << said_;
        return config ? config->options.server.shard_count : 0;
    }

    os::TestDirectory directory_;
    std::string said_;
};

TEST_F(SettingsTest, AreWholeWithoutAFile) {
    const auto config = read({});
    ASSERT_TRUE(config);
    EXPECT_FALSE(config->options.listeners.empty());
    EXPECT_EQ(said_, "");
}

TEST_F(SettingsTest, RiseFromTheFileOverTheEnvironmentToTheCommandLine) {
    const std::string path = file("[server]\nshards = 2\n");
    EXPECT_EQ(shards({.file = path}), 2u);
    ::setenv("GODWIT_SERVER_SHARDS", "3", 1);
    EXPECT_EQ(shards({.file = path}), 3u);
    EXPECT_EQ(shards({.file = path, .settings = {{"server.shards", "4"}}}), 4u);
}

TEST_F(SettingsTest, NameAFileThatCannotBeRead) {
    const std::string path = directory_.path("none.toml");
    const auto config = read({.file = path});
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error(), 1u);
    EXPECT_EQ(said_, path + ": open: No such file or directory\n");
}

TEST_F(SettingsTest, TellEveryFaultWithItsLine) {
    const std::string path = file("[server]\nshard = 2\n[limits]\nreceive_maximum = 0\n");
    const auto config = read({.file = path});
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error(), 2u);
    EXPECT_NE(said_.find(path + ":2: "), std::string::npos) << said_;
    EXPECT_NE(said_.find(path + ":4: "), std::string::npos) << said_;
    EXPECT_EQ(std::count(said_.begin(), said_.end(), '\n'), 2);
}

TEST_F(SettingsTest, TellAFaultOfTheEnvironmentByItsVariable) {
    ::setenv("GODWIT_SERVER_SHARDS", "many", 1);
    ASSERT_FALSE(read({}));
    EXPECT_NE(said_.find("GODWIT_SERVER_SHARDS"), std::string::npos) << said_;
}

TEST_F(SettingsTest, WarnOfVariablesThatMeanNothing) {
    ::setenv("GODWIT_NOT_A_KEY", "1", 1);
    const auto config = read({});
    ::unsetenv("GODWIT_NOT_A_KEY");
    EXPECT_TRUE(config) << said_;
    EXPECT_TRUE(said_.starts_with("warning: ")) << said_;
    EXPECT_NE(said_.find("GODWIT_NOT_A_KEY"), std::string::npos) << said_;
}

}  // namespace
}  // namespace godwit::server
