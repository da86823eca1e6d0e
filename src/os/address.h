// Socket addresses: where to listen, where to connect, who is calling.
//   "127.0.0.1:1883"  "[::1]:1883"  "[fe80::1%eth0]:1883"  "broker.example:1883"
//   "unix:/run/godwit.sock"  "unix:@name" (abstract)
#pragma once

#include "base/result.h"

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::os {

enum class AddressError : uint8_t {
    Empty,
    MissingPort,   // "localhost"; an IPv6 address without brackets looks like this too
    BadPort,       // not 0..65535 in digits
    BadBrackets,   // "[::1" or "[::1]x"
    NotNumeric,    // parse_address was given a name
    PathTooLong,   // a unix path has room for 107 bytes
    BadPath,       // empty or with a zero byte
    UnknownHost,   // the name does not resolve: it does not exist, or has no address
    ResolverDown,  // the name server did not answer; may work later
};

/// For messages: "the port is missing".
std::string_view describe(AddressError error);

/// An address as the kernel takes it. 132 bytes: for the moment, not for every connection to keep.
class SocketAddress {
public:
    SocketAddress() = default;
    /// @param raw  as accept, getsockname or getaddrinfo gave it
    SocketAddress(const sockaddr* raw, socklen_t raw_bytes);

    const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage_); }
    socklen_t raw_bytes() const { return raw_bytes_; }
    int family() const { return storage_.ss_family; }
    bool is_unix() const { return family() == AF_UNIX; }

    /// 0 for unix sockets.
    uint16_t port() const;
    /// "127.0.0.1", "::1", "/run/godwit.sock", "@name"; empty for an unnamed unix socket
    std::string host() const;
    /// As parse_address reads it; "unix:" for an unnamed unix socket, which most clients are.
    std::string text() const;

private:
    sockaddr_storage storage_{};
    socklen_t raw_bytes_ = 0;
};

struct HostPort {
    std::string host;  // without brackets; empty in ":1883"
    uint16_t port = 0;
};

/// Splits "host:port". Says nothing about the host.
/// @errors Empty, MissingPort, BadPort, BadBrackets
Result<HostPort, AddressError> parse_host_port(std::string_view text);

/// A numeric address with port, or "unix:" and a path. Asks no name server.
/// @errors all but UnknownHost and ResolverDown
Result<SocketAddress, AddressError> parse_address(std::string_view text);

/// @param path  "/run/godwit.sock", or "@name" for the abstract name space
/// @errors      PathTooLong, BadPath
Result<SocketAddress, AddressError> unix_address(std::string_view path);

/// All addresses of a host, numeric or name, in the order to try; an empty host means every
/// interface (for listening): 0.0.0.0 and [::].
/// @errors UnknownHost, ResolverDown
/// @cost   blocks, seconds when a name server is away: never on a shard's thread
Result<std::vector<SocketAddress>, AddressError> resolve(const HostPort& target);

/// Whether only this machine can be at the other end: 127.0.0.0/8, ::1, the former mapped into
/// IPv6, unix sockets.
bool is_loopback(const SocketAddress& address);

}  // namespace godwit::os
