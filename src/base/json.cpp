#include "base/json.h"

#include "base/utf8.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace godwit {

namespace {

/// Bytes of the UTF-8 character at the front; 0 when it is none. U+0000 is one here.
size_t character_bytes(std::string_view text) {
    const auto first = uint8_t(text.front());
    if (first < 0x80) return 1;
    const size_t size = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (text.size() < size || !is_mqtt_utf8(text.substr(0, size))) return 0;
    return size;
}

void append_escaped(std::string& out, char c) {
    constexpr std::string_view kShort = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetters = "\"\\bfnrt";
    const size_t at = kShort.find(c);
    if (at != std::string_view::npos) {
        out += '\\';
        out += kLetters[at];
    } else if (uint8_t(c) < 0x20 || c == 0x7f) {
        out += fmt::format("\\u{:04x}", uint8_t(c));
    } else {
        out += c;
    }
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
    out += '"';
    while (!text.empty()) {
        const size_t size = character_bytes(text);
        if (size == 1)
            append_escaped(out, text.front());
        else
            out += size == 0 ? std::string_view("\xef\xbf\xbd") : text.substr(0, size);
        text.remove_prefix(std::max<size_t>(size, 1));
    }
    out += '"';
}

// --- is it JSON ---

namespace {

class JsonReader {
public:
    explicit JsonReader(std::string_view text) : rest_(text) {}

    bool is_one_value() {
        do {
            if (!value_or_opening()) return false;
        } while (!closed_all());
        return !failed_ && rest_.empty();
    }

private:
    /// A whole scalar, an empty array or object, or the opening of one with its first key.
    bool value_or_opening() {
        skip_blanks();
        if (take('[')) return open(']');
        if (take('{')) return open('}') && (opened_empty_ || key());
        opened_empty_ = true;  // a scalar is complete
        if (take('"')) return text();
        for (const std::string_view word : {"true", "false", "null"})
            if (rest_.starts_with(word)) return rest_.remove_prefix(word.size()), true;
        return number();
    }

    bool open(char closing) {
        skip_blanks();
        opened_empty_ = take(closing);
        if (!opened_empty_) open_.push_back(closing);
        return open_.size() + (opened_empty_ ? 1 : 0) <= kJsonDepthMax;
    }

    /// After a value: what follows in the arrays and objects around it.
    /// @return  true when the outermost is closed, or on a fault; false when a value must follow
    bool closed_all() {
        if (!opened_empty_) return false;
        while (!open_.empty()) {
            skip_blanks();
            if (take(open_.back())) {
                open_.pop_back();
                continue;
            }
            if (take(',') && (open_.back() == ']' || key())) return false;
            failed_ = true;
            return true;
        }
        skip_blanks();
        return true;
    }

    bool key() {
        skip_blanks();
        if (!take('"') || !text()) return false;
        skip_blanks();
        return take(':');
    }

    bool text() {
        while (!rest_.empty()) {
            if (take('"')) return true;
            if (uint8_t(rest_.front()) < 0x20) return false;
            if (take('\\')) {
                if (!escape()) return false;
                continue;
            }
            const size_t size = character_bytes(rest_);
            if (size == 0) return false;
            rest_.remove_prefix(size);
        }
        return false;
    }

    bool escape() {
        if (rest_.empty()) return false;
        const char c = rest_.front();
        rest_.remove_prefix(1);
        if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
        if (rest_.size() < 4) return false;
        const std::string_view hex = rest_.substr(0, 4);
        rest_.remove_prefix(4);
        return hex.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    }

    bool number() {
        take('-');
        if (!take('0') && !digits()) return false;
        if (take('.') && !digits()) return false;
        if (!take('e') && !take('E')) return true;
        if (!take('+')) take('-');
        return digits();
    }

    bool digits() {
        const size_t count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        rest_.remove_prefix(count);
        return count > 0;
    }

    bool take(char c) {
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
    }

    std::string_view rest_;
    std::vector<char> open_;  // the brackets that will close what is open
    bool opened_empty_ = false;
    bool failed_ = false;
};

}  // namespace

bool is_json(std::string_view text) {
    return JsonReader(text).is_one_value();
}

}  // namespace godwit
