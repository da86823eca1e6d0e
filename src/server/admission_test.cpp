#include "server/admission.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit::server {
namespace {

using std::chrono::milliseconds;

constexpr Instant kStart = Instant(std::chrono::hours(1));

PeerName peer(const std::string& address) {
    return PeerName(os::parse_address(address).value());
}
Admission addresses(uint32_t connections_max, Rate rate = {}) {
    return Admission({connections_max, rate, {Rate{}}}, HashKey{});
}

TEST(Admission, BoundsTheConnectionsOfAnAddress) {
    Admission admission = addresses(2);
    const PeerName one = peer("203.0.113.7:1000"), same = peer("203.0.113.7:2000");
    EXPECT_EQ(admission.admit_from(one, kStart), nullptr);
    EXPECT_EQ(admission.admit_from(same, kStart), nullptr);
    EXPECT_STREQ(admission.admit_from(one, kStart), "limits.address_connections_max");
    EXPECT_EQ(admission.admit_from(peer("203.0.113.8:1000"), kStart), nullptr);
    admission.leave(same);
    EXPECT_EQ(admission.admit_from(one, kStart), nullptr);
}
TEST(Admission, TakesASlash64OfIpv6AsOneAddress) {
    Admission admission = addresses(1);
    EXPECT_EQ(admission.admit_from(peer("[2001:db8:0:1::1]:1"), kStart), nullptr);
    EXPECT_NE(admission.admit_from(peer("[2001:db8:0:1:ffff::2]:1"), kStart), nullptr);
    EXPECT_EQ(admission.admit_from(peer("[2001:db8:0:2::1]:1"), kStart), nullptr);
}
TEST(Admission, TakesAnIpv4AddressInIpv6AsWhatItIs) {  // of a listener on [::]
    Admission admission = addresses(1);
    EXPECT_EQ(admission.admit_from(peer("[::ffff:203.0.113.7]:1"), kStart), nullptr);
    EXPECT_EQ(admission.admit_from(peer("[::ffff:203.0.113.8]:1"), kStart), nullptr);
    EXPECT_NE(admission.admit_from(peer("203.0.113.7:1"), kStart), nullptr);
}
TEST(Admission, BoundsHowFastAnAddressCalls) {
    Admission admission = addresses(0, Rate::per_second(10, 3));
    const auto admitted = [&](Instant now) {
        size_t count = 0;
        for (int i = 0; i < 100; ++i) {
            if (admission.admit_from(peer("203.0.113.7:1"), now)) continue;
            ++count;
            admission.leave(peer("203.0.113.7:1"));
        }
        return count;
    };
    EXPECT_EQ(admitted(kStart), 3u);
    EXPECT_EQ(admitted(kStart + milliseconds(100)), 1u) << "a client that goes is remembered";
}
TEST(Admission, BoundsHowFastAListenerIsCalled) {
    Admission admission({0, {}, {Rate::per_second(10, 2), Rate{}}}, HashKey{});
    const ListenerId bounded{0}, free{1};
    EXPECT_EQ(admission.admit_to_listener(bounded, kStart), nullptr);
    EXPECT_EQ(admission.admit_to_listener(bounded, kStart), nullptr);
    EXPECT_STREQ(admission.admit_to_listener(bounded, kStart), "listener's connection_rate");
    for (int i = 0; i < 100; ++i) EXPECT_EQ(admission.admit_to_listener(free, kStart), nullptr);
}
TEST(Admission, KnowsNoAddressOfAUnixSocket) {
    Admission admission = addresses(1);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(admission.admit_from(PeerName(), kStart), nullptr);
    EXPECT_EQ(admission.address_count(), 0u);
}
TEST(Admission, RemembersABoundedNumberOfAddresses) {
    Admission admission = addresses(0, Rate::per_second(1, 100));
    for (uint32_t i = 0; i < 2 * Admission::kIdleAddressesMax; ++i) {
        const PeerName each = peer("[2001:db8:" + std::to_string(i % 9999) + ":" +
                                   std::to_string(i / 9999) + "::1]:1");
        ASSERT_EQ(admission.admit_from(each, kStart), nullptr);
        admission.leave(each);
        ASSERT_LE(admission.address_count(), Admission::kIdleAddressesMax);
    }
}
TEST(Admission, ForgetsWhoOwesNothing) {
    Admission admission = addresses(0, Rate::per_second(1000, 1));
    Instant now = kStart;
    for (int i = 0; i < 10'000; ++i, now += milliseconds(1)) {
        const PeerName each =
            peer("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ":1");
        ASSERT_EQ(admission.admit_from(each, now), nullptr);
        admission.leave(each);
    }
    EXPECT_LE(admission.address_count(), 1024u);
}
TEST(Admission, ForgetsNobodyWhoIsThere) {
    Admission admission = addresses(1, Rate::per_second(1, 100));
    const PeerName there = peer("203.0.113.7:1");
    ASSERT_EQ(admission.admit_from(there, kStart), nullptr);
    for (uint32_t i = 0; i < 2 * Admission::kIdleAddressesMax; ++i) {
        const PeerName each =
            peer("10." + std::to_string(i >> 16 & 255) + "." + std::to_string(i >> 8 & 255) + "." +
                 std::to_string(i & 255) + ":1");
        ASSERT_EQ(admission.admit_from(each, kStart), nullptr);
        admission.leave(each);
    }
    EXPECT_NE(admission.admit_from(there, kStart + std::chrono::hours(1)), nullptr);
}

}  // namespace
}  // namespace godwit::server
