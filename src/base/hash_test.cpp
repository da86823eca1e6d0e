#include "base/hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <set>
#include <string>

namespace godwit {
namespace {

/// The key of the reference's vectors: bytes 0 to 15.
constexpr HashKey kReferenceKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

Buffer counting_bytes(size_t count) {
    Buffer out;
    for (size_t i = 0; i < count; ++i) out.push_back(uint8_t(i));
    return out;
}

// Values of an independent implementation of the reference's definition, which gives the published
// vector of SipHash-2-4 when it is told 2 and 4 rounds.
TEST(KeyedHash, IsSipHash13) {
    constexpr struct {
        size_t bytes;
        uint64_t hash;
    } kVectors[] = {{0, 0xabac0158050fc4dc},   {1, 0xc9f49bf37d57ca93},  {2, 0x82cb9b024dc7d44d},
                    {7, 0xd3927d989bb11140},   {8, 0x369095118d299a8e},  {9, 0x25a48eb36c063de4},
                    {15, 0xd320d86d2a519956},  {16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8},
                    {255, 0xf76214e3153c4a15}, {256, 0x75b3e64e167de370}};
    for (const auto& each : kVectors)
        EXPECT_EQ(keyed_hash(counting_bytes(each.bytes), kReferenceKey), each.hash) << each.bytes;
}

TEST(KeyedHash, DependsOnTheBytesAndNotOnWhereTheyLie) {
    const std::string twice = "sensor/7/temp-sensor/7/temp";
    const std::string_view text = twice;
    EXPECT_EQ(keyed_hash(as_bytes(text.substr(0, 13)), {}),
              keyed_hash(as_bytes(text.substr(14)), {}));
}

TEST(KeyedHash, ChangesWithEachHalfOfTheKey) {
    const Bytes bytes = as_bytes("client-1");
    const uint64_t hash = keyed_hash(bytes, {1, 2});
    EXPECT_EQ(hash, keyed_hash(bytes, {1, 2}));
    EXPECT_NE(hash, keyed_hash(bytes, {1, 3}));
    EXPECT_NE(hash, keyed_hash(bytes, {3, 2}));
    EXPECT_NE(hash, keyed_hash(bytes, {2, 1}));
}

TEST(KeyedHash, TellsTrailingZerosApart) {
    std::set<uint64_t> seen;
    for (size_t count = 0; count < 40; ++count)
        seen.insert(keyed_hash(Buffer(count, 0), kReferenceKey));
    EXPECT_EQ(seen.size(), 40u);
}

TEST(KeyedHash, ChangesInAboutHalfItsBitsWithOneBitOfInput) {
    const Buffer base = counting_bytes(24);
    const uint64_t hash = keyed_hash(base, {});
    for (size_t bit = 0; bit < 24 * 8; ++bit) {
        Buffer changed = base;
        changed[bit / 8] ^= uint8_t(1 << bit % 8);
        const int flipped = std::popcount(hash ^ keyed_hash(changed, {}));
        EXPECT_GE(flipped, 12) << bit;
        EXPECT_LE(flipped, 52) << bit;
    }
}

TEST(MixHash, KnowsTheOrderOfItsArguments) {
    EXPECT_EQ(mix_hash(1, 2), mix_hash(1, 2));
    EXPECT_NE(mix_hash(1, 2), mix_hash(2, 1));
    EXPECT_NE(mix_hash(1, 2), mix_hash(1, 3));
    EXPECT_NE(mix_hash(1, 2), mix_hash(3, 2));
}

}  // namespace
}  // namespace godwit
