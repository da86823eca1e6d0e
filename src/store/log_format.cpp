#include "store/log_format.h"

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/mutant.h"

#include <algorithm>

#include <fmt/format.h>

namespace godwit::store {

namespace {

constexpr std::string_view kMagic = "GWSTORE\n";
constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kDamagedPrefix = "damaged-";
constexpr size_t kNumberDigits = 8;

void store_u32(uint8_t* at, uint32_t value) {
    for (int i = 0; i < 4; ++i) at[i] = uint8_t(value >> 8 * i);
}
void store_u64(uint8_t* at, uint64_t value) {
    store_u32(at, uint32_t(value));
    store_u32(at + 4, uint32_t(value >> 32));
}
uint32_t load_u32(const uint8_t* at) {
    return uint32_t(at[0]) | uint32_t(at[1]) << 8 | uint32_t(at[2]) << 16 | uint32_t(at[3]) << 24;
}
uint64_t load_u64(const uint8_t* at) {
    return uint64_t(load_u32(at + 4)) << 32 | load_u32(at);
}
uint16_t load_segment_low(const uint8_t* record) {
    return uint16_t(record[14] | record[15] << 8);
}

/// What is checked of a header: all but the crc itself and segment_low, which comes with the mask.
Bytes checked_part(const uint8_t* record) {
    return {record + 4, 10};
}

bool is_kind(uint8_t value) {
    return value >= uint8_t(RecordKind::Group) && value <= uint8_t(RecordKind::Erase);
}

std::optional<uint32_t> parse_name(std::string_view name, std::string_view prefix) {
    if (name.size() != prefix.size() + kNumberDigits || !name.starts_with(prefix))
        return std::nullopt;
    uint32_t number = 0;
    for (const char digit : name.substr(prefix.size())) {
        const size_t value = std::string_view("0123456789abcdef").find(digit);
        if (value == std::string_view::npos) return std::nullopt;
        number = number << 4 | uint32_t(value);
    }
    return number;
}

}  // namespace

std::string segment_name(uint32_t number) {
    return fmt::format("{}{:08x}", kSegmentPrefix, number);
}
std::string damaged_name(uint32_t number) {
    return fmt::format("{}{:08x}", kDamagedPrefix, number);
}
std::optional<uint32_t> parse_segment_name(std::string_view name) {
    return parse_name(name, kSegmentPrefix);
}
std::optional<uint32_t> parse_damaged_name(std::string_view name) {
    return parse_name(name, kDamagedPrefix);
}

Buffer encode_segment_head(const SegmentHeader& header) {
    Buffer out(kSegmentHeadBytes);
    std::copy(kMagic.begin(), kMagic.end(), out.begin());
    store_u32(&out[8], header.version);
    store_u32(&out[12], header.number);
    store_u32(&out[16], header.segment_bytes);
    store_u32(&out[20], header.salt);
    store_u32(&out[28], crc32c(Bytes(out).first(28)));
    std::copy_n(out.begin(), kSegmentHeaderBytes, out.begin() + kHeaderCopyOffset);
    return out;
}

std::optional<SegmentHeader> decode_segment_header(Bytes bytes) {
    if (bytes.size() < kSegmentHeaderBytes) return std::nullopt;
    if (as_text(bytes.first(kMagic.size())) != kMagic) return std::nullopt;
    if (load_u32(&bytes[28]) != crc32c(bytes.first(28))) return std::nullopt;
    return SegmentHeader{load_u32(&bytes[12]), load_u32(&bytes[16]), load_u32(&bytes[20]),
                         load_u32(&bytes[8])};
}

uint32_t segment_mask(uint32_t number, uint32_t salt) {
    // Each step can be undone, so two numbers never share a mask under one salt.
    uint32_t mask = number ^ salt;
    mask = (mask ^ mask >> 16) * 0x7feb352d;
    mask = (mask ^ mask >> 15) * 0x846ca68b;
    return mask ^ mask >> 16;
}

void begin_record(uint8_t* at, RecordKind kind, ObjectId object, uint64_t body_bytes) {
    GW_ASSERT(body_bytes < UINT32_MAX / 2);
    store_u64(at + record_bytes(body_bytes) - 8, 0);  // what will be padding; or it is overwritten
    store_u32(at + 4, uint32_t(body_bytes));
    store_u32(at + 8, object.value);
    store_u32(at + 12, uint8_t(kind));
}

uint32_t end_record(uint8_t* at) {
    const Bytes body(at + kRecordHeaderBytes, peek_body_bytes(at));
    const uint32_t raw = crc32c_of_both(checked_part(at), body);
    store_u32(at, raw);
    return raw;
}

uint32_t append_record(Buffer& out, RecordKind kind, ObjectId object, Bytes body) {
    const size_t begin = out.size();
    out.resize(begin + record_bytes(body.size()));
    begin_record(&out[begin], kind, object, body.size());
    std::copy(body.begin(), body.end(), &out[begin] + kRecordHeaderBytes);
    return end_record(&out[begin]);
}

void move_record(uint8_t* at, const SegmentKey& from, const SegmentKey& to) {
    store_u32(at, load_u32(at) ^ from.mask ^ to.mask);
    at[14] = uint8_t(to.number);
    at[15] = uint8_t(to.number >> 8);
}

uint32_t peek_body_bytes(const uint8_t* at) {
    return load_u32(at + 4);
}

ObjectId peek_object(const uint8_t* at) {
    return {load_u32(at + 8)};
}

RecordKind peek_kind(const uint8_t* at) {
    return RecordKind(at[12]);
}

uint32_t peek_raw_crc(const uint8_t* at, const SegmentKey& key) {
    return load_u32(at) ^ key.mask;
}

std::optional<Record> decode_record(Bytes bytes, const SegmentKey& key) {
    if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
    const uint8_t* at = bytes.data();
    if (!is_kind(at[12]) || load_segment_low(at) != uint16_t(key.number)) return std::nullopt;
    const uint32_t body_bytes = load_u32(at + 4);
    if (body_bytes > bytes.size() - kRecordHeaderBytes) return std::nullopt;
    const Bytes body = bytes.subspan(kRecordHeaderBytes, body_bytes);
    const bool sound = peek_raw_crc(at, key) == crc32c_of_both(checked_part(at), body);
    if (!sound && !GW_MUTANT(SkipChecksum)) return std::nullopt;
    return Record{RecordKind(at[12]), {load_u32(at + 8)}, body};
}

Buffer encode_group_body(const GroupHead& group) {
    Buffer out(kGroupBodyBytes);
    store_u64(&out[0], group.sequence);
    store_u32(&out[8], group.bytes);
    store_u32(&out[12], group.count);
    store_u32(&out[16], group.check);
    return out;
}

std::optional<GroupHead> decode_group(const Record& record) {
    if (record.kind != RecordKind::Group || record.body.size() != kGroupBodyBytes)
        return std::nullopt;
    const uint8_t* at = record.body.data();
    return GroupHead{load_u64(at), load_u32(at + 8), load_u32(at + 12), load_u32(at + 16)};
}

uint32_t extend_check(uint32_t check, uint32_t raw_crc) {
    uint8_t raw[4];
    store_u32(raw, raw_crc);
    return crc32c(raw, check);
}

std::optional<uint32_t> guess_mask(Bytes bytes, uint32_t number) {
    if (bytes.size() < kGroupRecordBytes) return std::nullopt;
    const uint8_t* at = bytes.data();
    if (at[12] != uint8_t(RecordKind::Group) || load_segment_low(at) != uint16_t(number) ||
        load_u32(at + 4) != kGroupBodyBytes)
        return std::nullopt;
    const Bytes body = bytes.subspan(kRecordHeaderBytes, kGroupBodyBytes);
    return load_u32(at) ^ crc32c_of_both(checked_part(at), body);
}

}  // namespace godwit::store
