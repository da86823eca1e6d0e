// AuditLog: who came in and by what, who was refused, and who changed who may come in or do what:
// one JSON line each in a file of its own, with a number that rises by one from 1 at each start.
// Nobody who notes something waits: lines queue up to a bound, beyond it they are lost, counted,
// and a line `log.dropped` says how many numbers are missing. What a full disk loses is told
// likewise once there is room. Thread: any.
#pragma once

#include "base/log.h"
#include "broker/effects.h"
#include "os/log_writer.h"

#include <memory>
#include <mutex>
#include <string>

namespace godwit::server {

struct AuditOptions {
    std::string file;                  // empty: nothing is noted
    uint64_t bytes_max = 100'000'000;  // of one file; then it is FILE.1, and a new one begins
    uint32_t old_files_max = 10;       // FILE.1 ... FILE.10; the oldest go
    size_t queue_bytes_max = 1 << 20;  // lines that wait to be written
};

class AuditLog {
public:
    /// Made with mode 0600 if it is not there.
    /// @errors  a sentence: which file, and why it cannot be opened
    static Result<std::unique_ptr<AuditLog>, std::string> open(const AuditOptions& options);

    bool is_on() const { return writer_ != nullptr; }
    /// @param line  without secrets; what peers said may be in it, as in every LogLine
    /// @cost  as LogWriter::log
    void note(LogLine line);
    /// After it was renamed by another program.
    void reopen();
    /// Lines that are in no file and never will be.
    uint64_t lost_count() const { return writer_ ? writer_->dropped_count() : 0; }

private:
    AuditLog() = default;
    std::unique_ptr<os::LogWriter> writer_;  // null: off
    std::mutex mutex_;                       // numbers are written in their order
    uint64_t last_number_ = 0;
};

/// Whether it is a login, or the refusal of one or of something else: what a shard tells besides is
/// the log's alone.
bool is_audited(const broker::Event& event);

}  // namespace godwit::server
