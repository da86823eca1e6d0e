#include "store/log_format.h"

#include <gtest/gtest.h>

#include <string>

namespace godwit::store {
namespace {

std::string hex(Bytes bytes) {
    std::string out;
    for (const uint8_t byte : bytes) {
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

Bytes view(const Buffer& bytes, size_t from, size_t count) {
    return Bytes(bytes).subspan(from, count);
}

constexpr uint32_t kNumber = 0x0001002a;
constexpr uint32_t kSalt = 0x5eed5a17;
const SegmentKey kKey{kNumber, segment_mask(kNumber, kSalt)};

// --- test vectors: version 1 never changes ---

TEST(LogFormat, LaysOutTheHeadOfASegment) {
    const Buffer head = encode_segment_head({kNumber, 16 << 20, kSalt});
    ASSERT_EQ(head.size(), 4096u);
    const std::string header =
        "475753544f52450a"  // "GWSTORE\n"
        "01000000"          // version
        "2a000100"          // number
        "00000001"          // segment_bytes
        "175aed5e"          // salt
        "00000000"
        "ed6fc9f0";  // crc
    EXPECT_EQ(hex(view(head, 0, 32)), header);
    EXPECT_EQ(hex(view(head, 2048, 32)), header);
    EXPECT_EQ(hex(view(head, 32, 2016)), std::string(2 * 2016, '0'));
    EXPECT_EQ(hex(view(head, 2080, 2016)), std::string(2 * 2016, '0'));
}

TEST(LogFormat, MasksByNumberAndSalt) {
    EXPECT_EQ(kKey.mask, 0xadc1c090u);
}

TEST(LogFormat, LaysOutARecord) {
    Buffer record;
    EXPECT_EQ(append_record(record, RecordKind::Put, {7}, as_bytes("hello")), 0x4a336359u);
    move_record(record.data(), {}, kKey);
    EXPECT_EQ(hex(record),
              "c9a3f2e7"            // crc ^ mask
              "05000000"            // body_bytes
              "07000000"            // object
              "02"                  // kind
              "00"                  // flags
              "2a00"                // segment_low
              "68656c6c6f000000");  // body, padded
}

TEST(LogFormat, LaysOutAGroupRecord) {
    Buffer group;
    append_record(group, RecordKind::Group, {},
                  encode_group_body({0x1122334455667788, 24, 1, extend_check(0, 0x4a336359)}));
    move_record(group.data(), {}, kKey);
    EXPECT_EQ(hex(group),
              "cb046f2a"          // crc ^ mask
              "18000000"          // body_bytes
              "00000000"          // object
              "01"                // kind
              "00"                // flags
              "2a00"              // segment_low
              "8877665544332211"  // sequence
              "18000000"          // bytes
              "01000000"          // count
              "63589bb3"          // check
              "00000000");
}

// --- reading ---

TEST(LogFormat, NamesSegmentsByNumber) {
    EXPECT_EQ(segment_name(42), "segment-0000002a");
    EXPECT_EQ(damaged_name(0xffffffff), "damaged-ffffffff");
    EXPECT_EQ(parse_segment_name("segment-0000002a"), 42u);
    EXPECT_EQ(parse_damaged_name("damaged-ffffffff"), 0xffffffffu);
    for (const char* other : {"", "lock", "segment-", "segment-0000002", "segment-0000002A",
                              "segment-0000002aa", "damaged-0000002a"})
        EXPECT_FALSE(parse_segment_name(other)) << other;
}

TEST(LogFormat, ReadsTheHeaderItWrote) {
    const Buffer head = encode_segment_head({kNumber, 1 << 20, kSalt});
    for (const size_t copy : {size_t(0), size_t(kHeaderCopyOffset)}) {
        const auto header = decode_segment_header(Bytes(head).subspan(copy));
        ASSERT_TRUE(header);
        EXPECT_EQ(header->number, kNumber);
        EXPECT_EQ(header->segment_bytes, 1u << 20);
        EXPECT_EQ(header->salt, kSalt);
        EXPECT_EQ(header->version, 1u);
    }
    EXPECT_FALSE(decode_segment_header(Bytes(head).first(31)));
}

TEST(LogFormat, TakesNoHeaderWithAFlippedBit) {
    const Buffer sound = encode_segment_head({kNumber, 1 << 20, kSalt});
    for (size_t bit = 0; bit < 8 * kSegmentHeaderBytes; ++bit) {
        Buffer head = sound;
        head[bit / 8] ^= uint8_t(1 << bit % 8);
        EXPECT_FALSE(decode_segment_header(head)) << bit;
    }
}

Buffer record_of(std::string_view body, const SegmentKey& key) {
    Buffer out;
    append_record(out, RecordKind::Note, {9}, as_bytes(body));
    move_record(out.data(), {}, key);
    return out;
}

TEST(LogFormat, TakesNoRecordWithAFlippedBit) {
    const Buffer sound = record_of("12345678", kKey);
    ASSERT_TRUE(decode_record(sound, kKey));
    for (size_t bit = 0; bit < 8 * sound.size(); ++bit) {
        Buffer record = sound;
        record[bit / 8] ^= uint8_t(1 << bit % 8);
        EXPECT_FALSE(decode_record(record, kKey)) << bit;
    }
}

TEST(LogFormat, TakesNoRecordThatIsCutShort) {
    const Buffer sound = record_of("12345678", kKey);
    for (size_t length = 0; length < sound.size(); ++length)
        EXPECT_FALSE(decode_record(Bytes(sound).first(length), kKey)) << length;
}

// The next two numbers with the same low half: only the mask tells them apart.
TEST(LogFormat, TakesNoRecordOfAnotherSegmentOrSalt) {
    const Buffer record = record_of("12345678", kKey);
    for (const uint32_t number : {kNumber + 1, kNumber + 0x10000, kNumber - 0x10000})
        EXPECT_FALSE(decode_record(record, {number, segment_mask(number, kSalt)}));
    EXPECT_FALSE(decode_record(record, {kNumber, segment_mask(kNumber, kSalt + 1)}));
}

TEST(LogFormat, MovesARecordFromSegmentToSegment) {
    const SegmentKey other{77, segment_mask(77, kSalt)};
    Buffer record = record_of("12345678", kKey);
    const uint32_t raw = peek_raw_crc(record.data(), kKey);
    move_record(record.data(), kKey, other);
    EXPECT_EQ(record, record_of("12345678", other));
    EXPECT_EQ(peek_raw_crc(record.data(), other), raw);
}

TEST(LogFormat, FindsTheMaskByTheFirstGroup) {
    Buffer group;
    append_record(group, RecordKind::Group, {}, encode_group_body({1, 0, 0, 0}));
    move_record(group.data(), {}, kKey);
    EXPECT_EQ(guess_mask(group, kNumber), kKey.mask);
    EXPECT_FALSE(guess_mask(group, kNumber + 1));
    EXPECT_FALSE(guess_mask(record_of("123456789012345678901234", kKey), kNumber));
    EXPECT_FALSE(guess_mask(Bytes(group).first(39), kNumber));
}

TEST(LogFormat, PadsRecordsToEightBytes) {
    EXPECT_EQ(record_bytes(0), 16u);
    EXPECT_EQ(record_bytes(1), 24u);
    EXPECT_EQ(record_bytes(8), 24u);
    EXPECT_EQ(record_bytes(200), 216u);
}

}  // namespace
}  // namespace godwit::store
