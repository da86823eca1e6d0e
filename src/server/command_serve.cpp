#include "base/version.h"
#include "config/schema.h"
#include "os/clock.h"
#include "os/memory.h"
#include "os/poller.h"
#include "os/service_manager.h"
#include "os/signals.h"
#include "os/thread.h"
#include "server/broker_process.h"
#include "server/calm.h"
#include "server/commands.h"
#include "server/settings.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <utility>

namespace godwit::server {

namespace {

struct ServeOptions {
    SettingsSource source;
    std::string data, shards, log_level;
};

/// Between two looks whether a storm is over.
constexpr auto kLookTime = std::chrono::seconds(5);

/// Between two looks whether TLS files have changed.
constexpr auto kWatchTime = std::chrono::seconds(1);

/// Between two looks whether users have changed. What changes is to hold within a second.
constexpr auto kUsersTime = std::chrono::milliseconds(200);

/// Until a signal ends it: reloads, log rotation, $SYS, memory that goes back to the system.
class MainLoop {
public:
    MainLoop(BrokerProcess& broker, os::LogWriter& log, os::SignalReader& signals,
             const SettingsSource& source, config::Options options)
        : broker_(broker),
          log_(log),
          signals_(signals),
          source_(source),
          options_(std::move(options)) {}

    void run(os::Poller& poller) {
        std::array<os::PollEvent, 4> room;
        const Duration interval = std::chrono::seconds(options_.server.sys_interval_s);
        Instant next_look = os::monotonic_now();
        Instant next_sys = interval > Duration::zero() ? next_look : kNever;
        Instant next_watch = broker_.serves_tls() ? next_look : kNever;
        Instant next_tickets = broker_.serves_tls() ? next_look + broker_.kTicketTime : kNever;
        Instant next_users = broker_.has_user_store() ? next_look : kNever;
        while (!ended_) {
            const Instant next =
                std::min({next_look, next_sys, next_watch, next_tickets, next_users});
            (void)poller.wait(next - os::monotonic_now(), room);
            while (const auto signal = signals_.next()) on_signal(*signal);
            if (is_due(next_sys, interval))
                for (const admin::SysMessage& message : sys_.round(broker_.stats()))
                    broker_.inject(message);
            if (is_due(next_look, kLookTime)) look();
            if (is_due(next_watch, kWatchTime)) broker_.watch_tls_files();
            if (is_due(next_users, kUsersTime)) broker_.watch_users();
            if (is_due(next_tickets, broker_.kTicketTime)) broker_.renew_tickets();
        }
    }

private:
    /// If so, it is due again later.
    static bool is_due(Instant& next, Duration interval) {
        const Instant now = os::monotonic_now();
        if (now < next) return false;
        next = now + interval;
        return true;
    }

    void look() {
        tell_lost();
        const broker::Counters total = broker_.stats().total();
        const bool is_after_storm =
            calm_.is_after_storm(2 * total.connections_accepted - total.connections);
        if (is_after_storm || total.memory_scarce > 0) os::return_free_memory();
    }

    /// By the log, which may be on another disk.
    void tell_lost() {
        const uint64_t lost = broker_.audit().lost_count();
        const uint64_t told = std::exchange(lost_told_, lost);
        if (lost == told) return;
        log_.log(LogLine(LogLevel::Error, "audit_lost")
                     .add("lines", lost - told)
                     .add("lines_total", lost)
                     .add("detail", "they are in no file; see server.audit_file"));
    }

    void reopen() {
        log_.reopen();
        broker_.audit().reopen();
    }

    void on_signal(os::Signal signal) {
        if (signal == os::Signal::User1) return reopen();
        if (signal == os::Signal::Hangup) return reload();
        ended_ = true;
    }

    void reload() {
        (void)os::notify_reloading(os::monotonic_now());
        reopen();
        auto config = read_settings(source_);
        if (!config) {
            broker_.tell(LogLine(LogLevel::Error, "reload_failed")
                             .add("what", source_.file)
                             .add("detail", "see the lines above; everything stays as it was"));
        } else {
            for (const std::string& key : config::changed_keys(options_, config->options))
                if (key != "server.log_level")
                    log_.log(LogLine(LogLevel::Warning, "reload_ignored")
                                 .add("key", key)
                                 .add("detail", "takes effect at the next start"));
            broker_.reload(config->options);
        }
        (void)os::notify_ready("");
    }

    BrokerProcess& broker_;
    os::LogWriter& log_;
    os::SignalReader& signals_;
    const SettingsSource& source_;
    const config::Options options_;
    admin::SysTopics sys_;
    Calm calm_;
    uint64_t lost_told_ = 0;  // lines of the audit log
    bool ended_ = false;
};

int fail(const std::string& why) {
    std::fprintf(stderr, "godwit: %s\n", why.c_str());
    return 1;
}

int serve(ServeOptions& wishes) {
    if (!wishes.shards.empty()) wishes.source.settings.emplace_back("server.shards", wishes.shards);
    if (!wishes.log_level.empty())
        wishes.source.settings.emplace_back("server.log_level", wishes.log_level);
    if (!wishes.data.empty()) wishes.source.settings.emplace_back("server.data", wishes.data);
    const auto config = read_settings(wishes.source);
    if (!config) return 2;
    const config::Options& options = config->options;

    os::return_memory_early();
    os::ignore_sigpipe();
    (void)os::raise_file_limit();
    auto signals = os::SignalReader::open();
    if (!signals) return fail(signals.error().text());
    auto poller = os::Poller::open();
    if (!poller) return fail(poller.error().text());
    if (auto added = poller->add(signals->fd(), 0, os::Interest::Read); !added)
        return fail(added.error().text());
    auto log = os::LogWriter::open({.path = options.server.log_file,
                                    .format = options.server.log_format,
                                    .level = options.server.log_level});
    if (!log) return fail(options.server.log_file + ": " + log.error().text());

    auto broker = BrokerProcess::make(options, **log);
    if (!broker) return fail(broker.error());
    if (auto started = (*broker)->start(); !started) return fail(started.error());
    std::printf("godwit ready %s\n", (*broker)->listeners_text().c_str());
    std::fflush(stdout);
    (*broker)->tell(LogLine(LogLevel::Info, "started")
                        .add("version", version())
                        .add("listeners", (*broker)->listeners_text()));
    (void)os::notify_ready((*broker)->listeners_text());

    MainLoop(**broker, **log, *signals, wishes.source, options).run(*poller);
    (void)os::notify_stopping();
    (*broker)->stop();
    (*broker)->tell(LogLine(LogLevel::Info, "stopped"));
    return 0;
}

}  // namespace

void add_serve(Command& godwit) {
    Command command = godwit.subcommand("serve", "Run the broker");
    auto wishes = std::make_shared<ServeOptions>();
    command.text("-c,--config", wishes->source.file, "FILE",
                 "Configuration file (TOML); docs/configuration.md lists every key");
    command.texts(
        "-l,--listen", wishes->source.listen, "URL",
        "Where to take clients, in place of the file's listeners; as often as wanted:\n"
        "mqtt://HOST:PORT  "
        "mqtts://HOST:PORT?cert=FILE&key=FILE[&ca=FILE&verify=optional|required&crl=FILE]\n"
        "ws://HOST:PORT/PATH  wss://...  unix:/PATH; port 0 takes a free one");
    command.text(
        "--data", wishes->data, "DIR",
        "Directory where sessions, messages and retained messages are kept; without it they "
        "are in memory alone");
    command.text("--shards", wishes->shards, "N",
                 "Threads that serve clients; default: as many as the data directory is of, "
                 "else one for each core");
    command.text("--log-level", wishes->log_level, "LEVEL", "debug, info, warning or error");
    command.footer(
        "Without options it listens on loopback only: MQTT on 1883, WebSocket on 8083, admin HTTP "
        "on 8080.\n"
        "Signals: TERM and INT end it, HUP reloads passwords, keys of tokens, access rules and "
        "TLS files, USR1 reopens the logs.\n\n"
        "Examples:\n"
        "  godwit serve\n"
        "  godwit serve --listen mqtt://127.0.0.1:1883 --listen unix:/run/godwit.sock\n"
        "  godwit serve --config /etc/godwit/godwit.toml");
    command.runs([wishes] { return serve(*wishes); });
}

}  // namespace godwit::server
