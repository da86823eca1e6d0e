// Bytes: a borrowed view of memory. Buffer: owned, growing bytes. Big-endian writing and reading,
// as all network formats here want it.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit {

using Bytes = std::span<const uint8_t>;
using Buffer = std::vector<uint8_t>;

inline Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// --- appending, big-endian ---

inline void put_u8(Buffer& out, uint8_t value) {
    out.push_back(value);
}
inline void put_u16(Buffer& out, uint16_t value) {
    const uint8_t raw[] = {uint8_t(value >> 8), uint8_t(value)};
    out.insert(out.end(), raw, raw + 2);
}
inline void put_u32(Buffer& out, uint32_t value) {
    const uint8_t raw[] = {uint8_t(value >> 24), uint8_t(value >> 16), uint8_t(value >> 8),
                           uint8_t(value)};
    out.insert(out.end(), raw, raw + 4);
}
inline void put_u64(Buffer& out, uint64_t value) {
    uint8_t raw[8];
    for (int i = 0; i < 8; ++i) raw[i] = uint8_t(value >> (56 - 8 * i));
    out.insert(out.end(), raw, raw + 8);
}
inline void put_bytes(Buffer& out, Bytes bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}
inline void put_text(Buffer& out, std::string_view text) {
    put_bytes(out, as_bytes(text));
}

/// Reads fields from the front of a view. Every read says whether the bytes were there;
/// after a failed read the reader stands where it stood.
class ByteReader {
public:
    explicit ByteReader(Bytes bytes) : rest_(bytes), begin_(bytes.data()) {}

    bool empty() const { return rest_.empty(); }
    size_t remaining() const { return rest_.size(); }
    Bytes rest() const { return rest_; }
    /// Bytes consumed so far: where the next field begins.
    size_t offset() const { return size_t(rest_.data() - begin_); }

    std::optional<uint8_t> u8() {
        if (rest_.empty()) return std::nullopt;
        const uint8_t value = rest_[0];
        rest_ = rest_.subspan(1);
        return value;
    }
    std::optional<uint16_t> u16() {
        if (rest_.size() < 2) return std::nullopt;
        const auto value = uint16_t(rest_[0] << 8 | rest_[1]);
        rest_ = rest_.subspan(2);
        return value;
    }
    std::optional<uint32_t> u32() {
        if (rest_.size() < 4) return std::nullopt;
        const uint32_t value = uint32_t(rest_[0]) << 24 | uint32_t(rest_[1]) << 16 |
                               uint32_t(rest_[2]) << 8 | rest_[3];
        rest_ = rest_.subspan(4);
        return value;
    }
    std::optional<Bytes> bytes(size_t count) {
        if (rest_.size() < count) return std::nullopt;
        const Bytes value = rest_.first(count);
        rest_ = rest_.subspan(count);
        return value;
    }

private:
    Bytes rest_;
    const uint8_t* begin_;
};

}  // namespace godwit
