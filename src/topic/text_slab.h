// TextSlab: many short texts, each at an address that stays. Texts of up to kShortBytesMax bytes
// share pages of equal blocks (a size class is 8 bytes wide); longer ones are on their own. A page
// without texts goes back to the allocator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace godwit::topic {

class TextSlab {
public:
    /// Keeps a copy of a text of at least one byte. Returns its reference.
    uint32_t put(std::string_view text);
    /// The text kept under `ref`; `bytes` is its length, which the caller remembers.
    std::string_view get(uint32_t ref, size_t bytes) const {
        if (ref & kLong) return {long_texts_[ref & ~kLong].get(), bytes};
        return {pages_[ref / kGranules].memory.get() + ref % kGranules * kGranuleBytes, bytes};
    }
    void drop(uint32_t ref, size_t bytes);

    /// What the slab owns besides itself.
    size_t memory_bytes() const;

private:
    static constexpr size_t kPageBytes = 2048;
    static constexpr size_t kGranuleBytes = 8;
    static constexpr uint32_t kGranules = kPageBytes / kGranuleBytes;
    static constexpr size_t kShortBytesMax = 128;
    static constexpr size_t kClasses = kShortBytesMax / kGranuleBytes;
    static constexpr uint32_t kLong = uint32_t(1) << 31;
    static constexpr uint32_t kNone = UINT32_MAX;
    static constexpr uint16_t kNoBlock = UINT16_MAX;

    struct Page {
        std::unique_ptr<char[]> memory;  // null: the page is free
        uint32_t next = kNone;           // of the class's pages with room, or of the free pages
        uint32_t previous = kNone;
        uint16_t texts = 0;
        uint16_t fresh = 0;          // blocks from here on were never used
        uint16_t vacant = kNoBlock;  // a used block that is free again; it holds the next one
    };

    static size_t class_of(size_t bytes) { return (bytes - 1) / kGranuleBytes; }
    static uint32_t blocks_in_page(size_t size_class) {
        return uint32_t(kGranules / (size_class + 1));
    }
    uint32_t put_long(std::string_view text);
    uint32_t open_page(size_t size_class);
    void close_page(size_t size_class, uint32_t page);
    void link(size_t size_class, uint32_t page);
    void unlink(size_t size_class, uint32_t page);

    std::vector<Page> pages_;
    std::array<uint32_t, kClasses> with_room_ = none_with_room();
    uint32_t free_page_ = kNone;
    size_t open_pages_ = 0;
    std::vector<std::unique_ptr<char[]>> long_texts_;
    std::vector<uint32_t> free_long_;
    size_t long_bytes_ = 0;

    static constexpr std::array<uint32_t, kClasses> none_with_room() {
        std::array<uint32_t, kClasses> none{};
        none.fill(kNone);
        return none;
    }
};

}  // namespace godwit::topic
