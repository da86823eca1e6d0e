#include "auth/base64.h"

namespace godwit::auth {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string_view without_padding(std::string_view text) {
    if (text.size() % 4 != 0) return text;
    if (text.ends_with("==")) return text.substr(0, text.size() - 2);
    if (text.ends_with('=')) return text.substr(0, text.size() - 1);
    return text;
}

constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::optional<Buffer> decode(std::string_view text, std::string_view alphabet) {
    if (text.size() % 4 == 1) return std::nullopt;
    Buffer bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const char c : text) {
        const size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        bits = (bits << 6) | uint32_t(digit);
        bit_count += 6;
        if (bit_count < 8) continue;
        bit_count -= 8;
        bytes.push_back(uint8_t(bits >> bit_count));
        bits &= (1u << bit_count) - 1;
    }
    if (bits != 0) return std::nullopt;  // two texts for the same bytes
    return bytes;
}

}  // namespace

std::optional<Buffer> decode_base64(std::string_view text) {
    return decode(without_padding(text), kAlphabet);
}

std::optional<Buffer> decode_base64url(std::string_view text) {
    return decode(text, kUrlAlphabet);
}

std::string encode_base64(Bytes bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    uint32_t bits = 0;
    unsigned bit_count = 0;
    for (const uint8_t byte : bytes) {
        bits = (bits << 8) | byte;
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            text.push_back(kAlphabet[(bits >> bit_count) & 63]);
        }
    }
    if (bit_count > 0) text.push_back(kAlphabet[(bits << (6 - bit_count)) & 63]);
    return text;
}

}  // namespace godwit::auth
