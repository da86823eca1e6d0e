// What `godwit bench` is told, its defaults for each scenario, and the checks before anything is
// sent.
#pragma once

#include "bench/fleet.h"
#include "bench/identity.h"
#include "client/endpoint.h"

#include <optional>
#include <string>
#include <string_view>

namespace godwit::bench {

enum class Scenario : uint8_t {
    Pub,
    Sub,
    Pairs,
    FanIn,
    FanOut,
    Queue,
    Storm,
    Flood,
    Retain,
    Conn,
    Subs
};

/// As given; a nullopt is what the command line has not said.
struct Options {
    Scenario scenario = Scenario::Pairs;

    // where and who
    std::string url = "mqtt://127.0.0.1:1883";
    std::string version = "5";
    std::optional<std::string> username, password;
    client::TlsFiles tls_files;
    uint32_t sources = 0;
    uint32_t connecting_max = 200;
    double connects_per_second = 0;
    uint16_t keepalive_s = 0;
    std::string id_prefix;  // empty: drawn

    // traffic
    uint32_t pairs = 0;  // in place of publishers, subscribers and topics
    uint32_t publishers = 1;
    uint32_t subscribers = 0;
    uint32_t topics = 1;
    bool wildcard = false;
    int qos = 0;
    uint32_t payload_bytes = 64;
    uint32_t window = 1;
    double per_second = 0;  // 0: closed loop
    uint64_t messages = 0;  // 0: until the time is over
    double duration_s = 10;
    double warm_up_s = 1;
    std::string topic_prefix;  // empty: drawn
    std::string filter;        // sub: in place of the topics
    std::string share;
    bool retain = false;

    // sessions and subscriptions
    uint64_t messages_each = 10;
    bool drain = false;
    bool keep = false;
    uint32_t beside = 0;  // storm, flood: pairs in steady traffic
    double beside_per_second = 1000;
    double strangers_per_second = 20'000;  // flood, as the following
    uint32_t stranger_addresses = 2000;
    double hold_s = 0.5;
    double callers_per_second = 100;
    uint32_t filters_per_packet = 10;
    uint32_t wildcard_percent = 0;
    bool subscribes = true;
    uint32_t threads = 1;  // conn: that the clients are dealt out to

    // how it is told
    int pid = 0;
    bool json = false;
    bool progress = false;
    double stall_s = 10;
    bool busy = false;
};

std::string_view scenario_name(Scenario scenario);

/// The defaults of a scenario.
Options defaults_of(Scenario scenario);

/// Options that have been found good.
struct Plan {
    Options options;
    FleetOptions fleet;
    Identity identity;
    mqtt::Qos qos{};
};

/// The clients that one of several threads has, under names of its own.
Options share_of(const Options& all, uint32_t thread);

/// Checks ranges and what excludes what, and reads the files of TLS.
/// @param run  number of this run, for the names that are drawn
/// @errors     a sentence that names the option
Result<Plan, std::string> prepare(const Options& options, uint32_t run);

}  // namespace godwit::bench
