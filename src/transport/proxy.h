// The PROXY protocol header: what a load balancer writes before the client's first byte, so that
// the server learns the client's address. Version 1 is a line of text, version 2 is binary.
//   v1: "PROXY TCP4 203.0.113.7 10.0.0.1 49152 1883\r\n", at most 107 bytes; also TCP6 and UNKNOWN
//   v2: signature(12) | 0x20+command | family+transport | u16 length | addresses | TLVs
// Source: haproxy doc/proxy-protocol.txt, sections 2.1 and 2.2.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <string>

namespace godwit::transport {

/// The client as the proxy saw it.
struct ProxyHeader {
    /// "203.0.113.7:49152", "[2001:db8::7]:49152" or "unix:/path"; empty when the proxy speaks for
    /// itself (LOCAL, a health check) or does not know (UNKNOWN): then the socket's address counts.
    std::string address;
    /// Bytes of the header; the next layer begins behind them.
    size_t size = 0;
};

struct ProxyStatus {
    bool complete = false;
    ProxyHeader header;  // valid if complete
};

/// The whole of a v1 header fits into this [proxy-protocol 2.1].
inline constexpr size_t kProxyLineBytesMax = 107;

/// Reads the header at the front of `in` (any prefix of a stream, also empty).
/// @param header_bytes_max  bound for a v2 header with its TLVs; TLVs are skipped unread
/// @errors  a literal for the log: no signature, unknown version, command or family, datagrams, a
///          v1 line too long or with malformed addresses or ports, a v2 header too short for its
///          addresses or longer than the bound. Told from the least bytes that show it.
/// @cost    allocates only for a complete header
Result<ProxyStatus, const char*> parse_proxy_header(Bytes in, size_t header_bytes_max);

}  // namespace godwit::transport
