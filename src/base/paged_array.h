// PagedArray: a growing array in pages of some KiB, so that growing never copies what is there and
// wastes less than one page: for tables with a row for each of millions of things.
#pragma once

#include "base/assert.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace godwit {

/// T is default constructible; new elements are T{}. References stay valid while it lives.
/// @cost  access: two loads; growing: one allocation a page, never a copy of elements
template <class T>
class PagedArray {
public:
    static constexpr size_t kPageCount = 1024;  // elements of a page; a power of two

    size_t size() const { return size_; }
    T& operator[](size_t i) { return pages_[i / kPageCount][i % kPageCount]; }
    const T& operator[](size_t i) const { return pages_[i / kPageCount][i % kPageCount]; }
    /// Elements 0 .. count-1 are there afterwards; it never shrinks.
    void grow_to(size_t count) {
        if (count <= size_) return;
        if (count > pages_.size() * kPageCount) add_pages(count);
        size_ = count;
    }

    PagedArray() = default;
    PagedArray(PagedArray&& other) noexcept
        : pages_(std::move(other.pages_)), size_(std::exchange(other.size_, 0)) {}
    PagedArray& operator=(PagedArray&& other) noexcept {
        pages_ = std::move(other.pages_);
        size_ = std::exchange(other.size_, 0);
        return *this;
    }
    PagedArray(const PagedArray&) = delete;
    PagedArray& operator=(const PagedArray&) = delete;
    ~PagedArray() = default;

    size_t memory_bytes() const {
        return pages_.size() * kPageCount * sizeof(T) + pages_.capacity() * sizeof(pages_[0]);
    }

private:
    [[gnu::noinline]] void add_pages(size_t count) {
        while (pages_.size() * kPageCount < count)
            pages_.push_back(std::make_unique<T[]>(kPageCount));
    }

    std::vector<std::unique_ptr<T[]>> pages_;
    size_t size_ = 0;
};

}  // namespace godwit
