// Listen URLs: where the broker takes connections.
//   scheme "://" host [":" port] [path] ["?" query]     mqtt 1883, mqtts 8883, ws 8083, wss 8084
//   "unix:" path ["?" query]
// Host: a name, an IPv4 address, or an IPv6 address in brackets; "0.0.0.0" and "[::]" are every
// address. Port 0: one that the system chooses. The path is for ws and wss only, "/mqtt" if left
// out. A Unix path begins with '/', or with '@' for the abstract name space. Query, for mqtts and
// wss: cert, key, ca, crl (files), verify (none, optional or required client certificates); values
// are percent-decoded, as is a Unix path. cert and key may name several files, with commas between.
#pragma once

#include "base/result.h"
#include "transport/tls_options.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::config {

enum class Scheme : uint8_t { Mqtt, Mqtts, Ws, Wss, Unix };

struct ListenUrl {
    Scheme scheme = Scheme::Mqtt;
    std::string host;   // without brackets; empty for unix
    uint16_t port = 0;  // of host
    std::string path;   // the socket's for unix, the request's for ws and wss, else empty
    std::string cert, key, ca, crl;               // file names; empty: not in the URL
    std::optional<transport::PeerVerify> verify;  // nullopt: not in the URL
};

struct ListenUrlError {
    std::string message;  // a sentence: "the port is not a number from 0 to 65535"
};

/// @errors  an unknown scheme, no host, a bad port or address, a user or a fragment, a path where
///          none belongs, an unknown or repeated query key, TLS files without TLS, a bad %-escape,
///          a Unix path that is empty, relative, longer than 107 bytes or holds a zero byte
Result<ListenUrl, ListenUrlError> parse_listen_url(std::string_view url);

struct HostPort {
    std::string host;  // without brackets
    uint16_t port = 0;
};

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080"; the port must be there.
Result<HostPort, ListenUrlError> parse_host_port(std::string_view text);

/// The files of cert or key: "a.pem,b.pem" names two. An empty name stays one, to be found missing.
std::vector<std::string> file_list(std::string_view text);

bool is_tls(Scheme scheme);
bool is_websocket(Scheme scheme);

/// Whether only this machine can reach the host: 127.0.0.0/8, ::1 (also as a mapped address) and
/// "localhost". Other names count as reachable from outside, whatever they resolve to.
bool is_loopback(std::string_view host);

/// Whether two URLs would ask for the same socket.
bool same_socket(const ListenUrl& left, const ListenUrl& right);

/// The URL for people and logs, in its full form and without the query: "ws://127.0.0.1:8083/mqtt".
std::string to_text(const ListenUrl& url);

}  // namespace godwit::config
