#include "topic/text_slab.h"

#include "base/assert.h"

#include <cstring>

namespace godwit::topic {

uint32_t TextSlab::put(std::string_view text) {
    if (text.size() > kShortBytesMax) return put_long(text);
    const size_t size_class = class_of(text.size());
    uint32_t at = with_room_[size_class];
    if (at == kNone) at = open_page(size_class);
    Page& page = pages_[at];
    const size_t block_granules = size_class + 1;
    uint16_t block = page.vacant;
    char* memory = nullptr;
    if (block == kNoBlock) {
        block = page.fresh++;
        memory = page.memory.get() + block * block_granules * kGranuleBytes;
    } else {
        memory = page.memory.get() + block * block_granules * kGranuleBytes;
        std::memcpy(&page.vacant, memory, sizeof page.vacant);
    }
    std::memcpy(memory, text.data(), text.size());
    if (++page.texts == blocks_in_page(size_class)) unlink(size_class, at);
    return at * kGranules + uint32_t(block * block_granules);
}

void TextSlab::drop(uint32_t ref, size_t bytes) {
    if (ref & kLong) {
        long_texts_[ref & ~kLong].reset();
        free_long_.push_back(ref & ~kLong);
        long_bytes_ -= bytes;
        return;
    }
    const size_t size_class = class_of(bytes);
    const uint32_t at = ref / kGranules;
    Page& page = pages_[at];
    if (page.texts == blocks_in_page(size_class)) link(size_class, at);
    if (--page.texts == 0) return close_page(size_class, at);
    char* memory = page.memory.get() + ref % kGranules * kGranuleBytes;
    std::memcpy(memory, &page.vacant, sizeof page.vacant);
    page.vacant = uint16_t(ref % kGranules / (size_class + 1));
}

size_t TextSlab::memory_bytes() const {
    return open_pages_ * kPageBytes + pages_.capacity() * sizeof(Page) + long_bytes_ +
           long_texts_.capacity() * sizeof(long_texts_[0]) +
           free_long_.capacity() * sizeof(free_long_[0]);
}

uint32_t TextSlab::put_long(std::string_view text) {
    if (free_long_.empty()) {
        free_long_.push_back(uint32_t(long_texts_.size()));
        long_texts_.emplace_back();
    }
    const uint32_t at = free_long_.back();
    free_long_.pop_back();
    long_texts_[at] = std::make_unique_for_overwrite<char[]>(text.size());
    std::memcpy(long_texts_[at].get(), text.data(), text.size());
    long_bytes_ += text.size();
    return at | kLong;
}

uint32_t TextSlab::open_page(size_t size_class) {
    uint32_t at = free_page_;
    if (at == kNone) {
        at = uint32_t(pages_.size());
        GW_ASSERT(at < kLong / kGranules);
        pages_.emplace_back();
    } else {
        free_page_ = pages_[at].next;
    }
    pages_[at] = Page{std::make_unique_for_overwrite<char[]>(kPageBytes)};
    ++open_pages_;
    link(size_class, at);
    return at;
}

void TextSlab::close_page(size_t size_class, uint32_t page) {
    unlink(size_class, page);
    pages_[page] = Page{};
    pages_[page].next = free_page_;
    free_page_ = page;
    --open_pages_;
}

void TextSlab::link(size_t size_class, uint32_t page) {
    const uint32_t next = with_room_[size_class];
    pages_[page].next = next;
    pages_[page].previous = kNone;
    if (next != kNone) pages_[next].previous = page;
    with_room_[size_class] = page;
}

void TextSlab::unlink(size_t size_class, uint32_t page) {
    const auto [next, previous] = std::pair(pages_[page].next, pages_[page].previous);
    if (next != kNone) pages_[next].previous = previous;
    if (previous != kNone) {
        pages_[previous].next = next;
    } else {
        with_room_[size_class] = next;
    }
}

}  // namespace godwit::topic
