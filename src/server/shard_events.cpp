// What a shard tells of its clients: for `godwit why`, the log, and the audit log.
#include "server/shard_runner.h"

#include "broker/refusal_lines.h"
#include "os/clock.h"

namespace godwit::server {

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

void ShardRunner::log_events() {
    for (broker::Event& event : fx_.events) {
        if (const Socket* other = event.other.generation ? sockets_.find(event.other) : nullptr)
            event.detail += ' ' + other->peer_text();
        const Socket* socket =
            event.connection.generation ? sockets_.find(event.connection) : nullptr;
        const std::string address = socket ? socket->peer_text() : std::string();
        history_.add(event, address, os::wall_now());
        const bool is_noted = parts_.audit->is_on() && is_audited(event);
        const bool is_logged = !event.quiet && parts_.log->wants(LogLevel(event.severity));
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
