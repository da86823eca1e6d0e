// What `godwit pub` and `godwit sub` have in common on the command line, and what follows from it:
// where to connect and with which CONNECT. Everything is checked before anything is sent.
#pragma once

#include "client/property_words.h"
#include "client/runner.h"
#include "mqtt/packets.h"

#include <optional>
#include <string>
#include <vector>

namespace godwit::client {

/// As given; defaults are what is used without the option.
struct CommonOptions {
    std::string program;
    // where
    std::optional<std::string> host, url, unix_path;
    uint16_t port = 0;
    std::string bind_address;
    bool websocket = false;
    std::string websocket_path;                 // empty: /mqtt
    std::vector<std::string> websocket_fields;  // "Name: value"
    bool tls = false;
    TlsFiles tls_files;
    std::string tls_version, alpn, server_name;
    // who
    std::string version = "5";
    std::optional<std::string> client_id, id_prefix, username, password;
    bool keep_session = false;
    std::optional<std::string> session_expiry;
    uint16_t keepalive_s = 60;
    std::optional<std::string> will_topic, will_payload;
    uint16_t will_qos = 0;
    bool will_retain = false;
    std::vector<std::string> properties;  // four words each: see parse_properties
    // how
    uint16_t inflight_max = 20;
    double timeout_s = 0;  // 0: none
    bool quiet = false, debug = false;
};

struct Preparation {
    RunnerOptions runner;
    PropertyLists properties;
    std::string url_topic;  // of -L; empty if it has none
};

/// Checks the options, reads the files they name and draws a client id where one is needed.
/// @errors  a sentence for the person at the terminal
Result<Preparation, std::string> prepare(const CommonOptions& options);

/// "5", "mqttv5", "311", "mqttv311", "31", "mqttv31". nullopt for anything else.
std::optional<mqtt::Version> parse_version(std::string_view word);

}  // namespace godwit::client
