// The layout of a store on disk, version 1. Test vectors: log_format_test.cpp.
//
//   folder   = segment*                   "segment-0000002a": the number in 8 hex digits
//                                         "damaged-0000002a": set aside, never read again
//   segment  = head group* rest           rest: zeros, a torn group, or what a recycled file held
//   head     = 4096 bytes: header at 0, again at 2048, zeros between
//   header   = "GWSTORE\n" version:u32 number:u32 segment_bytes:u32 salt:u32 zero:u32 crc:u32
//   group    = group_record record*       all or nothing; never across segments
//   record   = crc:u32 body_bytes:u32 object:u32 kind:u8 flags:u8 segment_low:u16 body pad
//   pad      = zeros up to a multiple of 8
//   filler   = a record of kind Erase of object 2^28-1, which never lives: zeros up to the end of a
//              page, where the next group is to begin with one
//   group_record = a record of object 0, kind Group, with the body
//              sequence:u64               one more than that of the group before, over all segments
//              bytes:u32 count:u32        of the records that follow, padding included
//              check:u32 zero:u32         CRC-32C over the raw crc of each of them, in order
//
// Numbers are little-endian: the machines it runs on read them as they are.
//
// A record's raw crc is the CRC-32C of its bytes 4..13 and its body. On disk it is xored with the
// mask of the segment, which is never the same for two numbers with one salt: so what a recycled
// file held before never validates, and as no peer knows the salt, no payload passes for a record.
// `check` ties the records of a group together: sectors of an older group in the same place that
// was torn cannot complete it.
#pragma once

#include "base/bytes.h"
#include "base/ids.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::store {

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr uint32_t kSegmentHeadBytes = 4096;
/// What systems keep in their cache, and disks write, as one.
inline constexpr uint32_t kPageBytes = 4096;
inline constexpr uint32_t kHeaderCopyOffset = 2048;
inline constexpr uint32_t kSegmentHeaderBytes = 32;
inline constexpr uint32_t kRecordHeaderBytes = 16;
inline constexpr uint32_t kGroupBodyBytes = 24;
inline constexpr uint32_t kGroupRecordBytes = kRecordHeaderBytes + kGroupBodyBytes;
inline constexpr uint32_t kRecordAlignment = 8;
/// A store speaks of fewer objects: a bound for its tables.
inline constexpr uint32_t kObjectIdMax = 1u << 28;
inline constexpr ObjectId kFiller{kObjectIdMax - 1};

enum class RecordKind : uint8_t { Group = 1, Put = 2, Note = 3, Erase = 4 };

/// The end of the page that ends at `at` or holds it.
constexpr uint64_t page_end(uint64_t at) {
    return (at + kPageBytes - 1) & ~uint64_t(kPageBytes - 1);
}

/// Header, body and padding.
constexpr uint64_t record_bytes(uint64_t body_bytes) {
    return (kRecordHeaderBytes + body_bytes + kRecordAlignment - 1) &
           ~uint64_t(kRecordAlignment - 1);
}

// --- names ---

std::string segment_name(uint32_t number);  // "segment-0000002a"
std::string damaged_name(uint32_t number);  // "damaged-0000002a"
/// The inverse; nullopt for every other name.
std::optional<uint32_t> parse_segment_name(std::string_view name);
std::optional<uint32_t> parse_damaged_name(std::string_view name);

// --- segments ---

struct SegmentHeader {
    uint32_t number = 0;
    uint32_t segment_bytes = 0;
    uint32_t salt = 0;
    uint32_t version = kFormatVersion;
};

/// The whole head of a segment.
Buffer encode_segment_head(const SegmentHeader& header);
/// One copy of the header, of whatever version. nullopt: damaged, no header, or cut short.
std::optional<SegmentHeader> decode_segment_header(Bytes bytes);
/// What the checksums of a segment's records are xored with.
uint32_t segment_mask(uint32_t number, uint32_t salt);

/// Whose records stand somewhere: what decoding and encoding need to know of the segment.
struct SegmentKey {
    uint32_t number = 0;
    uint32_t mask = 0;
    bool operator==(const SegmentKey&) const = default;
};

// --- records ---

struct Record {
    RecordKind kind = RecordKind::Put;
    ObjectId object;
    Bytes body;
};
struct GroupHead {
    uint64_t sequence = 0;
    uint32_t bytes = 0;
    uint32_t count = 0;
    uint32_t check = 0;
};

/// Writes a record that belongs to no segment yet (mask and segment_low 0) but for its body, which
/// is to be written behind the header, and its crc. @param at  room for record_bytes(body_bytes)
void begin_record(uint8_t* at, RecordKind kind, ObjectId object, uint64_t body_bytes);
/// The body is there. @return the raw crc, which is written
uint32_t end_record(uint8_t* at);
/// Both for a body at hand, appended.
uint32_t append_record(Buffer& out, RecordKind kind, ObjectId object, Bytes body);
/// Makes the record at `at` one of segment `to`; it was one of `from` before (number 0, mask 0:
/// none).
void move_record(uint8_t* at, const SegmentKey& from, const SegmentKey& to);
/// Parts of the record at `at`, unchecked.
uint32_t peek_body_bytes(const uint8_t* at);
ObjectId peek_object(const uint8_t* at);
RecordKind peek_kind(const uint8_t* at);
/// Raw crc of the record at `at` in segment `key`, unchecked.
uint32_t peek_raw_crc(const uint8_t* at, const SegmentKey& key);

/// The record at the front of `bytes`. The view points into them.
/// @return nullopt: not a record of this segment, damaged, or cut short
std::optional<Record> decode_record(Bytes bytes, const SegmentKey& key);

Buffer encode_group_body(const GroupHead& group);
/// nullopt: not a group record.
std::optional<GroupHead> decode_group(const Record& record);
/// `check` with one more record. Begins with 0.
uint32_t extend_check(uint32_t check, uint32_t raw_crc);

/// The mask under which the group record at the front of `bytes` would be sound: for a segment
/// whose header is lost. nullopt: it does not look like a group record of `number`.
std::optional<uint32_t> guess_mask(Bytes bytes, uint32_t number);

}  // namespace godwit::store
