// FilterRecords: what is kept of each filter, head and text in one block, so that looking at a
// candidate is one cache miss.
#pragma once

#include "topic/block_slab.h"

#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace godwit::topic {

/// Where a filter's record lies.
using RecordRef = uint32_t;

struct FilterRecord {
    uint32_t id;
    uint32_t count;  // of those who take it
    uint16_t bytes;  // of the text, which follows
    uint16_t home;   // the number of its shape, or one of these
    static constexpr uint16_t kInBits = UINT16_MAX - 2;
    static constexpr uint16_t kExact = UINT16_MAX - 1;
    static constexpr uint16_t kInTrie = UINT16_MAX;

    std::string_view text() const { return {reinterpret_cast<const char*>(this + 1), bytes}; }
};

class FilterRecords {
public:
    RecordRef add(std::string_view text, uint32_t id, uint16_t home) {
        const RecordRef ref = blocks_.allocate(sizeof(FilterRecord) + text.size());
        char* block = blocks_.at(ref);
        new (block) FilterRecord{id, 1, uint16_t(text.size()), home};
        std::memcpy(block + sizeof(FilterRecord), text.data(), text.size());
        return ref;
    }
    void remove(RecordRef ref) { blocks_.free(ref, sizeof(FilterRecord) + (*this)[ref].bytes); }

    FilterRecord& operator[](RecordRef ref) {
        return *std::launder(reinterpret_cast<FilterRecord*>(blocks_.at(ref)));
    }
    const FilterRecord& operator[](RecordRef ref) const {
        return *std::launder(reinterpret_cast<const FilterRecord*>(blocks_.at(ref)));
    }
    void prefetch(RecordRef ref) const { __builtin_prefetch(blocks_.at(ref)); }
    size_t memory_bytes() const { return blocks_.memory_bytes(); }

private:
    BlockSlab blocks_;
};

}  // namespace godwit::topic
