#include "transport/proxy.h"

#include <gtest/gtest.h>

namespace godwit::transport {
namespace {

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

std::string v2(uint8_t command, uint8_t family, const std::string& body) {
    return kSignature + char(command) + char(family) + char(body.size() >> 8) + char(body.size()) +
           body;
}
std::string tcp4() {
    return std::string("\xcb\x00\x71\x07\x0a\x00\x00\x01\xc0\x00\x07\x5b", 12);
}
std::string padded(std::string path) {
    path.resize(108);
    return path;
}

Result<ProxyStatus, const char*> parse(const std::string& in, size_t bytes_max = 512) {
    return parse_proxy_header(as_bytes(in), bytes_max);
}

/// Parses the header with bytes behind it, and checks that every cut before its end is incomplete.
std::string address_of(const std::string& header) {
    for (size_t cut = 0; cut < header.size(); ++cut) {
        const auto part = parse(header.substr(0, cut));
        EXPECT_TRUE(part && !part->complete) << "cut at " << cut;
    }
    const auto whole = parse(header + "MQTT");
    EXPECT_TRUE(whole && whole->complete) << (whole ? "incomplete" : whole.error());
    if (!whole) return "error";
    EXPECT_EQ(whole->header.size, header.size());
    return whole->header.address;
}

/// The fault, which must show in no prefix that the refused text does not need.
std::string refusal_of(const std::string& header) {
    const auto parsed = parse(header);
    return parsed ? "accepted" : parsed.error();
}

TEST(ProxyVersion1, Tcp4CarriesTheClientsAddress) {
    EXPECT_EQ(address_of("PROXY TCP4 203.0.113.7 10.0.0.1 49152 1883\r\n"), "203.0.113.7:49152");
}
TEST(ProxyVersion1, Tcp6AddressStandsInBrackets) {
    EXPECT_EQ(address_of("PROXY TCP6 2001:db8::7 ::1 49152 1883\r\n"), "[2001:db8::7]:49152");
}
TEST(ProxyVersion1, UnknownCarriesNoAddressWhateverFollows) {
    EXPECT_EQ(address_of("PROXY UNKNOWN\r\n"), "");
    EXPECT_EQ(address_of("PROXY UNKNOWN ffff::1 some rubbish 1 2\r\n"), "");
}
TEST(ProxyVersion1, PortsReachFrom0To65535) {
    EXPECT_EQ(address_of("PROXY TCP4 1.2.3.4 1.2.3.4 0 65535\r\n"), "1.2.3.4:0");
    for (const char* port : {"65536", "01", "-1", "", "1x", "+1", "99999999999999999999"})
        EXPECT_EQ(refusal_of(std::string("PROXY TCP4 1.2.3.4 1.2.3.4 ") + port + " 1883\r\n"),
                  "PROXY v1: malformed port")
            << port;
}
TEST(ProxyVersion1, ADestinationPortIsRequired) {
    EXPECT_EQ(refusal_of("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n"), "PROXY v1: malformed port");
    EXPECT_EQ(refusal_of("PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n"), "PROXY v1: malformed port");
}
TEST(ProxyVersion1, AddressesMustBeOfTheNamedFamily) {
    for (const char* address : {"::1", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "host", ""})
        EXPECT_EQ(refusal_of(std::string("PROXY TCP4 ") + address + " 1.2.3.4 1 2\r\n"),
                  "PROXY v1: malformed address")
            << address;
    EXPECT_EQ(refusal_of("PROXY TCP6 ::1 1.2.3.4 1 2\r\n"), "PROXY v1: malformed address");
}
TEST(ProxyVersion1, AnAddressDoesNotEndAtANul) {
    EXPECT_EQ(refusal_of(std::string("PROXY TCP4 1.2.3.4\0x 1.2.3.4 1 2\r\n", 34)),
              "PROXY v1: malformed address");
}
TEST(ProxyVersion1, AddressesAreToldInTheirUsualForm) {
    EXPECT_EQ(address_of("PROXY TCP6 2001:DB8:0:0::0007 ::1 1 2\r\n"), "[2001:db8::7]:1");
}
TEST(ProxyVersion1, OneBlankSeparatesWords) {
    EXPECT_EQ(refusal_of("PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n"), "PROXY v1: malformed address");
}
TEST(ProxyVersion1, OtherProtocolsAreRefused) {
    EXPECT_EQ(refusal_of("PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n"),
              "PROXY v1: protocol is not TCP4, TCP6 or UNKNOWN");
}
TEST(ProxyVersion1, TheLineHas107BytesAtMost) {
    const std::string most = "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n";
    ASSERT_EQ(most.size(), kProxyLineBytesMax);
    EXPECT_EQ(address_of(most), "");
    EXPECT_EQ(refusal_of("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"),
              "PROXY v1: line longer than 107 bytes");
    EXPECT_EQ(refusal_of("PROXY UNKNOWN " + std::string(93, 'x')),
              "PROXY v1: line longer than 107 bytes");
}

TEST(ProxyVersion2, Tcp4CarriesTheClientsAddress) {
    EXPECT_EQ(address_of(v2(0x21, 0x11, tcp4())), "203.0.113.7:49152");
}
TEST(ProxyVersion2, Tcp6AddressStandsInBrackets) {
    std::string block(36, '\0');
    block[0] = 0x20, block[1] = 0x01, block[15] = 0x07, block[33] = 0x50;
    EXPECT_EQ(address_of(v2(0x21, 0x21, block)), "[2001::7]:80");
}
TEST(ProxyVersion2, UnixCarriesThePath) {
    EXPECT_EQ(address_of(v2(0x21, 0x31, padded("/run/client") + padded(""))), "unix:/run/client");
}
TEST(ProxyVersion2, UnixPathCannotBreakALogLine) {
    EXPECT_EQ(address_of(v2(0x21, 0x31, padded("/a b\n\xff") + padded(""))), "unix:/a?b??");
    EXPECT_EQ(address_of(v2(0x21, 0x31, std::string(216, 'x'))), "unix:" + std::string(108, 'x'));
}
TEST(ProxyVersion2, LocalAndUnspecifiedCarryNoAddress) {
    EXPECT_EQ(address_of(v2(0x20, 0x00, "")), "");
    EXPECT_EQ(address_of(v2(0x20, 0x11, tcp4())), "");
    EXPECT_EQ(address_of(v2(0x20, 0xff, "")), "");
    EXPECT_EQ(address_of(v2(0x21, 0x00, "any bytes")), "");
}
TEST(ProxyVersion2, TlvsAreSkipped) {
    EXPECT_EQ(address_of(v2(0x21, 0x11, tcp4() + std::string("\x04\x00\x03xyz", 6))),
              "203.0.113.7:49152");
}
TEST(ProxyVersion2, AHeaderUpToTheLimitIsTaken) {
    const std::string header = v2(0x21, 0x11, tcp4() + std::string(100, 't'));
    EXPECT_TRUE(parse(header, header.size()));
    const auto refused = parse(header.substr(0, 16), header.size() - 1);
    ASSERT_FALSE(refused);
    EXPECT_STREQ(refused.error(), "PROXY v2: header longer than the limit");
}
TEST(ProxyVersion2, OtherVersionsAndCommandsAreRefused) {
    for (const uint8_t command : {0x11, 0x31, 0x22, 0x2f, 0x00})
        EXPECT_EQ(refusal_of(kSignature + char(command)), "PROXY v2: unknown version or command");
}
TEST(ProxyVersion2, UnknownFamiliesAndTransportsAreRefused) {
    for (const uint8_t family : {0x41, 0x13, 0xf0})
        EXPECT_EQ(refusal_of(v2(0x21, family, tcp4())), "PROXY v2: unknown family or transport");
}
TEST(ProxyVersion2, DatagramsAreRefused) {
    EXPECT_EQ(refusal_of(v2(0x21, 0x12, tcp4())), "PROXY v2: datagrams over a stream");
}
TEST(ProxyVersion2, AHeaderTooShortForItsAddressesIsRefused) {
    for (const auto& [family, least] : {std::pair{0x11, 12}, {0x21, 36}, {0x31, 216}})
        EXPECT_EQ(refusal_of(v2(0x21, uint8_t(family), std::string(size_t(least - 1), 'a'))),
                  "PROXY v2: header too short for its addresses");
}

TEST(Proxy, WhatIsNoHeaderIsRefusedAtTheFirstByteThatShowsIt) {
    constexpr const char* kNone = "no PROXY header, which this listener demands";
    EXPECT_EQ(refusal_of("\x10"), kNone);
    EXPECT_EQ(refusal_of("PROXX"), kNone);
    EXPECT_EQ(refusal_of("PROXY\t"), kNone);
    EXPECT_EQ(refusal_of("\r\n\r\n\n"), kNone);
    EXPECT_EQ(refusal_of("PROX"), "accepted");
    EXPECT_EQ(refusal_of("\r\n\r"), "accepted");
}

}  // namespace
}  // namespace godwit::transport
