#include "config/listen_url.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace godwit::config {
namespace {

using transport::PeerVerify;

constexpr size_t kUnixPathBytesMax = 107;  // what sockaddr_un has room for
constexpr size_t kHostBytesMax = 255;

struct SchemeRow {
    std::string_view name;
    Scheme scheme;
    uint16_t port;
};
constexpr SchemeRow kSchemes[] = {
    {"mqtt", Scheme::Mqtt, 1883}, {"mqtts", Scheme::Mqtts, 8883}, {"ws", Scheme::Ws, 8083},
    {"wss", Scheme::Wss, 8084},   {"unix", Scheme::Unix, 0},
};

const SchemeRow& row_of(Scheme scheme) {
    return *std::ranges::find(kSchemes, scheme, &SchemeRow::scheme);
}

ListenUrlError fault(std::string message) {
    return {std::move(message)};
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
    return out;
}

std::optional<uint16_t> to_port(std::string_view text) {
    uint16_t port = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return port;
}

std::optional<std::array<uint8_t, 4>> to_ipv4(std::string_view host) {
    std::array<uint8_t, 4> raw;
    if (inet_pton(AF_INET, std::string(host).c_str(), raw.data()) != 1) return std::nullopt;
    return raw;
}

std::optional<std::array<uint8_t, 16>> to_ipv6(std::string_view host) {
    std::array<uint8_t, 16> raw;
    const std::string address(host.substr(0, host.find('%')));  // "fe80::1%eth0"
    if (inet_pton(AF_INET6, address.c_str(), raw.data()) != 1) return std::nullopt;
    return raw;
}

bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

std::optional<std::string> fault_of_name(std::string_view host) {
    if (host.empty()) return "there is no host; 0.0.0.0 and [::] are every address";
    if (host.size() > kHostBytesMax || !std::ranges::all_of(host, is_name_character))
        return fmt::format("'{}' is no host name", host);
    const bool only_digits = host.find_first_not_of("0123456789.") == std::string_view::npos;
    if (only_digits && !to_ipv4(host)) return fmt::format("'{}' is no IPv4 address", host);
    return std::nullopt;
}

std::optional<uint8_t> hex_digit(char c) {
    if (c >= '0' && c <= '9') return uint8_t(c - '0');
    if (c >= 'a' && c <= 'f') return uint8_t(c - 'a' + 10);
    if (c >= 'A' && c <= 'F') return uint8_t(c - 'A' + 10);
    return std::nullopt;
}

std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out.push_back(text[i]);
            continue;
        }
        if (text.size() - i < 3) return std::nullopt;
        const auto high = hex_digit(text[i + 1]);
        const auto low = hex_digit(text[i + 2]);
        if (!high || !low) return std::nullopt;
        out.push_back(char(*high << 4 | *low));
        i += 2;
    }
    if (out.find('\0') != out.npos) return std::nullopt;
    return out;
}

struct Authority {
    std::string host;
    std::optional<uint16_t> port;
};

Result<Authority, ListenUrlError> parse_authority(std::string_view text) {
    Authority authority;
    std::string_view rest = text;
    if (text.starts_with('[')) {
        const size_t end = text.find(']');
        if (end == text.npos) return Err{fault("the ']' after the IPv6 address is missing")};
        authority.host = text.substr(1, end - 1);
        if (!to_ipv6(authority.host))
            return Err{fault(fmt::format("'{}' is no IPv6 address", authority.host))};
        rest = text.substr(end + 1);
        if (!rest.empty() && rest[0] != ':')
            return Err{fault("only ':' and a port can follow the ']'")};
    } else {
        authority.host = text.substr(0, text.find(':'));
        rest = text.substr(authority.host.size());
        if (std::ranges::count(text, ':') > 1)
            return Err{fault("an IPv6 address stands in brackets, as in [::1]")};
        if (auto bad = fault_of_name(authority.host)) return Err{fault(*std::move(bad))};
    }
    if (rest.empty()) return authority;
    authority.port = to_port(rest.substr(1));
    if (!authority.port)
        return Err{
            fault(fmt::format("the port '{}' is not a number from 0 to 65535", rest.substr(1)))};
    return authority;
}

std::optional<PeerVerify> to_verify(std::string_view text) {
    if (text == "none") return PeerVerify::None;
    if (text == "optional") return PeerVerify::Optional;
    if (text == "required") return PeerVerify::Required;
    return std::nullopt;
}

std::optional<ListenUrlError> set_verify(ListenUrl& url, std::string_view value) {
    if (url.verify) return fault("verify is there twice");
    url.verify = to_verify(value);
    if (!url.verify) return fault("verify is one of none, optional and required");
    return std::nullopt;
}

std::optional<ListenUrlError> set_file(std::string& file, std::string_view key,
                                       std::string_view value) {
    if (!file.empty()) return fault(fmt::format("{} is there twice", key));
    const auto decoded = percent_decoded(value);
    if (!decoded) return fault(fmt::format("a %-escape in {} is broken", key));
    if (decoded->empty()) return fault(fmt::format("{} names no file", key));
    file = *decoded;
    return std::nullopt;
}

std::optional<ListenUrlError> set_query_key(ListenUrl& url, std::string_view item) {
    const std::string_view key = item.substr(0, item.find('='));
    const std::string_view value =
        key.size() == item.size() ? std::string_view() : item.substr(key.size() + 1);
    if (key == "verify") return set_verify(url, value);
    if (key == "cert") return set_file(url.cert, key, value);
    if (key == "key") return set_file(url.key, key, value);
    if (key == "ca") return set_file(url.ca, key, value);
    if (key == "crl") return set_file(url.crl, key, value);
    return fault(fmt::format("'{}' is none of cert, key, ca, crl and verify", key));
}

std::optional<ListenUrlError> set_query(ListenUrl& url, std::string_view query) {
    if (!query.empty() && !is_tls(url.scheme))
        return fault(
            fmt::format("{} has no TLS, so nothing can follow the '?'", row_of(url.scheme).name));
    while (!query.empty()) {
        const std::string_view item = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), item.size() + 1));
        if (auto bad = set_query_key(url, item)) return bad;
    }
    return std::nullopt;
}

std::optional<ListenUrlError> set_unix_path(ListenUrl& url, std::string_view text) {
    if (text.starts_with("//")) text.remove_prefix(2);
    const auto path = percent_decoded(text);
    if (!path) return fault("a %-escape in the path is broken");
    if (path->size() > kUnixPathBytesMax)
        return fault(fmt::format("the path is longer than {} bytes", kUnixPathBytesMax));
    if (path->size() < 2 || (path->front() != '/' && path->front() != '@'))
        return fault("the path begins with '/', as in unix:/run/godwit.sock");
    url.path = *path;
    return std::nullopt;
}

std::optional<ListenUrlError> set_place(ListenUrl& url, std::string_view text) {
    if (!text.starts_with("//"))
        return fault(fmt::format("'//' follows {}:", row_of(url.scheme).name));
    text.remove_prefix(2);
    const std::string_view place = text.substr(0, text.find('/'));
    const std::string_view path = text.substr(place.size());
    if (place.find('@') != place.npos)
        return fault("a listener has no user and password; see auth.password_file");
    auto authority = parse_authority(place);
    if (!authority) return authority.error();
    url.host = std::move(authority->host);
    url.port = authority->port.value_or(row_of(url.scheme).port);
    if (is_websocket(url.scheme)) {
        url.path = path.empty() ? "/mqtt" : path;
        return std::nullopt;
    }
    if (path.size() > 1)
        return fault(fmt::format("only ws and wss have a path, not {}", row_of(url.scheme).name));
    return std::nullopt;
}

bool is_printable(char c) {
    return c > 0x20 && c != 0x7f;
}

}  // namespace

Result<ListenUrl, ListenUrlError> parse_listen_url(std::string_view text) {
    if (text.empty()) return Err{fault("the URL is empty")};
    if (!std::ranges::all_of(text, is_printable))
        return Err{fault("blanks, control and non-ASCII characters are written as %-escapes")};
    if (text.find('#') != text.npos) return Err{fault("a listener has no '#' part")};
    const size_t colon = text.find(':');
    const std::string scheme = lower(text.substr(0, colon));
    const auto row = std::ranges::find(kSchemes, scheme, &SchemeRow::name);
    if (colon == text.npos || row == std::end(kSchemes))
        return Err{fault("it begins with none of mqtt://, mqtts://, ws://, wss:// and unix:")};

    ListenUrl url;
    url.scheme = row->scheme;
    text.remove_prefix(colon + 1);
    const std::string_view place = text.substr(0, text.find('?'));
    auto bad = url.scheme == Scheme::Unix ? set_unix_path(url, place) : set_place(url, place);
    if (!bad && place.size() < text.size()) bad = set_query(url, text.substr(place.size() + 1));
    if (bad) return Err{*std::move(bad)};
    return url;
}

Result<HostPort, ListenUrlError> parse_host_port(std::string_view text) {
    auto authority = parse_authority(text);
    if (!authority) return Err{authority.error()};
    if (!authority->port) return Err{fault("there is no port, as in 127.0.0.1:8080")};
    return HostPort{std::move(authority->host), *authority->port};
}

std::vector<std::string> file_list(std::string_view text) {
    std::vector<std::string> files;
    for (size_t end = 0; end != text.npos; text.remove_prefix(end == text.npos ? 0 : end + 1)) {
        end = text.find(',');
        files.emplace_back(text.substr(0, end));
    }
    return files;
}

bool is_tls(Scheme scheme) {
    return scheme == Scheme::Mqtts || scheme == Scheme::Wss;
}

bool is_websocket(Scheme scheme) {
    return scheme == Scheme::Ws || scheme == Scheme::Wss;
}

bool is_loopback(std::string_view host) {
    if (lower(host) == "localhost") return true;
    if (const auto v4 = to_ipv4(host)) return (*v4)[0] == 127;
    const auto v6 = to_ipv6(host);
    if (!v6) return false;
    constexpr std::array<uint8_t, 16> kSelf = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    constexpr std::array<uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    const bool mapped = std::equal(kMapped.begin(), kMapped.end(), v6->begin());
    return *v6 == kSelf || (mapped && (*v6)[12] == 127);
}

bool same_socket(const ListenUrl& left, const ListenUrl& right) {
    const bool left_unix = left.scheme == Scheme::Unix;
    if (left_unix != (right.scheme == Scheme::Unix)) return false;
    if (left_unix) return left.path == right.path;
    return left.port != 0 && left.port == right.port && lower(left.host) == lower(right.host);
}

std::string to_text(const ListenUrl& url) {
    if (url.scheme == Scheme::Unix) return "unix:" + url.path;
    const bool brackets = url.host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}{}", row_of(url.scheme).name, brackets ? "[" : "", url.host,
                       brackets ? "]" : "", url.port, url.path);
}

}  // namespace godwit::config
