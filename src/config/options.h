// What `godwit serve` is told, checked. The struct's own defaults are those of a broker without
// configuration; schema.h says which key sets what.
#pragma once

#include "base/log.h"
#include "broker/options.h"
#include "config/listen_url.h"
#include "store/options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace godwit::config {

struct ServerOptions {
    std::string directory;     // for state; empty: none
    uint32_t shard_count = 0;  // 0: as the data directory is, else one per core
    bool file_tables = false;  // each shard has its own, with its own count of open files
    LogLevel log_level = LogLevel::Info;
    LogFormat log_format = LogFormat::Logfmt;
    std::string log_file;                // empty: standard error
    uint32_t history_events_max = 2048;  // last events of clients, all together; 0: none
    uint64_t memory_bytes_max = 0;       // of the process; 0: three quarters of the machine's
    uint32_t sys_interval_s = 10;        // between two rounds of $SYS messages; 0: none
};

struct ListenerOptions {
    std::string url_text;  // as written
    std::string cert, key, ca;
    std::optional<transport::PeerVerify> verify;  // nullopt: not written, which means None
    bool proxy_protocol = false;
    std::optional<bool> allow_anonymous;  // nullopt: as [auth] says
    std::string realm = "default";
    uint32_t connections_max = 0;  // 0: no limit of its own

    // Set by the check, out of the above:
    ListenUrl url;                  // with cert, key, ca and verify of the keys in it
    bool anonymous_allowed = true;  // the outcome of both allow_anonymous keys and the rule for
                                    // listeners beyond loopback
};

struct AdminOptions {
    std::string listen = "127.0.0.1:8080";  // empty: no admin port
    std::optional<HostPort> address;        // set by the check
};

struct AuthOptions {
    std::string password_file;  // empty: none
    std::string policy_file;    // empty: none
    std::string acl_file;       // empty: none; without either every topic is open
    std::optional<bool>
        allow_anonymous;  // nullopt: loopback and Unix sockets, without password_file
};

struct Options {
    ServerOptions server;
    std::vector<ListenerOptions> listeners;
    AdminOptions admin;
    AuthOptions auth;
    store::Options store;
    broker::BrokerOptions
        broker;  // limits, realms and listeners' policies, in order of `listeners`
};

}  // namespace godwit::config
