#include "topic/block_slab.h"

#include "base/assert.h"

#include <cstring>

namespace godwit::topic {

uint32_t BlockSlab::allocate(size_t bytes) {
    if (bytes > kShortBytesMax) return allocate_long(bytes);
    const size_t size_class = class_of(bytes);
    uint32_t page = with_room_[size_class];
    if (page == kNone) page = open_page(size_class);
    PageUse& use = uses_[page];
    const size_t granules = size_class + 1;
    uint16_t block = use.vacant;
    if (block == kNoBlock) {
        block = use.fresh++;
    } else {
        std::memcpy(&use.vacant, pages_[page].get() + block * granules * kGranuleBytes,
                    sizeof use.vacant);
    }
    if (++use.blocks == blocks_in_page(size_class)) unlink(size_class, page);
    return page * kGranules + uint32_t(block * granules);
}

void BlockSlab::free(uint32_t ref, size_t bytes) {
    if (ref & kLong) {
        long_blocks_[ref & ~kLong].reset();
        free_long_.push_back(ref & ~kLong);
        long_bytes_ -= bytes;
        return;
    }
    const size_t size_class = class_of(bytes);
    const uint32_t page = ref / kGranules;
    PageUse& use = uses_[page];
    if (use.blocks == blocks_in_page(size_class)) link(size_class, page);
    if (--use.blocks == 0) return close_page(size_class, page);
    std::memcpy(at(ref), &use.vacant, sizeof use.vacant);
    use.vacant = uint16_t(ref % kGranules / (size_class + 1));
}

size_t BlockSlab::memory_bytes() const {
    return open_pages_ * kPageBytes + pages_.capacity() * sizeof(pages_[0]) +
           uses_.capacity() * sizeof(uses_[0]) + long_bytes_ +
           long_blocks_.capacity() * sizeof(long_blocks_[0]) +
           free_long_.capacity() * sizeof(free_long_[0]);
}

uint32_t BlockSlab::allocate_long(size_t bytes) {
    if (free_long_.empty()) {
        free_long_.push_back(uint32_t(long_blocks_.size()));
        long_blocks_.emplace_back();
    }
    const uint32_t at = free_long_.back();
    free_long_.pop_back();
    long_blocks_[at] = std::make_unique_for_overwrite<char[]>(bytes);
    long_bytes_ += bytes;
    return at | kLong;
}

uint32_t BlockSlab::open_page(size_t size_class) {
    uint32_t page = free_page_;
    if (page == kNone) {
        page = uint32_t(pages_.size());
        GW_ASSERT(page < kLong / kGranules);
        pages_.emplace_back();
        uses_.emplace_back();
    } else {
        free_page_ = uses_[page].next;
    }
    pages_[page] = std::make_unique_for_overwrite<char[]>(kPageBytes);
    uses_[page] = PageUse{};
    ++open_pages_;
    link(size_class, page);
    return page;
}

void BlockSlab::close_page(size_t size_class, uint32_t page) {
    unlink(size_class, page);
    pages_[page].reset();
    uses_[page].next = free_page_;
    free_page_ = page;
    --open_pages_;
}

void BlockSlab::link(size_t size_class, uint32_t page) {
    const uint32_t next = with_room_[size_class];
    uses_[page].next = next;
    uses_[page].previous = kNone;
    if (next != kNone) uses_[next].previous = page;
    with_room_[size_class] = page;
}

void BlockSlab::unlink(size_t size_class, uint32_t page) {
    const uint32_t next = uses_[page].next;
    const uint32_t previous = uses_[page].previous;
    if (next != kNone) uses_[next].previous = previous;
    if (previous != kNone) {
        uses_[previous].next = next;
    } else {
        with_room_[size_class] = next;
    }
}

}  // namespace godwit::topic
