#include "os/address.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace godwit::os {
namespace {

AddressError fault_of(std::string_view text) {
    const auto address = parse_address(text);
    EXPECT_FALSE(address) << text;
    return address ? AddressError::Empty : address.error();
}
SocketAddress parsed(std::string_view text) {
    return parse_address(text).value();
}

TEST(Address, PrintsWhatItReads) {
    for (const std::string_view text :
         {"127.0.0.1:1883", "0.0.0.0:0", "255.255.255.255:65535", "[::1]:1883", "[::]:8883",
          "[2001:db8::7]:1", "[::ffff:192.0.2.1]:5", "[fe80::1%lo]:9", "unix:/run/godwit.sock",
          "unix:relative.sock", "unix:@godwit"})
        EXPECT_EQ(parsed(text).text(), text);
}

TEST(Address, KnowsItsParts) {
    EXPECT_EQ(parsed("192.0.2.1:1883").host(), "192.0.2.1");
    EXPECT_EQ(parsed("192.0.2.1:1883").port(), 1883);
    EXPECT_EQ(parsed("[2001:db8::7]:8883").host(), "2001:db8::7");
    EXPECT_EQ(parsed("[2001:db8::7]:8883").port(), 8883);
    EXPECT_EQ(parsed("unix:/a").host(), "/a");
    EXPECT_EQ(parsed("unix:/a").port(), 0);
    EXPECT_TRUE(parsed("unix:/a").is_unix());
}

TEST(Address, RefusesWhatIsNotHostAndPort) {
    EXPECT_EQ(fault_of(""), AddressError::Empty);
    EXPECT_EQ(fault_of("127.0.0.1"), AddressError::MissingPort);
    EXPECT_EQ(fault_of("127.0.0.1:"), AddressError::MissingPort);
    EXPECT_EQ(fault_of("[::1]"), AddressError::MissingPort);
    EXPECT_EQ(fault_of("::1"), AddressError::MissingPort);
    EXPECT_EQ(fault_of("2001:db8::7:1883"), AddressError::MissingPort);
    EXPECT_EQ(fault_of("127.0.0.1:65536"), AddressError::BadPort);
    EXPECT_EQ(fault_of("127.0.0.1:-1"), AddressError::BadPort);
    EXPECT_EQ(fault_of("127.0.0.1:18 83"), AddressError::BadPort);
    EXPECT_EQ(fault_of("127.0.0.1:mqtt"), AddressError::BadPort);
    EXPECT_EQ(fault_of("[::1:1883"), AddressError::BadBrackets);
    EXPECT_EQ(fault_of("[::1]1883"), AddressError::BadBrackets);
}

TEST(Address, RefusesHostsThatAreNotNumeric) {
    EXPECT_EQ(fault_of("localhost:1883"), AddressError::NotNumeric);
    EXPECT_EQ(fault_of("127.1:1883"), AddressError::NotNumeric);
    EXPECT_EQ(fault_of("127.0.0.256:1883"), AddressError::NotNumeric);
    EXPECT_EQ(fault_of("[::g]:1883"), AddressError::NotNumeric);
    EXPECT_EQ(fault_of("[fe80::1%nosuchif]:1883"), AddressError::NotNumeric);
    EXPECT_EQ(fault_of(std::string_view("127.0.0.1\0x:1", 13)), AddressError::NotNumeric);
    EXPECT_EQ(fault_of(":1883"), AddressError::NotNumeric);
}

TEST(Address, RefusesPathsThatDoNotFit) {
    EXPECT_EQ(fault_of("unix:"), AddressError::BadPath);
    EXPECT_EQ(fault_of("unix:@"), AddressError::BadPath);
    EXPECT_EQ(fault_of(std::string_view("unix:/a\0b", 9)), AddressError::BadPath);
    EXPECT_EQ(fault_of("unix:/" + std::string(107, 'a')), AddressError::PathTooLong);
    const std::string longest = "unix:/" + std::string(106, 'a');
    EXPECT_EQ(parsed(longest).text(), longest);
}

TEST(Address, EveryFaultHasWords) {
    for (int i = 0; i <= int(AddressError::ResolverDown); ++i)
        EXPECT_FALSE(describe(AddressError(i)).empty());
}

TEST(Address, LoopbackIsWhatOnlyThisMachineReaches) {
    for (const std::string_view text :
         {"127.0.0.1:1", "127.255.0.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "unix:/a", "unix:@a"})
        EXPECT_TRUE(is_loopback(parsed(text))) << text;
    for (const std::string_view text : {"0.0.0.0:1", "128.0.0.1:1", "192.0.2.1:1", "[::]:1",
                                        "[::2]:1", "[::ffff:192.0.2.1]:1", "[::127.0.0.1]:1"})
        EXPECT_FALSE(is_loopback(parsed(text))) << text;
    EXPECT_FALSE(is_loopback(SocketAddress()));
}

TEST(HostPort, KeepsNames) {
    const HostPort named = parse_host_port("broker.example:8883").value();
    EXPECT_EQ(named.host, "broker.example");
    EXPECT_EQ(named.port, 8883);
    EXPECT_EQ(parse_host_port("[::1]:1").value().host, "::1");
    EXPECT_EQ(parse_host_port(":1883").value().host, "");
}

TEST(Resolve, TakesNumbersWithoutAsking) {
    const auto v4 = resolve({"192.0.2.1", 7});
    ASSERT_TRUE(v4);
    ASSERT_EQ(v4->size(), 1u);
    EXPECT_EQ(v4->front().text(), "192.0.2.1:7");
    EXPECT_EQ(resolve({"2001:db8::7", 8}).value().front().text(), "[2001:db8::7]:8");
}

TEST(Resolve, LocalhostIsLoopback) {
    const auto found = resolve({"localhost", 1883});
    ASSERT_TRUE(found);
    ASSERT_FALSE(found->empty());
    EXPECT_TRUE(std::all_of(found->begin(), found->end(), is_loopback));
    EXPECT_EQ(found->front().port(), 1883);
}

TEST(Resolve, AnEmptyHostIsEveryInterface) {
    const auto found = resolve({"", 1883});
    ASSERT_TRUE(found);
    const auto has = [&](std::string_view text) {
        return std::any_of(found->begin(), found->end(),
                           [&](const SocketAddress& one) { return one.text() == text; });
    };
    EXPECT_TRUE(has("0.0.0.0:1883"));
    EXPECT_TRUE(has("[::]:1883"));
}

TEST(Resolve, RefusesWhatIsNoName) {
    EXPECT_FALSE(resolve({"two..dots", 1}));
}

}  // namespace
}  // namespace godwit::os
