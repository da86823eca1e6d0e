#include "base/paged_array.h"

#include <gtest/gtest.h>

namespace godwit {
namespace {

TEST(PagedArray, GrowsWithoutMovingWhatIsThere) {
    PagedArray<uint64_t> array;
    array.grow_to(1);
    uint64_t* first = &array[0];
    *first = 7;
    for (size_t i = 1; i < 10000; ++i) {
        array.grow_to(i + 1);
        EXPECT_EQ(array[i], 0u);
        array[i] = i;
    }
    EXPECT_EQ(array.size(), 10000u);
    EXPECT_EQ(&array[0], first);
    EXPECT_EQ(array[0], 7u);
    for (size_t i = 1; i < 10000; ++i) ASSERT_EQ(array[i], i);
}

TEST(PagedArray, NeverShrinks) {
    PagedArray<int> array;
    array.grow_to(5);
    array.grow_to(3);
    EXPECT_EQ(array.size(), 5u);
}

TEST(PagedArray, WastesLessThanAPage) {
    PagedArray<uint64_t> array;
    const size_t count = 1'000'000;
    array.grow_to(count);
    EXPECT_LE(array.memory_bytes(),
              (count + PagedArray<uint64_t>::kPageCount) * sizeof(uint64_t) + count / 32);
}

}  // namespace
}  // namespace godwit
