#include "store/segment_reader.h"

#include "store/work.h"

#include <algorithm>

namespace godwit::store {

namespace {

constexpr size_t kBlockBytes = 4096;
constexpr uint64_t kFileBytesMax = UINT32_MAX & ~uint64_t(kRecordAlignment - 1);

}  // namespace

Result<Done, DiskError> SegmentReader::load(Directory& directory, std::string_view folder,
                                            uint32_t number) {
    const auto file = directory.open(path_in(folder, segment_name(number)));
    if (!file) return Err{file.error()};
    const auto size = (*file)->size();
    if (!size) return Err{size.error()};
    bytes_.resize(std::min(*size, kFileBytesMax));
    unreadable_ = false;
    const auto got = (*file)->read_at(0, bytes_);
    if (!got)
        fill_in_blocks(**file);
    else if (*got < bytes_.size())
        std::fill(bytes_.begin() + ptrdiff_t(*got), bytes_.end(), 0);
    read_header(number);
    return Done{};
}

/// Saves what can be read around what cannot.
void SegmentReader::fill_in_blocks(File& file) {
    for (size_t at = 0; at < bytes_.size(); at += kBlockBytes) {
        const auto block = std::span(bytes_).subspan(at, std::min(kBlockBytes, bytes_.size() - at));
        const auto got = file.read_at(at, block);
        if (got && *got == block.size()) continue;
        std::fill(block.begin(), block.end(), 0);
        unreadable_ = true;
    }
}

void SegmentReader::read_header(uint32_t number) {
    key_ = {number, 0};
    const Bytes bytes(bytes_);
    const auto of_this = [&](size_t offset) -> std::optional<SegmentHeader> {
        if (bytes.size() < kSegmentHeadBytes) return std::nullopt;
        const auto header = decode_segment_header(bytes.subspan(offset));
        return header && header->number == number ? header : std::nullopt;
    };
    header_ = of_this(0);
    header_damaged_ = !header_;
    if (!header_) header_ = of_this(kHeaderCopyOffset);
    if (header_) {
        key_.mask = segment_mask(number, header_->salt);
        return;
    }
    if (bytes.size() < kSegmentHeadBytes) return;
    key_.mask = guess_mask(bytes.subspan(kSegmentHeadBytes), number).value_or(0);
}

bool SegmentReader::looks_used() const {
    return bytes_.size() > kSegmentHeadBytes &&
           guess_mask(Bytes(bytes_).subspan(kSegmentHeadBytes), key_.number).has_value();
}

bool SegmentReader::is_zero_from(uint32_t offset) const {
    return std::all_of(bytes_.begin() + ptrdiff_t(std::min<size_t>(offset, bytes_.size())),
                       bytes_.end(), [](uint8_t byte) { return byte == 0; });
}

std::optional<uint64_t> SegmentReader::torn_records(uint32_t offset) const {
    if (is_zero_from(offset)) return std::nullopt;
    uint64_t sound = 0;
    for_each_sound(offset, uint32_t(bytes_.size()), [&](const Record&, uint32_t) { ++sound; });
    if (sound == 0 && !group_record_at(offset)) return std::nullopt;
    return sound;
}

std::optional<GroupHead> SegmentReader::group_record_at(uint32_t offset) const {
    if (bytes_.size() < kGroupRecordBytes || offset > bytes_.size() - kGroupRecordBytes)
        return std::nullopt;
    const Bytes bytes = Bytes(bytes_).subspan(offset, kGroupRecordBytes);
    // Most places fail here: the search through a whole segment looks at every one.
    if (peek_body_bytes(bytes.data()) != kGroupBodyBytes) return std::nullopt;
    const auto record = decode_record(bytes, key_);
    return record ? decode_group(*record) : std::nullopt;
}

std::optional<Group> SegmentReader::group_at(uint32_t offset) const {
    const auto head = group_record_at(offset);
    if (!head || head->bytes > bytes_.size() - kGroupRecordBytes - offset) return std::nullopt;
    uint32_t at = offset + kGroupRecordBytes;
    const uint32_t end = at + head->bytes;
    uint32_t check = 0;
    uint32_t count = 0;
    while (at < end) {
        const auto record = decode_record(Bytes(bytes_).subspan(at, end - at), key_);
        if (!record || record->kind == RecordKind::Group || record->object.value == 0 ||
            record->object.value >= kObjectIdMax)
            return std::nullopt;
        check = extend_check(check, peek_raw_crc(&bytes_[at], key_));
        ++count;
        const uint64_t length = record_bytes(record->body.size());
        if (length > end - at) return std::nullopt;
        at += uint32_t(length);
    }
    if (count != head->count || check != head->check) return std::nullopt;
    return Group{*head, offset, end};
}

std::optional<uint32_t> SegmentReader::find_later(uint32_t offset, uint64_t sequence) const {
    for (uint64_t at = offset; at + kGroupRecordBytes <= bytes_.size(); at += kRecordAlignment) {
        const auto head = group_record_at(uint32_t(at));
        if (!head || head->sequence <= sequence) continue;
        if (head->sequence > sequence + 1 || group_at(uint32_t(at))) return uint32_t(at);
    }
    return std::nullopt;
}

}  // namespace godwit::store
