#include "base/crc32c.h"

#include "base/random.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

void expect_both(Bytes bytes, uint32_t checksum) {
    EXPECT_EQ(crc32c(bytes), checksum);
    EXPECT_EQ(crc32c_portable(bytes), checksum);
}

TEST(Crc32c, GivesTheVectorsOfRfc3720) {
    expect_both(Buffer(32, 0x00), 0x8a9136aa);
    expect_both(Buffer(32, 0xff), 0x62a8ab43);
    Buffer ascending(32);
    for (size_t i = 0; i < 32; ++i) ascending[i] = uint8_t(i);
    expect_both(ascending, 0x46dd794e);
    expect_both(as_bytes("123456789"), 0xe3069283);
}

TEST(Crc32c, OfNothingIsTheSeed) {
    expect_both({}, 0);
    EXPECT_EQ(crc32c({}, 77), 77u);
    EXPECT_EQ(crc32c_portable({}, 77), 77u);
}

TEST(Crc32c, IsTheSameForEveryLengthWithAndWithoutSpecialInstructions) {
    Random random(2);
    Buffer bytes(5000);
    for (uint8_t& byte : bytes) byte = uint8_t(random.next());
    for (size_t size = 0; size <= bytes.size(); size += size < 700 ? 1 : 37) {
        const auto seed = uint32_t(random.next());
        const Bytes view = Bytes(bytes).subspan(size % 9, std::min(size, bytes.size() - 9));
        ASSERT_EQ(crc32c(view, seed), crc32c_portable(view, seed)) << size << " bytes";
    }
}

TEST(Crc32c, OfPiecesIsThatOfTheWhole) {
    Random random(1);
    Buffer bytes(300);
    for (uint8_t& byte : bytes) byte = uint8_t(random.next());
    const uint32_t whole = crc32c(bytes);
    for (size_t cut = 0; cut <= bytes.size(); ++cut) {
        const Bytes view(bytes);
        EXPECT_EQ(crc32c(view.subspan(cut), crc32c(view.first(cut))), whole);
        EXPECT_EQ(crc32c_portable(view.subspan(cut), crc32c_portable(view.first(cut))), whole);
        EXPECT_EQ(crc32c_of_both(view.first(cut), view.subspan(cut)), whole);
    }
}

}  // namespace
}  // namespace godwit
