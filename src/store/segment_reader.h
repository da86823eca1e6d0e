// SegmentReader: the bytes of one segment, and the groups and records that are sound in them.
#pragma once

#include "base/directory.h"
#include "store/log_format.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace godwit::store {

/// A group of which every record was found sound.
struct Group {
    GroupHead head;
    uint32_t offset = 0;  // of the group record
    uint32_t end = 0;     // behind the last record
};

class SegmentReader {
public:
    /// Reads a whole segment file. What cannot be read counts as zeros.
    /// @errors  the file cannot be opened
    /// @cost    few large reads; the buffer is used again
    Result<Done, DiskError> load(Directory& directory, std::string_view folder, uint32_t number);

    const SegmentKey& key() const { return key_; }
    uint64_t file_bytes() const { return bytes_.size(); }
    /// nullopt: both copies are lost; `key` may be known from the first group all the same.
    const std::optional<SegmentHeader>& header() const { return header_; }
    /// The header, or a part of the file, could not be read.
    bool is_header_damaged() const { return header_damaged_; }
    bool has_unreadable() const { return unreadable_; }
    /// Something was written to the segment under its number, by the looks of it.
    bool looks_used() const;

    bool is_zero_from(uint32_t offset) const;
    /// How many sound records stand behind the last whole group, which ends at `offset`, of a group
    /// that was begun there. nullopt: there is no sign of one.
    std::optional<uint64_t> torn_records(uint32_t offset) const;

    /// The group that begins at `offset`. nullopt: none does, or not all of it is sound.
    std::optional<Group> group_at(uint32_t offset) const;
    /// The first group record from `offset` on that is sound by itself and says that groups above
    /// `sequence` were written: its own is larger, and if it is just the next one, the group is
    /// whole. @return its offset
    std::optional<uint32_t> find_later(uint32_t offset, uint64_t sequence) const;
    /// Calls take(record, offset) for each record of a group that was found sound.
    template <class Take>
    void for_each(const Group& group, Take take) const {
        for (uint32_t at = group.offset + kGroupRecordBytes; at < group.end;) {
            const uint8_t* raw = &bytes_[at];
            const uint32_t body_bytes = peek_body_bytes(raw);
            take(Record{RecordKind(raw[12]), peek_object(raw),
                        Bytes(bytes_).subspan(at + kRecordHeaderBytes, body_bytes)},
                 at);
            at += uint32_t(record_bytes(body_bytes));
        }
    }
    /// The same for each sound record in a damaged region, whatever its group.
    template <class Take>
    void for_each_sound(uint32_t begin, uint32_t end, Take take) const {
        for (uint32_t at = begin; at < end;) {
            const auto record = decode_record(Bytes(bytes_).subspan(at, end - at), key_);
            if (record && record->kind != RecordKind::Group) take(*record, at);
            at += record ? uint32_t(record_bytes(record->body.size())) : kRecordAlignment;
        }
    }

private:
    void fill_in_blocks(File& file);
    void read_header(uint32_t number);
    std::optional<GroupHead> group_record_at(uint32_t offset) const;

    Buffer bytes_;
    SegmentKey key_;
    std::optional<SegmentHeader> header_;
    bool header_damaged_ = false;
    bool unreadable_ = false;
};

}  // namespace godwit::store
