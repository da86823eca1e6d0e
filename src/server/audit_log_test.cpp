#include "server/audit_log.h"

#include "base/json.h"
#include "os/file.h"
#include "os/test_directory.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>
#include <thread>

namespace godwit::server {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

class AuditLogTest : public testing::Test {
protected:
    std::unique_ptr<AuditLog> open() {
        auto log = AuditLog::open(options_);
        EXPECT_TRUE(log) << (log ? "" : log.error());
        return *std::move(log);
    }
    static std::vector<std::string> lines_of(const std::string& path) {
        std::istringstream text(os::read_whole_file(path, 100 << 20).value());
        std::vector<std::string> lines;
        for (std::string line; std::getline(text, line);) lines.push_back(line);
        return lines;
    }
    static uint64_t number_of(const std::string& line) {
        const size_t at = line.find("\"number\":");
        return at == line.npos ? 0 : std::stoull(line.substr(at + 9));
    }

    os::TestDirectory directory_;
    AuditOptions options_{.file = directory_.path("audit")};
};

TEST_F(AuditLogTest, EachEventIsALineOfJsonWithTimeAndNumber) {
    open()->note(LogLine(LogLevel::Info, "connected").add("user", "a\"b\n\xff\x01"));
    const auto lines = lines_of(options_.file);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(is_json(lines[0])) << lines[0];
    EXPECT_THAT(lines[0], testing::MatchesRegex(R"(\{"time":"20[0-9-]+T[0-9:.]+Z",.*)"));
    EXPECT_THAT(lines[0], HasSubstr(R"("event":"connected","user":"a\"b\n)"));
    EXPECT_THAT(lines[0], testing::EndsWith(R"(,"number":1})"));
}

TEST_F(AuditLogTest, IsForItsOwnerAlone) {
    options_.bytes_max = 100;
    {
        const auto log = open();
        for (int i = 0; i < 3; ++i) log->note(LogLine(LogLevel::Info, "e"));
    }
    for (const char* end : {"", ".1"}) {
        struct stat status {};
        ASSERT_EQ(::stat((options_.file + end).c_str(), &status), 0) << end;
        EXPECT_EQ(status.st_mode & 0777, 0600u);
    }
}

TEST_F(AuditLogTest, NumbersRiseByOneInTheOrderOfTheFileWhoeverNotes) {
    constexpr int kThreads = 4, kLines = 300;
    {
        const auto log = open();
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&log] {
                for (int i = 0; i < kLines; ++i) log->note(LogLine(LogLevel::Info, "e"));
            });
        for (std::thread& thread : threads) thread.join();
    }
    const auto lines = lines_of(options_.file);
    ASSERT_EQ(lines.size(), size_t(kThreads * kLines));
    for (size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(number_of(lines[i]), i + 1);
}

TEST_F(AuditLogTest, RotatesAndKeepsSoManyOldFiles) {
    options_.bytes_max = 200;
    options_.old_files_max = 2;
    {
        const auto log = open();
        for (int i = 0; i < 20; ++i) log->note(LogLine(LogLevel::Info, "e"));
    }
    uint64_t next = 0;
    for (const char* end : {".2", ".1", ""}) {
        const auto lines = lines_of(options_.file + end);
        ASSERT_FALSE(lines.empty()) << end;
        if (next != 0) {
            EXPECT_EQ(number_of(lines[0]), next) << end;
        }
        next = number_of(lines.back()) + 1;
        EXPECT_LE(os::stamp_of(options_.file + end).bytes, 200u);
    }
    EXPECT_EQ(next, 21u);
    EXPECT_EQ(os::stamp_of(options_.file + ".3"), os::FileStamp());
}

TEST_F(AuditLogTest, WhatDoesNotFitIsLostCountedAndTold) {
    ASSERT_EQ(::mkfifo(options_.file.c_str(), 0600), 0);
    const int pipe = ::open(options_.file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    options_.queue_bytes_max = 10'000;
    std::string text;
    {
        const auto log = open();
        // Nobody reads, and no call waits: the test ends.
        while (log->lost_count() < 5)
            log->note(LogLine(LogLevel::Info, "e").add("x", std::string(200, 'x')));
        char room[4096];
        // Its thread may take some while others do not fit: then they are told in two lines.
        while (text.find(R"("lines_total":5,)") == text.npos)
            if (const ssize_t got = ::read(pipe, room, sizeof room); got > 0)
                text.append(room, size_t(got));
    }
    ::close(pipe);
    EXPECT_THAT(text, ContainsRegex(R"("event":"log.dropped","lines":[1-5],"lines_total":5,)"));
}

TEST_F(AuditLogTest, AFullDiskIsCounted) {
    options_.file = "/dev/full";
    const auto log = open();
    log->note(LogLine(LogLevel::Info, "e"));
    while (log->lost_count() == 0) std::this_thread::yield();
}

TEST_F(AuditLogTest, WithoutAFileNothingIsNoted) {
    options_.file.clear();
    const auto log = open();
    EXPECT_FALSE(log->is_on());
    log->note(LogLine(LogLevel::Info, "e"));
    log->reopen();
    EXPECT_EQ(log->lost_count(), 0u);
}

TEST_F(AuditLogTest, AFileThatCannotBeOpenedIsRefusedByName) {
    options_.file = directory_.path("none/audit");
    const auto log = AuditLog::open(options_);
    ASSERT_FALSE(log);
    EXPECT_EQ(log.error(), options_.file + ": open: No such file or directory");
}

TEST(IsAudited, LoginsAndRefusalsAreAndTrafficIsNot) {
    const auto is = [](const char* name, const char* reason) {
        broker::Event event;
        event.name = name;
        event.reason = reason;
        return is_audited(event);
    };
    EXPECT_TRUE(is("connected", ""));
    EXPECT_TRUE(is("reauthenticated", ""));
    EXPECT_TRUE(is("refused", "bad_user_name_or_password"));
    EXPECT_TRUE(is("refused", "malformed_packet"));
    EXPECT_FALSE(is("refused", "connection_lost"));
    for (const char* name :
         {"disconnected", "publish_refused", "subscribe_refused", "will_refused"}) {
        EXPECT_TRUE(is(name, "not_authorized")) << name;
        EXPECT_FALSE(is(name, "quota_exceeded")) << name;
    }
    EXPECT_TRUE(is("subscription_revoked", "not_authorized"));
    EXPECT_FALSE(is("dropped", "queue_full"));
    EXPECT_FALSE(is("disconnected", "success"));
}

}  // namespace
}  // namespace godwit::server
