// Endpoint: where a broker is and how it is spoken to: TCP or a Unix socket, TLS, WebSocket.
#pragma once

#include "base/result.h"
#include "transport/tls_context.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::client {

struct Endpoint {
    std::string host = "localhost";
    uint16_t port = 0;         // 0: the usual one of what is spoken
    std::string unix_path;     // if not empty, in place of host and port; "@name" for abstract
    std::string bind_address;  // own address to call from; empty: any
    bool tls = false;
    bool websocket = false;
    std::string websocket_path = "/mqtt";
    std::vector<std::pair<std::string, std::string>> websocket_fields;  // more header fields
    std::string tls_server_name;  // to verify and to send as SNI; empty: the host
    bool tls_check_name = true;
    std::string alpn;
};

/// 1883, 8883 with TLS, 8083 and 8084 over WebSocket.
uint16_t usual_port(const Endpoint& endpoint);

/// "127.0.0.1:1883", "wss://broker.example:8084/mqtt", "unix:/run/godwit.sock": for messages.
std::string to_text(const Endpoint& endpoint);

/// What a URL says beyond the endpoint.
struct EndpointUrl {
    Endpoint endpoint;
    std::optional<std::string> username;
    std::optional<std::string> password;
    std::string topic;  // of mqtt:// and mqtts://; empty if there is none
};

/// mqtt[s]://[USER[:PASSWORD]@]HOST[:PORT][/TOPIC], ws[s]://[USER[:PASSWORD]@]HOST[:PORT][/PATH],
/// unix:PATH. User and password may be percent-encoded; the topic is taken as it stands.
/// @errors  a sentence: unknown scheme, no host, a port that is none, a broken percent sign
Result<EndpointUrl, std::string> parse_endpoint_url(std::string_view url);

/// What TLS is given on the command line: paths of files.
struct TlsFiles {
    std::string cafile;  // empty, and no capath: what the system trusts
    std::string capath;  // a directory: every file in it that holds certificates
    std::string cert;
    std::string key;
    std::string key_password;
    std::string ciphers;
    bool tls13_only = false;
    bool insecure = false;  // the name is not checked; without cafile and capath nothing is
};

/// Reads the files. @errors  a sentence that names the file or the option
Result<transport::TlsContext, std::string> load_tls(const TlsFiles& files);

}  // namespace godwit::client
