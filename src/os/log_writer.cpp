#include "os/log_writer.h"

#include "os/clock.h"
#include "os/thread.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace godwit::os {

namespace {

constexpr int kRoomPollMs = 50;

Result<Fd, IoError> open_target(const LogWriterOptions& options) {
    const std::string& path = options.path;
    if (path.empty()) {
        Fd copy(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
        if (!copy) return Err{last_error("dup")};
        return copy;
    }
    Fd file(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, options.mode));
    if (!file) return Err{last_error("open")};
    return file;
}

}  // namespace

Result<std::unique_ptr<LogWriter>, IoError> LogWriter::open(const LogWriterOptions& options) {
    auto out = open_target(options);
    if (!out) return Err{out.error()};
    return std::make_unique<LogWriter>(options, std::move(*out));
}

LogWriter::LogWriter(const LogWriterOptions& options, Fd out)
    : options_(options), level_(options.level) {
    take(std::move(out));
    writer_ = std::thread([this] { run(); });
}

LogWriter::~LogWriter() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        stop_deadline_ = monotonic_now() + options_.farewell;
    }
    work_.notify_one();
    writer_.join();
}

void LogWriter::log(const LogLine& line) {
    if (wants(line.level())) write(line.format(options_.format, wall_now()));
}

void LogWriter::write(std::string line) {
    if (line.size() >= kLineBytesMax) line.resize(kLineBytesMax - 1);
    line += '\n';
    {
        const std::lock_guard lock(mutex_);
        if (queue_bytes_ + line.size() > options_.queue_bytes_max) {
            note_loss("queue full");
            gap_open_ = true;
            return;
        }
        if (unreported_ > 0) enqueue_gap_report();
        enqueue(std::move(line));
    }
    work_.notify_one();
}

void LogWriter::reopen() {
    {
        const std::lock_guard lock(mutex_);
        reopen_wanted_ = true;
    }
    work_.notify_one();
}

void LogWriter::flush(Duration timeout) {
    std::unique_lock lock(mutex_);
    idle_.wait_for(lock, timeout,
                   [this] { return lines_.empty() && !writing_ && !reopen_wanted_ && !gap_open_; });
}

void LogWriter::run() {
    name_this_thread("log");
    never_interrupt();
    std::unique_lock lock(mutex_);
    while (true) {
        work_.wait(lock,
                   [this] { return !lines_.empty() || reopen_wanted_ || gap_open_ || stopping_; });
        if (reopen_wanted_) reopen_now(lock);
        if (lines_.empty() && gap_open_) enqueue_gap_report();
        if (!lines_.empty()) write_line(lock);
        if (lines_.empty()) idle_.notify_all();
        if (stopping_ && (lines_.empty() || monotonic_now() >= stop_deadline_)) return;
    }
}

void LogWriter::write_line(std::unique_lock<std::mutex>& lock) {
    const std::string line = std::move(lines_.front());
    lines_.pop_front();
    writing_ = true;
    lock.unlock();
    rotate_before(line.size());
    const auto written = append(line);
    lock.lock();
    writing_ = false;
    queue_bytes_ -= line.size();
    if (!written) note_loss(written.error().text());
}

void LogWriter::reopen_now(std::unique_lock<std::mutex>& lock) {
    reopen_wanted_ = false;
    writing_ = true;
    lock.unlock();
    auto opened = open_target(options_);
    if (opened) take(std::move(*opened));
    lock.lock();
    writing_ = false;
    if (opened) return;
    const LogLine line = LogLine(LogLevel::Error, "log.reopen_failed")
                             .add("path", options_.path)
                             .add("reason", opened.error().text());
    enqueue(line.format(options_.format, wall_now()) + '\n');
}

void LogWriter::enqueue(std::string line) {
    queue_bytes_ += line.size();
    lines_.push_back(std::move(line));
}

void LogWriter::enqueue_gap_report() {
    const LogLine line = LogLine(LogLevel::Warning, "log.dropped")
                             .add("lines", unreported_)
                             .add("lines_total", dropped_count())
                             .add("reason", loss_reason_);
    unreported_ = 0;
    gap_open_ = false;
    enqueue(line.format(options_.format, wall_now()) + '\n');
}

void LogWriter::note_loss(std::string reason) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    ++unreported_;
    loss_reason_ = std::move(reason);
}

void LogWriter::take(Fd out) {
    out_ = std::move(out);
    struct stat found {};
    is_file_ = ::fstat(out_.get(), &found) == 0 && S_ISREG(found.st_mode);
    file_bytes_ = is_file_ ? uint64_t(found.st_size) : 0;
}

/// If it cannot the file goes on, and a line in it says so, once.
void LogWriter::rotate_before(size_t bytes) {
    const uint64_t most = options_.file_bytes_max;
    if (!is_file_ || most == 0 || file_bytes_ == 0 || file_bytes_ + bytes <= most) return;
    const auto rotated = rotate();
    const bool told = !std::exchange(rotates_, rotated.has_value());
    if (rotated || told) return;
    const LogLine line = LogLine(LogLevel::Error, "log.rotate_failed")
                             .add("path", options_.path)
                             .add("reason", rotated.error().text());
    (void)append(line.format(options_.format, wall_now()) + '\n');
}

/// PATH becomes PATH.1, that one PATH.2, and so on; the oldest goes.
Result<Done, IoError> LogWriter::rotate() {
    const auto old = [this](uint32_t n) { return options_.path + "." + std::to_string(n); };
    if (::access(options_.path.c_str(), F_OK) == 0) {  // else it was moved already
        for (uint32_t n = options_.old_files_max; n > 1; --n)
            (void)::rename(old(n - 1).c_str(), old(n).c_str());  // there may be none yet
        if (::rename(options_.path.c_str(), old(1).c_str()) < 0) return Err{last_error("rename")};
    }
    auto fresh = open_target(options_);
    if (!fresh) return Err{fresh.error()};
    take(std::move(*fresh));
    return Done{};
}

/// A line that a full disk has cut is taken back, so that the next one is a line of its own.
Result<Done, IoError> LogWriter::append(std::string_view line) {
    const auto written = write_out(line);
    if (written)
        file_bytes_ += line.size();
    else if (is_file_)
        (void)!::ftruncate(out_.get(), off_t(file_bytes_));
    return written;
}

/// One write as a rule; more only where the output takes a line in parts.
Result<Done, IoError> LogWriter::write_out(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!wait_for_room()) return Err{IoError{ETIMEDOUT, "write"}};
        const ssize_t written = ::write(out_.get(), bytes.data(), bytes.size());
        if (written < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (written < 0) return Err{last_error("write")};
        bytes.remove_prefix(size_t(written));
    }
    return Done{};
}

/// Waits as long as a stuck pipe or terminal takes, but not beyond the end. False: it is the end.
bool LogWriter::wait_for_room() {
    pollfd out{.fd = out_.get(), .events = POLLOUT, .revents = 0};
    while (::poll(&out, 1, kRoomPollMs) <= 0)
        if (is_over()) return false;
    return true;
}

bool LogWriter::is_over() {
    const std::lock_guard lock(mutex_);
    return stopping_ && monotonic_now() >= stop_deadline_;
}

}  // namespace godwit::os
