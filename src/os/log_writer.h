// LogWriter: where log lines go: standard error or a file, each line by one write(2), from a thread
// of its own. Whoever logs never waits for a disk or a terminal: lines queue up to a bound, beyond
// it they are dropped, counted, and the gap is reported in a line of its own when there is room.
#pragma once

#include "base/log.h"
#include "base/result.h"
#include "os/fd.h"
#include "os/io_error.h"

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace godwit::os {

struct LogWriterOptions {
    std::string path;  // empty: standard error
    LogFormat format = LogFormat::Logfmt;
    LogLevel level = LogLevel::Info;  // lines below are not written
    mode_t mode = 0640;               // of a file that is made
    uint64_t file_bytes_max = 0;  // a line that would go beyond it begins a new file; 0: none does
    uint32_t old_files_max = 1;   // that are kept then, as PATH.1 (the newest), PATH.2 ...; >= 1
    size_t queue_bytes_max = 1 << 20;                    // waiting lines, all together
    Duration farewell = std::chrono::milliseconds(500);  // how long the end waits for slow output
};

/// Thread: any, but where a function says otherwise. Open it after SignalReader, so that its thread
/// blocks the same signals, and after ignore_sigpipe.
class LogWriter {
public:
    /// A line is cut after this many bytes, its newline included: what a pipe takes at once.
    static constexpr size_t kLineBytesMax = 4096;

    /// Appends to the file; makes it if need be.
    /// @errors EACCES, ENOENT, EISDIR and the like
    static Result<std::unique_ptr<LogWriter>, IoError> open(const LogWriterOptions& options);
    /// @param out  an output that is open already, in place of `options.path`
    LogWriter(const LogWriterOptions& options, Fd out);
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;
    /// Writes what waits, for as long as `farewell` allows.
    ~LogWriter();

    /// Ask before building a line that is costly to build.
    bool wants(LogLevel level) const { return level >= level_.load(std::memory_order_relaxed); }
    void set_level(LogLevel level) { level_.store(level, std::memory_order_relaxed); }

    /// Formats with the time of now and queues, if the level is wanted.
    /// @cost 1 to 2 us and a mutex that is never held during I/O
    void log(const LogLine& line);
    /// Queues a formatted line, whatever its level. @param line without newline
    void write(std::string line);

    /// Opens the file by its name again, after a rotation renamed it. Done by the writer thread
    /// before its next line; if it fails, the old file is kept and a line says why.
    void reopen();
    /// Returns when all lines queued so far are written or lost, or the time is over.
    void flush(Duration timeout);

    /// Lines lost since the start, by a full queue or a failed write.
    uint64_t dropped_count() const { return dropped_.load(std::memory_order_relaxed); }

private:
    void run();
    void write_line(std::unique_lock<std::mutex>& lock);
    void reopen_now(std::unique_lock<std::mutex>& lock);
    void rotate_before(size_t bytes);
    Result<Done, IoError> rotate();
    Result<Done, IoError> append(std::string_view line);
    void take(Fd out);
    void enqueue(std::string line);
    void enqueue_gap_report();
    void note_loss(std::string reason);
    Result<Done, IoError> write_out(std::string_view bytes);
    bool wait_for_room();
    bool is_over();

    const LogWriterOptions options_;
    std::atomic<LogLevel> level_;
    std::atomic<uint64_t> dropped_{0};
    // The writer thread's alone:
    Fd out_;
    bool is_file_ = false;
    uint64_t file_bytes_ = 0;
    bool rotates_ = true;  // it did the last time

    std::mutex mutex_;  // guards what follows
    std::condition_variable work_;
    std::condition_variable idle_;
    std::deque<std::string> lines_;
    size_t queue_bytes_ = 0;
    uint64_t unreported_ = 0;
    std::string loss_reason_;
    bool gap_open_ = false;  // lines were lost to a full queue and no line has come since
    bool writing_ = false;
    bool reopen_wanted_ = false;
    bool stopping_ = false;
    Instant stop_deadline_ = kNever;

    std::thread writer_;  // last: it uses all of the above
};

}  // namespace godwit::os
