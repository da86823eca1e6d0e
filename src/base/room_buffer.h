// RoomBuffer: bytes that grow, of which new ones are as the memory was: for who writes all of them
// anyway. The first lies where a page begins, as a disk wants what is written past the system's
// cache.
#pragma once

#include "base/bytes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace godwit {

class RoomBuffer {
public:
    RoomBuffer() = default;
    RoomBuffer(RoomBuffer&& other) noexcept { *this = std::move(other); }
    RoomBuffer& operator=(RoomBuffer&& other) noexcept {
        bytes_ = std::move(other.bytes_);
        size_ = std::exchange(other.size_, 0);
        capacity_ = std::exchange(other.capacity_, 0);
        return *this;
    }
    ~RoomBuffer() = default;

    const uint8_t* data() const { return bytes_.get(); }
    uint8_t* data() { return bytes_.get(); }
    size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    size_t capacity() const { return capacity_; }
    const uint8_t* begin() const { return data(); }
    const uint8_t* end() const { return data() + size_; }
    uint8_t* begin() { return data(); }
    uint8_t* end() { return data() + size_; }

    /// @return  the first of that many bytes more: valid until the next call. @cost  a copy of all
    ///          where it has no room left; then it has as much again
    uint8_t* extend(size_t count) {
        if (count > capacity_ - size_) reserve(std::max(size_ + count, 2 * capacity_));
        size_ += count;
        return data() + size_ - count;
    }
    void append_zeros(size_t count) {
        if (count > 0) std::memset(extend(count), 0, count);
    }
    /// Room for that many in all. Much room is taken from the system as it is used.
    void reserve(size_t capacity) {
        if (capacity <= capacity_) return;
        std::unique_ptr<uint8_t[], Free> more(
            static_cast<uint8_t*>(::operator new(capacity, kAlignment)));
        if (size_ > 0) std::memcpy(more.get(), data(), size_);
        bytes_ = std::move(more);
        capacity_ = capacity;
    }
    /// Keeps the first `size` of them, and the memory.
    void cut(size_t size) { size_ = std::min(size_, size); }

private:
    static constexpr std::align_val_t kAlignment{4096};
    struct Free {
        void operator()(uint8_t* at) const { ::operator delete(at, kAlignment); }
    };

    std::unique_ptr<uint8_t[], Free> bytes_;
    size_t size_ = 0;
    size_t capacity_ = 0;
};

}  // namespace godwit
