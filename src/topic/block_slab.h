// BlockSlab: many small blocks of memory, each at an address that stays, known by a 32-bit
// reference. Blocks of up to kShortBytesMax bytes share pages of equal blocks (a size class is 8
// bytes wide); longer ones are on their own. A page without blocks goes back to the allocator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace godwit::topic {

class BlockSlab {
public:
    /// A new block of at least one byte, aligned to 8, its content undefined. Up to 16 GiB in all.
    uint32_t allocate(size_t bytes);
    /// Gives back the block allocated with the same size.
    void free(uint32_t ref, size_t bytes);
    char* at(uint32_t ref) const {
        if (ref & kLong) return long_blocks_[ref & ~kLong].get();
        return pages_[ref / kGranules].get() + ref % kGranules * kGranuleBytes;
    }
    /// What the slab owns besides itself.
    size_t memory_bytes() const;

private:
    static constexpr size_t kPageBytes = 4096;
    static constexpr size_t kGranuleBytes = 8;
    static constexpr uint32_t kGranules = kPageBytes / kGranuleBytes;
    static constexpr size_t kShortBytesMax = 192;
    static constexpr size_t kClasses = kShortBytesMax / kGranuleBytes;
    static constexpr uint32_t kLong = uint32_t(1) << 31;
    static constexpr uint32_t kNone = UINT32_MAX;
    static constexpr uint16_t kNoBlock = UINT16_MAX;

    struct PageUse {
        uint32_t next = kNone;  // of the class's pages with room, or of the free pages
        uint32_t previous = kNone;
        uint16_t blocks = 0;
        uint16_t fresh = 0;          // blocks from here on were never used
        uint16_t vacant = kNoBlock;  // a used block that is free again; it holds the next one
    };
    struct FirstPages : std::array<uint32_t, kClasses> {
        constexpr FirstPages() { fill(kNone); }
    };

    static size_t class_of(size_t bytes) { return (bytes - 1) / kGranuleBytes; }
    static uint32_t blocks_in_page(size_t size_class) {
        return uint32_t(kGranules / (size_class + 1));
    }
    uint32_t allocate_long(size_t bytes);
    uint32_t open_page(size_t size_class);
    void close_page(size_t size_class, uint32_t page);
    void link(size_t size_class, uint32_t page);
    void unlink(size_t size_class, uint32_t page);

    std::vector<std::unique_ptr<char[]>> pages_;
    std::vector<PageUse> uses_;  // of each page
    FirstPages with_room_;
    uint32_t free_page_ = kNone;
    size_t open_pages_ = 0;
    std::vector<std::unique_ptr<char[]>> long_blocks_;
    std::vector<uint32_t> free_long_;
    size_t long_bytes_ = 0;
};

}  // namespace godwit::topic
