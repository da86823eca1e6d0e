#include "base/bytes.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(Bytes, TextAndBytesAreTwoViewsOfTheSameMemory) {
    const std::string_view text("a\0\xff", 3);
    EXPECT_EQ(as_bytes(text).size(), 3u);
    EXPECT_EQ(as_bytes(text)[2], 0xff);
    EXPECT_EQ(as_text(as_bytes(text)).data(), text.data());
    EXPECT_EQ(as_text(as_bytes(text)), text);
    EXPECT_TRUE(as_text({}).empty());
}

TEST(Buffer, TakesNumbersWithTheirHighestByteFirst) {
    Buffer out;
    put_u8(out, 0x01);
    put_u16(out, 0x0203);
    put_u32(out, 0x04050607);
    put_u64(out, 0x08090a0b0c0d0e0f);
    put_text(out, "hi");
    put_bytes(out, {});
    EXPECT_EQ(out, (Buffer{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 'h', 'i'}));
}

TEST(ByteReader, ReadsBackWhatWasPut) {
    Buffer raw;
    put_u8(raw, 0xfe);
    put_u16(raw, 0xfedc);
    put_u32(raw, 0xfedcba98);
    put_text(raw, "xyz");
    ByteReader reader{Bytes(raw)};
    EXPECT_EQ(reader.u8(), 0xfe);
    EXPECT_EQ(reader.u16(), 0xfedc);
    EXPECT_EQ(reader.u32(), 0xfedcba98u);
    EXPECT_EQ(reader.offset(), 7u);
    EXPECT_EQ(as_text(*reader.bytes(2)), "xy");
    EXPECT_EQ(as_text(reader.rest()), "z");
    EXPECT_EQ(reader.remaining(), 1u);
    EXPECT_FALSE(reader.empty());
    EXPECT_EQ(reader.u8(), 'z');
    EXPECT_TRUE(reader.empty());
    EXPECT_EQ(reader.offset(), raw.size());
}

TEST(ByteReader, StandsStillWhereTheBytesAreMissing) {
    const Buffer raw{1, 2, 3};
    ByteReader reader{Bytes(raw)};
    EXPECT_EQ(reader.u32(), std::nullopt);
    EXPECT_FALSE(reader.bytes(4));
    EXPECT_EQ(reader.offset(), 0u);
    EXPECT_EQ(reader.u16(), 0x0102);
    EXPECT_EQ(reader.u16(), std::nullopt);
    EXPECT_EQ(reader.offset(), 2u);
    EXPECT_EQ(reader.u8(), 3);
    EXPECT_EQ(reader.u8(), std::nullopt);
    EXPECT_EQ(reader.offset(), 3u);
}

TEST(ByteReader, GivesNoBytesEvenOfNothing) {
    ByteReader reader{Bytes()};
    EXPECT_TRUE(reader.empty());
    ASSERT_TRUE(reader.bytes(0));
    EXPECT_TRUE(reader.bytes(0)->empty());
    EXPECT_FALSE(reader.bytes(1));
}

TEST(ByteReader, IsNotFooledByAnEnormousCount) {
    const Buffer raw{1, 2, 3};
    ByteReader reader{Bytes(raw)};
    EXPECT_FALSE(reader.bytes(SIZE_MAX));
    EXPECT_EQ(reader.remaining(), 3u);
}

}  // namespace
}  // namespace godwit
