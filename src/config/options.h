// What `godwit serve` is told, checked. The struct's own defaults are those of a broker without
// configuration; schema.h says which key sets what.
#pragma once

#include "base/log.h"
#include "broker/options.h"
#include "config/http_url.h"
#include "config/key.h"
#include "store/options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::config {

struct ServerOptions {
    std::string directory;     // for state; empty: none
    uint32_t shard_count = 0;  // 0: as the data directory is, else one per core
    bool file_tables = false;  // each shard has its own, with its own count of open files
    std::string realms;       // names between blanks; those of listeners and [[realm]] come besides
    std::string user;         // whom root becomes once the sockets are open; empty: nobody else
    bool core_dumps = false;  // the kernel may write the memory to a file
    LogLevel log_level = LogLevel::Info;
    LogFormat log_format = LogFormat::Logfmt;
    std::string log_file;                    // empty: standard error
    std::string audit_file;                  // empty: none
    uint64_t audit_bytes_max = 100'000'000;  // of one file
    uint32_t audit_files = 10;               // old ones
    uint32_t history_events_max = 2048;      // last events of clients, all together; 0: none
    uint64_t memory_bytes_max = 0;           // of the process; 0: three quarters of the machine's
    uint32_t sys_interval_s = 10;            // between two rounds of $SYS messages; 0: none
    // Of one address: an IPv4 address or a /64 of IPv6.
    uint32_t address_connections_max = 0;  // 0: no limit
    uint32_t address_rate = 0;             // new connections a second; 0: no limit
    uint32_t address_burst = 100;          // at once, after a pause
};

struct ListenerOptions {
    std::string url_text;                         // as written
    std::string cert, key, ca, crl;               // cert and key: several, with commas between
    std::optional<transport::PeerVerify> verify;  // nullopt: not written, which means None
    uint32_t verify_depth = 10;                   // authorities between a client and `ca`
    transport::CertificateName identity = transport::CertificateName::CommonName;
    bool certificate_username = false;  // its `identity` is the client's user name
    bool proxy_protocol = false;
    std::optional<bool> allow_anonymous;  // nullopt: as [auth] says
    std::string realm = "default";
    broker::RealmBy realm_by = broker::RealmBy::Listener;
    uint32_t connections_max = 0;      // 0: no limit of its own
    uint32_t connection_rate = 0;      // new connections a second; 0: no limit of its own
    uint32_t connection_burst = 1000;  // at once, after a pause
    broker::RateLimits rates;          // of all its clients together

    // Set by the check, out of the above:
    ListenUrl url;                  // with cert, key, ca, crl and verify of the keys in it
    bool anonymous_allowed = true;  // the outcome of both allow_anonymous keys and the rule for
                                    // listeners beyond loopback
};

/// One [[realm]]: what it says itself, by the names of the keys.
struct RealmSettings {
    std::string name;
    std::vector<std::pair<std::string_view, Value>> limits;
    friend bool operator==(const RealmSettings&, const RealmSettings&) = default;
};

struct AdminOptions {
    std::string listen = "127.0.0.1:8080";  // empty: no admin port
    std::string token_file;                 // empty: whoever reaches the port may ask
    std::optional<HostPort> address;        // set by the check
};

struct AuthOptions {
    std::string password_file;                   // empty: none
    bool users = false;                          // those of the control store, in server.data
    std::string policy_file;                     // empty: none
    std::string acl_file;                        // empty: none; without either every topic is open
    std::string jwt_keys_file, jwt_secret_file;  // empty: none; without these
    std::string jwt_keys_url;                    // and this no token is taken
    std::string jwt_keys_ca;                     // empty: the authorities of the system
    uint32_t jwt_keys_refresh_s = 300;
    std::string jwt_issuer, jwt_audience;  // empty: any
    std::string jwt_username_claim = "sub";
    bool jwt_expiry_required = true;
    std::string jwt_realm_claim;          // empty: a token names no realm
    std::string callout_url;              // empty: nobody is asked
    std::string callout_ca;               // empty: the authorities of the system
    std::string callout_token_file;       // empty: the broker shows none
    uint32_t callout_timeout_s = 5;       // for an answer
    uint32_t callout_in_flight_max = 64;  // questions that the server has at a time
    uint32_t callout_cache_s = 0;         // the longest that an answer is used again; 0: never
    std::optional<bool>
        allow_anonymous;  // nullopt: loopback and Unix sockets, where nobody logs in by password

    // Set by the check:
    std::optional<HttpUrl> keys_url;      // of jwt_keys_url
    std::optional<HttpUrl> callout_http;  // of callout_url

    bool has_tokens() const {
        return !jwt_keys_file.empty() || !jwt_secret_file.empty() || !jwt_keys_url.empty();
    }
    /// Somebody can come in by what he knows: a password, or a token in its place.
    bool has_logins() const { return has_passwords() || has_tokens() || !callout_url.empty(); }
    bool has_passwords() const { return !password_file.empty() || users; }
};

struct Options {
    ServerOptions server;
    std::vector<ListenerOptions> listeners;
    std::vector<RealmSettings> realms;
    AdminOptions admin;
    AuthOptions auth;
    store::Options store;
    broker::BrokerOptions
        broker;  // limits, realms and listeners' policies, in order of `listeners`
};

}  // namespace godwit::config
