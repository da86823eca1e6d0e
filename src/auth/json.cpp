#include "auth/json.h"

#include "base/utf8.h"

#include <algorithm>
#include <charconv>

namespace godwit::auth {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, uint32_t point) {
    if (point < 0x80) {
        out += char(point);
    } else if (point < 0x800) {
        out += char(0xc0 | point >> 6);
        out += char(0x80 | (point & 63));
    } else if (point < 0x1'0000) {
        out += char(0xe0 | point >> 12);
        out += char(0x80 | (point >> 6 & 63));
        out += char(0x80 | (point & 63));
    } else {
        out += char(0xf0 | point >> 18);
        out += char(0x80 | (point >> 12 & 63));
        out += char(0x80 | (point >> 6 & 63));
        out += char(0x80 | (point & 63));
    }
}

/// Each step takes what it reads off the front of `rest_`, or says no; then `fault_` may say more.
class JsonReader {
public:
    explicit JsonReader(std::string_view text) : rest_(text) {}

    Result<Json, std::string> read() {
        Json value;
        if (!is_mqtt_utf8(rest_)) return Err{std::string("it is not UTF-8")};
        if (!read_value(value, 0)) return Err{std::string(fault_)};
        skip_blanks();
        if (!rest_.empty()) return Err{std::string(fault_)};
        return value;
    }

private:
    bool fail(const char* why) {
        fault_ = why;
        return false;
    }
    void skip_blanks() {
        rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size()));
    }
    bool take(char c) {
        if (!rest_.starts_with(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take_word(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    bool read_value(Json& out, size_t depth) {
        skip_blanks();
        if (rest_.empty()) return false;
        switch (rest_.front()) {
            case '{':
                out.kind = Json::Kind::Object;
                return read_object(out, depth + 1);
            case '[':
                out.kind = Json::Kind::List;
                return read_list(out, depth + 1);
            case '"':
                out.kind = Json::Kind::Text;
                return read_text(out.text);
            case 't':
            case 'f':
                out.kind = Json::Kind::Flag;
                out.flag = rest_.front() == 't';
                return take_word(out.flag ? "true" : "false");
            case 'n':
                return take_word("null");
            default:
                out.kind = Json::Kind::Number;
                return read_number(out.text);
        }
    }

    bool read_object(Json& out, size_t depth) {
        if (depth > kJsonNestingMax) return fail("it is nested too deeply");
        take('{');
        skip_blanks();
        if (take('}')) return true;
        do {
            JsonMember member;
            skip_blanks();
            if (!read_text(member.name)) return false;
            if (out.find(member.name)) return fail("a member is there twice");
            if (out.members.size() == kJsonMembersMax) return fail("it has too many members");
            skip_blanks();
            if (!take(':') || !read_value(member.value, depth)) return false;
            out.members.push_back(std::move(member));
            skip_blanks();
        } while (take(','));
        return take('}');
    }

    bool read_list(Json& out, size_t depth) {
        if (depth > kJsonNestingMax) return fail("it is nested too deeply");
        take('[');
        skip_blanks();
        if (take(']')) return true;
        do {
            if (!read_value(out.list.emplace_back(), depth)) return false;
            skip_blanks();
        } while (take(','));
        return take(']');
    }

    bool read_text(std::string& out) {
        if (!take('"')) return false;
        while (!rest_.empty()) {
            const char c = rest_.front();
            rest_.remove_prefix(1);
            if (c == '"') return true;
            if (uint8_t(c) < 0x20) return false;
            if (c != '\\')
                out += c;
            else if (!read_escape(out))
                return false;
        }
        return false;
    }

    bool read_escape(std::string& out) {
        static constexpr std::string_view kNames = "\"\\/bfnrt";
        static constexpr std::string_view kValues = "\"\\/\b\f\n\r\t";
        if (rest_.empty()) return false;
        const char name = rest_.front();
        rest_.remove_prefix(1);
        if (name == 'u') return read_code_point(out);
        const size_t at = kNames.find(name);
        if (at == kNames.npos) return false;
        out += kValues[at];
        return true;
    }

    std::optional<uint32_t> read_four_digits() {
        if (rest_.size() < 4) return std::nullopt;
        uint32_t value = 0;
        const char* const end = rest_.data() + 4;
        if (std::from_chars(rest_.data(), end, value, 16).ptr != end) return std::nullopt;
        rest_.remove_prefix(4);
        return value;
    }

    bool read_code_point(std::string& out) {
        const auto first = read_four_digits();
        if (!first || *first == 0 || (*first >= 0xdc00 && *first < 0xe000)) return false;
        if (*first < 0xd800 || *first >= 0xe000) {
            append_utf8(out, *first);
            return true;
        }
        if (!take('\\') || !take('u')) return false;
        const auto second = read_four_digits();
        if (!second || *second < 0xdc00 || *second >= 0xe000) return false;
        append_utf8(out, 0x1'0000 + ((*first - 0xd800) << 10) + (*second - 0xdc00));
        return true;
    }

    size_t skip_digits() {
        const size_t count =
            size_t(std::find_if_not(rest_.begin(), rest_.end(), is_digit) - rest_.begin());
        rest_.remove_prefix(count);
        return count;
    }

    bool read_number(std::string& out) {
        const std::string_view begin = rest_;
        take('-');
        const bool leading_zero = rest_.starts_with('0');
        const size_t digits = skip_digits();
        if (digits == 0 || (leading_zero && digits > 1)) return false;
        if (take('.') && skip_digits() == 0) return false;
        if (take('e') || take('E')) {
            if (!take('-')) take('+');
            if (skip_digits() == 0) return false;
        }
        out = begin.substr(0, begin.size() - rest_.size());
        return true;
    }

    std::string_view rest_;
    const char* fault_ = "it is no JSON";
};

}  // namespace

const Json* Json::find(std::string_view name) const {
    const auto found = std::ranges::find(members, name, &JsonMember::name);
    return found == members.end() ? nullptr : &found->value;
}

const std::string* Json::find_text(std::string_view name) const {
    const Json* value = find(name);
    return value && value->kind == Kind::Text ? &value->text : nullptr;
}

std::optional<double> Json::number() const {
    double value = 0;
    if (kind != Kind::Number) return std::nullopt;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Result<Json, std::string> parse_json(std::string_view text) {
    return JsonReader(text).read();
}

}  // namespace godwit::auth
