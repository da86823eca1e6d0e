// What a shard tells of its clients: for `godwit why`, the log, and the audit log.
#include "server/shard_runner.h"

#include "broker/refusal_lines.h"
#include "os/clock.h"

#include <utility>

namespace godwit::server {

namespace {

/// Lines about connections that have not said who they are: whoever knocks often enough would fill
/// the log with them.
constexpr Rate kStrangerLines = Rate::per_second(10, 20);

}  // namespace

/// @param address  empty: nobody is connected
LogLine ShardRunner::line_of(const broker::Event& event, const Socket* socket,
                             const std::string& address) const {
    LogLine line(LogLevel(event.severity), event.name);
    if (!event.client.empty()) line.add("client", event.client);
    line.add("realm", parts_.shard.options->realms[event.realm.value].name);
    if (!event.user.empty()) line.add("user", event.user);
    if (!event.method.empty()) line.add("method", event.method);
    if (socket) {
        line.add("address", address);
        line.add("listener", parts_.listeners[socket->listener.value]->name);
    }
    if (!event.reason.empty()) line.add("reason", event.reason);
    if (!event.detail.empty()) line.add("detail", event.detail);
    return line;
}

/// Of those who have not said who they are a shard tells so many a second, and how many more there
/// were.
bool ShardRunner::may_tell(broker::Event& event) {
    if (!event.client.empty() || event.connection.generation == 0) return true;
    if (!stranger_lines_.admit(now_, kStrangerLines)) {
        ++strangers_untold_;
        return false;
    }
    event.untold += std::exchange(strangers_untold_, 0);
    return true;
}

void ShardRunner::log_events() {
    for (broker::Event& event : fx_.events) {
        if (const Socket* other = event.other.generation ? sockets_.find(event.other) : nullptr)
            event.detail += ' ' + other->peer_text();
        const Socket* socket =
            event.connection.generation ? sockets_.find(event.connection) : nullptr;
        const std::string address = socket ? socket->peer_text() : std::string();
        history_.add(event, address, os::wall_now());
        const bool is_noted = parts_.audit->is_on() && is_audited(event);
        const bool is_logged =
            !event.quiet && parts_.log->wants(LogLevel(event.severity)) && may_tell(event);
        if (is_noted) {
            LogLine line = line_of(event, socket, address);
            if (event.count > 1) line.add("count", event.count);
            parts_.audit->note(std::move(line));
        }
        if (!is_logged) continue;
        if (event.untold > 0) event.detail += "; " + broker::more_since_the_last_line(event.untold);
        parts_.log->log(line_of(event, socket, address));
    }
}

}  // namespace godwit::server
