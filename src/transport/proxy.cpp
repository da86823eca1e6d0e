#include "transport/proxy.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace godwit::transport {

namespace {

using Parsed = Result<ProxyStatus, const char*>;

constexpr std::array<uint8_t, 12> kSignature2 = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
constexpr std::string_view kSignature1 = "PROXY ";
constexpr size_t kFixedBytes2 = 16;

bool may_begin_with(Bytes in, Bytes signature) {
    const size_t known = std::min(in.size(), signature.size());
    return std::equal(in.begin(), in.begin() + ptrdiff_t(known), signature.begin());
}

ProxyStatus complete(std::string address, size_t size) {
    return {.complete = true, .header = {.address = std::move(address), .size = size}};
}

// --- version 1 ---

/// The text up to the next blank, which is taken too.
std::string_view take_word(std::string_view& line) {
    const size_t end = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, end);
    line.remove_prefix(std::min(end + 1, line.size()));
    return word;
}

/// "address:port", the address in brackets if it has colons itself.
std::string endpoint(bool v6, std::string_view address, std::string_view port) {
    return v6 ? fmt::format("[{}]:{}", address, port) : fmt::format("{}:{}", address, port);
}

bool is_port(std::string_view word) {
    uint16_t port = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), port);
    const bool whole = error == std::errc() && end == word.data() + word.size();
    return whole && (word.size() == 1 || word[0] != '0');
}

std::string ip_text(int family, const uint8_t* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, address, text.data(), text.size());
    return text.data();
}

/// The address in its usual form; nullopt if it is none of that family.
std::optional<std::string> canonical(int family, std::string_view word) {
    std::array<uint8_t, 16> binary;
    const std::string text(word);
    // inet_pton reads up to a NUL, the word may go on behind it.
    if (word.find('\0') != std::string_view::npos) return std::nullopt;
    if (inet_pton(family, text.c_str(), binary.data()) != 1) return std::nullopt;
    return ip_text(family, binary.data());
}

Parsed parse_line(std::string_view line, size_t size) {
    const std::string_view protocol = take_word(line);
    if (protocol == "UNKNOWN") return complete("", size);
    const bool v6 = protocol == "TCP6";
    if (!v6 && protocol != "TCP4") return Err{"PROXY v1: protocol is not TCP4, TCP6 or UNKNOWN"};

    const int family = v6 ? AF_INET6 : AF_INET;
    const auto source = canonical(family, take_word(line));
    const auto destination = canonical(family, take_word(line));
    if (!source || !destination) return Err{"PROXY v1: malformed address"};
    const std::string_view source_port = take_word(line);
    if (!is_port(source_port) || !is_port(line)) return Err{"PROXY v1: malformed port"};
    return complete(endpoint(v6, *source, source_port), size);
}

Parsed parse_version1(std::string_view in) {
    const std::string_view window = in.substr(0, kProxyLineBytesMax);
    const size_t end = window.find("\r\n");
    if (end != std::string_view::npos)
        return parse_line(window.substr(kSignature1.size(), end - kSignature1.size()), end + 2);
    if (window.size() == kProxyLineBytesMax) return Err{"PROXY v1: line longer than 107 bytes"};
    return ProxyStatus{};
}

// --- version 2 ---

/// A path in a NUL-padded field; what could break a log line becomes '?'.
std::string unix_text(Bytes field) {
    std::string path(as_text(field.first(size_t(std::ranges::find(field, 0) - field.begin()))));
    std::ranges::replace_if(
        path, [](char c) { return c <= ' ' || c >= 0x7f; }, '?');
    return "unix:" + path;
}

/// Layout of the address block: source, destination, then for IP source port, destination port.
Parsed parse_addresses(uint8_t family_and_transport, Bytes block, size_t size) {
    const uint8_t family = family_and_transport >> 4;
    const uint8_t transport = family_and_transport & 0x0f;
    if (family > 3 || transport > 2) return Err{"PROXY v2: unknown family or transport"};
    if (family == 0 || transport == 0) return complete("", size);
    if (transport == 2) return Err{"PROXY v2: datagrams over a stream"};

    constexpr size_t kAddressBytes[] = {0, 4, 16, 108};
    const size_t address_bytes = kAddressBytes[family];
    const bool unix_path = family == 3;
    if (block.size() < 2 * address_bytes + (unix_path ? 0 : 4))
        return Err{"PROXY v2: header too short for its addresses"};
    const Bytes source = block.first(address_bytes);
    if (unix_path) return complete(unix_text(source), size);
    const uint16_t port = *ByteReader(block.subspan(2 * address_bytes)).u16();
    const bool v6 = family == 2;
    const std::string address = ip_text(v6 ? AF_INET6 : AF_INET, source.data());
    return complete(endpoint(v6, address, std::to_string(port)), size);
}

Parsed parse_version2(Bytes in, size_t header_bytes_max) {
    constexpr uint8_t kLocal = 0x20, kProxy = 0x21;
    if (in.size() <= kSignature2.size()) return ProxyStatus{};
    const uint8_t command = in[12];
    if (command != kLocal && command != kProxy) return Err{"PROXY v2: unknown version or command"};
    if (in.size() < kFixedBytes2) return ProxyStatus{};

    const size_t size = kFixedBytes2 + *ByteReader(in.subspan(14)).u16();
    if (size > header_bytes_max) return Err{"PROXY v2: header longer than the limit"};
    if (in.size() < size) return ProxyStatus{};
    if (command == kLocal) return complete("", size);
    return parse_addresses(in[13], in.subspan(kFixedBytes2, size - kFixedBytes2), size);
}

}  // namespace

Parsed parse_proxy_header(Bytes in, size_t header_bytes_max) {
    if (in.empty()) return ProxyStatus{};
    if (may_begin_with(in, kSignature2)) return parse_version2(in, header_bytes_max);
    if (!may_begin_with(in, as_bytes(kSignature1)))
        return Err{"no PROXY header, which this listener demands"};
    if (in.size() < kSignature1.size()) return ProxyStatus{};
    return parse_version1(as_text(in));
}

}  // namespace godwit::transport
