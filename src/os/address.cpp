#include "os/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>

namespace godwit::os {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";
constexpr size_t kUnixPathOffset = offsetof(sockaddr_un, sun_path);
constexpr size_t kUnixPathBytesMax = sizeof(sockaddr_un::sun_path) - 1;

template <class Raw>
SocketAddress wrap(const Raw& raw) {
    return {reinterpret_cast<const sockaddr*>(&raw), sizeof raw};
}

/// A copy of the address as the family's own type; a cast would break aliasing.
template <class Raw>
Raw unwrap(const SocketAddress& address) {
    Raw raw{};
    std::memcpy(&raw, address.raw(), std::min<size_t>(sizeof raw, address.raw_bytes()));
    return raw;
}

std::optional<uint16_t> parse_port(std::string_view text) {
    uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc() || stop != end) return std::nullopt;
    return port;
}

std::optional<SocketAddress> ipv4_address(const HostPort& target) {
    sockaddr_in raw{};
    raw.sin_family = AF_INET;
    raw.sin_port = htons(target.port);
    if (::inet_pton(AF_INET, target.host.c_str(), &raw.sin_addr) != 1) return std::nullopt;
    return wrap(raw);
}

/// The part behind '%' says by which interface a link-local address is reached.
std::optional<SocketAddress> ipv6_address(const HostPort& target) {
    sockaddr_in6 raw{};
    raw.sin6_family = AF_INET6;
    raw.sin6_port = htons(target.port);
    const size_t percent = target.host.find('%');
    if (percent != std::string::npos) {
        raw.sin6_scope_id = ::if_nametoindex(target.host.c_str() + percent + 1);
        if (raw.sin6_scope_id == 0) return std::nullopt;
    }
    const std::string ip = target.host.substr(0, percent);
    if (::inet_pton(AF_INET6, ip.c_str(), &raw.sin6_addr) != 1) return std::nullopt;
    return wrap(raw);
}

std::optional<SocketAddress> numeric_address(const HostPort& target) {
    if (target.host.find('\0') != std::string::npos) return std::nullopt;
    const auto ipv4 = ipv4_address(target);
    return ipv4 ? ipv4 : ipv6_address(target);
}

std::string ipv6_host(const sockaddr_in6& raw) {
    char text[INET6_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET6, &raw.sin6_addr, text, sizeof text);
    char interface[IF_NAMESIZE] = "";
    if (raw.sin6_scope_id == 0 || !::if_indextoname(raw.sin6_scope_id, interface)) return text;
    return fmt::format("{}%{}", text, interface);
}

std::string ipv4_host(const sockaddr_in& raw) {
    char text[INET_ADDRSTRLEN] = "";
    ::inet_ntop(AF_INET, &raw.sin_addr, text, sizeof text);
    return text;
}

std::string unix_host(const SocketAddress& address) {
    if (address.raw_bytes() <= kUnixPathOffset) return "";
    const auto raw = unwrap<sockaddr_un>(address);
    const std::string_view path(raw.sun_path, address.raw_bytes() - kUnixPathOffset);
    if (path[0] != '\0') return std::string(path.substr(0, path.find('\0')));
    return "@" + std::string(path.substr(1));
}

}  // namespace

std::string_view describe(AddressError error) {
    switch (error) {
        case AddressError::Empty:
            return "the address is empty";
        case AddressError::MissingPort:
            return "the port is missing (host:port, [IPv6]:port)";
        case AddressError::BadPort:
            return "the port is not a number from 0 to 65535";
        case AddressError::BadBrackets:
            return "the brackets do not enclose the host";
        case AddressError::NotNumeric:
            return "the host is not a numeric address";
        case AddressError::PathTooLong:
            return "the path is longer than 107 bytes";
        case AddressError::BadPath:
            return "the path is empty or contains a zero byte";
        case AddressError::UnknownHost:
            return "the host name is unknown";
        case AddressError::ResolverDown:
            return "the name server does not answer";
    }
    GW_ASSERT(false);
    return "";
}

SocketAddress::SocketAddress(const sockaddr* raw, socklen_t raw_bytes) : raw_bytes_(raw_bytes) {
    GW_ASSERT(raw_bytes <= sizeof storage_);
    std::memcpy(&storage_, raw, raw_bytes);
}

uint16_t SocketAddress::port() const {
    if (family() == AF_INET) return ntohs(unwrap<sockaddr_in>(*this).sin_port);
    if (family() == AF_INET6) return ntohs(unwrap<sockaddr_in6>(*this).sin6_port);
    return 0;
}

std::string SocketAddress::host() const {
    switch (family()) {
        case AF_INET:
            return ipv4_host(unwrap<sockaddr_in>(*this));
        case AF_INET6:
            return ipv6_host(unwrap<sockaddr_in6>(*this));
        case AF_UNIX:
            return unix_host(*this);
        default:
            return "";
    }
}

std::string SocketAddress::text() const {
    switch (family()) {
        case AF_INET:
            return fmt::format("{}:{}", host(), port());
        case AF_INET6:
            return fmt::format("[{}]:{}", host(), port());
        case AF_UNIX:
            return fmt::format("{}{}", kUnixPrefix, host());
        default:
            return "";
    }
}

Result<HostPort, AddressError> parse_host_port(std::string_view text) {
    if (text.empty()) return Err{AddressError::Empty};
    const bool bracketed = text[0] == '[';
    const size_t host_end = bracketed ? text.find(']') : text.find(':');
    if (bracketed && host_end == std::string_view::npos) return Err{AddressError::BadBrackets};
    if (host_end == std::string_view::npos) return Err{AddressError::MissingPort};
    const std::string_view host = text.substr(bracketed, host_end - bracketed);
    const std::string_view rest = text.substr(host_end + bracketed);
    if (rest.empty()) return Err{AddressError::MissingPort};
    if (rest[0] != ':') return Err{AddressError::BadBrackets};
    // "::1" without brackets: no telling where the host ends.
    if (rest.find(':', 1) != std::string_view::npos) return Err{AddressError::MissingPort};
    const auto port = parse_port(rest.substr(1));
    if (!port) return Err{rest.size() == 1 ? AddressError::MissingPort : AddressError::BadPort};
    return HostPort{std::string(host), *port};
}

Result<SocketAddress, AddressError> parse_address(std::string_view text) {
    if (text.starts_with(kUnixPrefix)) return unix_address(text.substr(kUnixPrefix.size()));
    const auto target = parse_host_port(text);
    if (!target) return Err{target.error()};
    const auto address = numeric_address(*target);
    if (!address) return Err{AddressError::NotNumeric};
    return *address;
}

Result<SocketAddress, AddressError> unix_address(std::string_view path) {
    const bool is_abstract = path.starts_with('@');
    if (path.size() == size_t(is_abstract)) return Err{AddressError::BadPath};
    if (path.find('\0') != std::string_view::npos) return Err{AddressError::BadPath};
    if (path.size() > kUnixPathBytesMax) return Err{AddressError::PathTooLong};
    sockaddr_un raw{};
    raw.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), raw.sun_path);
    if (is_abstract) raw.sun_path[0] = '\0';
    // An abstract name is as long as the length says; a path ends with its zero byte.
    const size_t path_bytes = path.size() + (is_abstract ? 0 : 1);
    return SocketAddress(reinterpret_cast<const sockaddr*>(&raw),
                         socklen_t(kUnixPathOffset + path_bytes));
}

Result<std::vector<SocketAddress>, AddressError> resolve(const HostPort& target) {
    if (const auto address = numeric_address(target)) return std::vector{*address};
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    const std::string port = std::to_string(target.port);
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(target.host.empty() ? nullptr : target.host.c_str(),
                                     port.c_str(), &hints, &found);
    if (status != 0)
        return Err{status == EAI_NONAME || status == EAI_NODATA ? AddressError::UnknownHost
                                                                : AddressError::ResolverDown};
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
    std::vector<SocketAddress> out;
    for (const addrinfo* entry = found; entry; entry = entry->ai_next)
        out.emplace_back(entry->ai_addr, entry->ai_addrlen);
    return out;
}

bool is_loopback(const SocketAddress& address) {
    if (address.is_unix()) return true;
    if (address.family() == AF_INET)
        return ntohl(unwrap<sockaddr_in>(address).sin_addr.s_addr) >> 24 == 127;
    if (address.family() != AF_INET6) return false;
    const in6_addr ip = unwrap<sockaddr_in6>(address).sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&ip) || (IN6_IS_ADDR_V4MAPPED(&ip) && ip.s6_addr[12] == 127);
}

}  // namespace godwit::os
