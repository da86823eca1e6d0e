#include "topic/block_slab.h"

#include "base/random.h"

#include <gtest/gtest.h>
#include <cstring>

namespace godwit::topic {
namespace {

TEST(BlockSlab, BlocksKeepTheirBytesUnderChurn) {
    struct Held {
        uint32_t ref;
        size_t bytes;
        char mark;
    };
    BlockSlab slab;
    std::vector<Held> held;
    Random random(7);
    for (int i = 0; i < 20000; ++i) {
        if (held.size() < 500 && random.below(3) > 0) {
            const size_t bytes = 1 + random.below(300);
            const Held block{slab.allocate(bytes), bytes, char(i)};
            ASSERT_EQ(reinterpret_cast<uintptr_t>(slab.at(block.ref)) % 8, 0u);
            std::memset(slab.at(block.ref), block.mark, bytes);
            held.push_back(block);
        } else if (!held.empty()) {
            std::swap(held[random.below(held.size())], held.back());
            const Held block = held.back();
            held.pop_back();
            const std::string_view bytes(slab.at(block.ref), block.bytes);
            ASSERT_EQ(bytes.find_first_not_of(block.mark), std::string_view::npos);
            slab.free(block.ref, block.bytes);
        }
    }
}

TEST(BlockSlab, EmptyPagesServeOtherSizes) {
    BlockSlab slab;
    size_t highest = 0;
    for (size_t bytes = 8; bytes <= 192; bytes += 8) {
        std::vector<uint32_t> refs;
        for (size_t used = 0; used < 200'000; used += bytes) refs.push_back(slab.allocate(bytes));
        highest = std::max(highest, slab.memory_bytes());
        for (const uint32_t ref : refs) slab.free(ref, bytes);
    }
    EXPECT_LT(highest, 230'000u);
    EXPECT_LT(slab.memory_bytes(), 10'000u);
}

TEST(BlockSlab, LongBlocksAreGivenBack) {
    BlockSlab slab;
    for (int i = 0; i < 10; ++i) slab.free(slab.allocate(70'000), 70'000);
    EXPECT_LT(slab.memory_bytes(), 1'000u);
    const uint32_t a = slab.allocate(1'000);
    const uint32_t b = slab.allocate(2'000);
    EXPECT_NE(slab.at(a), slab.at(b));
    EXPECT_GT(slab.memory_bytes(), 3'000u);
}

}  // namespace
}  // namespace godwit::topic
