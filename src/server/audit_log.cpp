#include "server/audit_log.h"

#include <algorithm>
#include <string_view>

namespace godwit::server {

Result<std::unique_ptr<AuditLog>, std::string> AuditLog::open(const AuditOptions& options) {
    std::unique_ptr<AuditLog> log(new AuditLog);
    if (options.file.empty()) return log;
    auto writer = os::LogWriter::open({.path = options.file,
                                       .format = LogFormat::Json,
                                       .level = LogLevel::Debug,
                                       .mode = 0600,
                                       .file_bytes_max = options.bytes_max,
                                       .old_files_max = options.old_files_max,
                                       .queue_bytes_max = options.queue_bytes_max});
    if (!writer) return Err{options.file + ": " + writer.error().text()};
    log->writer_ = *std::move(writer);
    return log;
}

void AuditLog::note(LogLine line) {
    if (!writer_) return;
    const std::lock_guard lock(mutex_);
    writer_->log(line.add("number", ++last_number_));
}

void AuditLog::reopen() {
    if (writer_) writer_->reopen();
}

bool is_audited(const broker::Event& event) {
    static constexpr std::string_view kAlways[] = {"connected", "reauthenticated",
                                                   "subscription_revoked"};
    static constexpr std::string_view kIfDenied[] = {"disconnected", "publish_refused",
                                                     "subscribe_refused", "will_refused"};
    const std::string_view name = event.name;
    if (std::ranges::find(kAlways, name) != std::end(kAlways)) return true;
    // Who went away before he was asked was not refused, unless it was for his certificate.
    if (name == "refused")
        return event.reason != "connection_lost" ||
               event.detail.find("certificate") != std::string::npos;
    const bool is_denied = event.reason == "not_authorized";
    return is_denied && std::ranges::find(kIfDenied, name) != std::end(kIfDenied);
}

}  // namespace godwit::server
