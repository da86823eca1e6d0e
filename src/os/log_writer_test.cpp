#include "os/log_writer.h"

#include "os/clock.h"
#include "os/file.h"
#include "os/signals.h"
#include "os/test_directory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sstream>
#include <vector>

namespace godwit::os {
namespace {

constexpr Duration kPatience = std::chrono::seconds(20);

class LogWriterTest : public testing::Test {
protected:
    void SetUp() override { ignore_sigpipe(); }

    std::unique_ptr<LogWriter> open_writer() { return LogWriter::open(options_).value(); }
    std::vector<std::string> lines_of(const std::string& path) {
        std::istringstream text(read_whole_file(path, 100 << 20).value());
        std::vector<std::string> out;
        for (std::string line; std::getline(text, line);) out.push_back(line);
        return out;
    }
    /// A pipe as log file: it blocks when nobody reads.
    Fd make_pipe() {
        EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0);
        return Fd(::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    }
    std::string drain(const Fd& pipe) {
        std::string out;
        char room[4096];
        for (ssize_t got; (got = ::read(pipe.get(), room, sizeof room)) > 0;)
            out.append(room, size_t(got));
        return out;
    }

    TestDirectory directory_;
    std::string path_ = directory_.path("log");
    LogWriterOptions options_{.path = path_};
};

TEST_F(LogWriterTest, WritesLinesInOrder) {
    const auto writer = open_writer();
    for (int i = 0; i < 100; ++i) writer->write(std::to_string(i));
    writer->flush(kPatience);
    const auto lines = lines_of(path_);
    ASSERT_EQ(lines.size(), 100u);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(lines[size_t(i)], std::to_string(i));
    EXPECT_EQ(writer->dropped_count(), 0u);
}

TEST_F(LogWriterTest, TheEndWritesWhatWaits) {
    {
        const auto writer = open_writer();
        for (int i = 0; i < 1000; ++i) writer->write("x");
    }
    EXPECT_EQ(lines_of(path_).size(), 1000u);
}

TEST_F(LogWriterTest, AppendsToWhatIsThere) {
    open_writer()->write("one");
    open_writer()->write("two");
    EXPECT_EQ(lines_of(path_), (std::vector<std::string>{"one", "two"}));
    struct stat status {};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0137, 0u);
}

TEST_F(LogWriterTest, LinesBelowTheLevelAreNotWritten) {
    options_.level = LogLevel::Warning;
    {
        const auto writer = open_writer();
        writer->log(LogLine(LogLevel::Info, "quiet"));
        writer->log(LogLine(LogLevel::Error, "loud").add("n", 1));
        writer->set_level(LogLevel::Debug);
        EXPECT_TRUE(writer->wants(LogLevel::Debug));
        writer->log(LogLine(LogLevel::Debug, "verbose"));
    }
    const auto lines = lines_of(path_);
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0].ends_with(" level=error event=loud n=1")) << lines[0];
    EXPECT_TRUE(lines[1].ends_with(" level=debug event=verbose")) << lines[1];
}

TEST_F(LogWriterTest, WritesTheFormatAskedFor) {
    options_.format = LogFormat::Json;
    open_writer()->log(LogLine(LogLevel::Info, "e"));
    const auto lines = lines_of(path_);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_TRUE(lines[0].starts_with(R"({"time":")")) << lines[0];
}

TEST_F(LogWriterTest, KeepsLinesOfManyThreadsWhole) {
    constexpr int kThreads = 4;
    constexpr int kLines = 500;
    {
        const auto writer = open_writer();
        std::vector<std::thread> threads;
        for (int t = 0; t < kThreads; ++t)
            threads.emplace_back([&writer, t] {
                for (int i = 0; i < kLines; ++i)
                    writer->write(std::string(size_t(50 + t), char('a' + t)));
            });
        for (std::thread& thread : threads) thread.join();
    }
    const auto lines = lines_of(path_);
    EXPECT_EQ(lines.size(), size_t(kThreads * kLines));
    for (int t = 0; t < kThreads; ++t)
        EXPECT_EQ(
            std::count(lines.begin(), lines.end(), std::string(size_t(50 + t), char('a' + t))),
            kLines);
}

TEST_F(LogWriterTest, OverlongLinesAreCut) {
    open_writer()->write(std::string(10'000, 'x'));
    EXPECT_EQ(lines_of(path_), std::vector{std::string(LogWriter::kLineBytesMax - 1, 'x')});
}

TEST_F(LogWriterTest, ReopenFollowsARotation) {
    const auto writer = open_writer();
    writer->write("before");
    writer->flush(kPatience);
    const std::string rotated = directory_.path("log.1");
    ASSERT_EQ(::rename(path_.c_str(), rotated.c_str()), 0);
    writer->reopen();
    writer->write("after");
    writer->flush(kPatience);
    EXPECT_EQ(lines_of(rotated), std::vector<std::string>{"before"});
    EXPECT_EQ(lines_of(path_), std::vector<std::string>{"after"});
}

TEST_F(LogWriterTest, AFailedReopenKeepsTheOldFileAndSaysWhy) {
    const auto writer = open_writer();
    const std::string rotated = directory_.path("log.1");
    ASSERT_EQ(::rename(path_.c_str(), rotated.c_str()), 0);
    ASSERT_TRUE(make_directory(path_, 0700));
    writer->reopen();
    writer->flush(kPatience);
    const auto lines = lines_of(rotated);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_NE(lines[0].find("event=log.reopen_failed"), std::string::npos) << lines[0];
    EXPECT_NE(lines[0].find("Is a directory"), std::string::npos) << lines[0];
}

TEST_F(LogWriterTest, ALineBeyondTheSizeBeginsANewFileAndTheOldestGoes) {
    options_.file_bytes_max = 10;
    options_.old_files_max = 2;
    options_.mode = 0600;
    const auto writer = open_writer();
    for (const char* line : {"1111", "1112", "2221", "2222", "3333333333333", "4444"})
        writer->write(line);
    writer->flush(kPatience);
    EXPECT_EQ(lines_of(path_), std::vector<std::string>{"4444"});
    EXPECT_EQ(lines_of(path_ + ".1"), std::vector<std::string>{"3333333333333"});
    EXPECT_EQ(lines_of(path_ + ".2"), (std::vector<std::string>{"2221", "2222"}));
    EXPECT_EQ(stamp_of(path_ + ".3"), FileStamp());
    for (const char* end : {"", ".1", ".2"}) {
        struct stat status {};
        ASSERT_EQ(::stat((path_ + end).c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0600u) << end;
    }
}

TEST_F(LogWriterTest, TheSizeCountsWhatWasThereBefore) {
    options_.file_bytes_max = 10;
    open_writer()->write("12345678");
    open_writer()->write("next");
    EXPECT_EQ(lines_of(path_ + ".1"), std::vector<std::string>{"12345678"});
    EXPECT_EQ(lines_of(path_), std::vector<std::string>{"next"});
}

TEST_F(LogWriterTest, WhereItCannotRotateTheFileGoesOnAndSaysSoOnce) {
    options_.file_bytes_max = 10;
    ASSERT_TRUE(make_directory(path_ + ".1", 0700));
    ASSERT_TRUE(make_directory(path_ + ".1/full", 0700));
    const auto writer = open_writer();
    for (const char* line : {"12345678", "next", "last"}) writer->write(line);
    writer->flush(kPatience);
    const auto lines = lines_of(path_);
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_NE(lines[1].find("event=log.rotate_failed"), std::string::npos) << lines[1];
    EXPECT_EQ(lines[2], "next");
    EXPECT_EQ(lines[3], "last");
}

TEST_F(LogWriterTest, ALineThatIsCutByAFullDiskIsTakenBack) {
    const auto writer = open_writer();
    writer->write("whole");
    writer->flush(kPatience);
    ASSERT_NE(::signal(SIGXFSZ, SIG_IGN), SIG_ERR);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    const rlimit small{.rlim_cur = 10, .rlim_max = before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    writer->write("too long for what is left");
    writer->flush(kPatience);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    EXPECT_EQ(writer->dropped_count(), 1u);
    writer->write("again");
    writer->flush(kPatience);
    const auto lines = lines_of(path_);
    ASSERT_EQ(lines.size(), 3u);
    EXPECT_EQ(lines[0], "whole");
    EXPECT_NE(lines[1].find("event=log.dropped"), std::string::npos) << lines[1];
    EXPECT_EQ(lines[2], "again");
}

TEST_F(LogWriterTest, AFullQueueDropsCountsAndReports) {
    const Fd pipe = make_pipe();
    options_.queue_bytes_max = 10'000;
    const auto writer = open_writer();
    const std::string line(999, 'x');
    while (writer->dropped_count() < 5) writer->write(line);  // nobody reads: no call here blocks
    // The writer may have made room between two losses: then each gap has its own report.
    std::string text;
    while (text.find(" lines_total=5 reason=\"queue full\"\n") == std::string::npos)
        text += drain(pipe);
    const std::string_view count = "event=log.dropped lines=";
    int told = 0;
    for (size_t at = 0; (at = text.find(count, at)) != std::string::npos; at += count.size())
        told += std::stoi(text.substr(at + count.size()));
    EXPECT_EQ(told, 5);
    writer->write("later");
    writer->flush(kPatience);
    EXPECT_EQ(drain(pipe), "later\n");
}

TEST_F(LogWriterTest, TheReportStandsWhereTheGapIs) {
    const Fd pipe = make_pipe();
    options_.queue_bytes_max = 10'000;
    const auto writer = open_writer();
    while (writer->dropped_count() == 0) writer->write(std::string(999, 'x'));
    std::string text;
    while (text.find("later\n") == std::string::npos) {
        writer->write("later");
        text += drain(pipe);
    }
    EXPECT_LT(text.rfind('x'), text.find("event=log.dropped"));
    EXPECT_LT(text.find("event=log.dropped"), text.find("later\n"));
}

TEST_F(LogWriterTest, AFailedWriteIsALossWithItsReason) {
    options_.path = "/dev/full";
    const auto writer = open_writer();
    writer->write("one");
    writer->flush(kPatience);
    EXPECT_EQ(writer->dropped_count(), 1u);
    writer->write("two");  // brings its report along; both are lost as well
    writer->flush(kPatience);
    EXPECT_EQ(writer->dropped_count(), 3u);
}

TEST_F(LogWriterTest, StuckOutputDoesNotHoldUpTheEnd) {
    const Fd pipe = make_pipe();
    options_.farewell = std::chrono::milliseconds(10);
    auto writer = open_writer();
    while (writer->dropped_count() == 0) writer->write(std::string(999, 'x'));
    const Instant before = monotonic_now();
    writer.reset();
    EXPECT_LT(monotonic_now() - before, std::chrono::seconds(5));
}

TEST_F(LogWriterTest, AReaderThatLeavesIsNoDisaster) {
    Fd pipe = make_pipe();
    const auto writer = open_writer();
    pipe.reset();
    writer->write("x");
    writer->flush(kPatience);
    EXPECT_EQ(writer->dropped_count(), 1u);
}

TEST_F(LogWriterTest, APathThatCannotBeOpenedIsRefused) {
    options_.path = directory_.path("none/log");
    EXPECT_EQ(LogWriter::open(options_).error().code, ENOENT);
    options_.path = directory_.path("");
    EXPECT_EQ(LogWriter::open(options_).error().code, EISDIR);
}

TEST(LogWriterStderr, TakesLinesWithoutAPath) {
    testing::internal::CaptureStderr();
    LogWriter::open({}).value()->write("to stderr");
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "to stderr\n");
}

}  // namespace
}  // namespace godwit::os
