#include "base/log.h"

#include "base/assert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace godwit {

namespace {

constexpr std::string_view kEllipsis = "...";
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD
constexpr size_t kCodePointBytesMax = 4;

struct CodePoint {
    uint32_t value = 0;
    size_t bytes = 0;  // 0: no well-formed UTF-8 here
};

/// The well-formed code point at the front; U+0000 counts as well-formed.
/// Source: Unicode 15, table 3-7, told by ranges of the value instead of the second byte.
CodePoint decode_front(std::string_view text) {
    const auto at = [&](size_t i) { return uint32_t(uint8_t(text[i])); };
    const uint32_t lead = at(0);
    if (lead < 0x80) return {lead, 1};
    const size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
    uint32_t value = lead & (0x7fu >> bytes);
    for (size_t i = 1; i < bytes; ++i) {
        if ((at(i) & 0xc0) != 0x80) return {};
        value = value << 6 | (at(i) & 0x3f);
    }
    constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < kLeast[bytes] || value > 0x10ffff || surrogate) return {};
    return {value, bytes};
}

/// Moves the cursor, starts a line or turns the reading direction round on somebody's screen.
bool is_unsafe(uint32_t code_point) {
    const auto within = [&](uint32_t low, uint32_t high) {
        return code_point >= low && code_point <= high;
    };
    return within(0, 0x1f) || within(0x7f, 0x9f) || code_point == 0x61c || within(0x200e, 0x200f) ||
           within(0x2028, 0x202e) || within(0x2066, 0x2069);
}

/// How a code point is written between quotes. @param raw its UTF-8
std::string escape(uint32_t code_point, std::string_view raw) {
    switch (code_point) {
        case '"':
            return "\\\"";
        case '\\':
            return "\\\\";
        case '\n':
            return "\\n";
        case '\r':
            return "\\r";
        case '\t':
            return "\\t";
        default:
            break;
    }
    return is_unsafe(code_point) ? fmt::format("\\u{:04x}", code_point) : std::string(raw);
}

/// Between quotes, escaped, cut to kLogValueBytesMax. Good for JSON and for logfmt.
void append_quoted(std::string& out, std::string_view value) {
    out += '"';
    const size_t end = out.size() + kLogValueBytesMax;
    while (!value.empty()) {
        const CodePoint next = decode_front(value);
        const size_t taken = std::max<size_t>(next.bytes, 1);
        const std::string piece = next.bytes == 0 ? std::string(kReplacement)
                                                  : escape(next.value, value.substr(0, taken));
        if (out.size() + piece.size() > end) {
            out += kEllipsis;
            break;
        }
        out += piece;
        value.remove_prefix(taken);
    }
    out += '"';
}

bool is_bare_logfmt(std::string_view value) {
    const auto plain = [](char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    };
    return !value.empty() && value.size() <= kLogValueBytesMax &&
           std::all_of(value.begin(), value.end(), plain);
}

void append_logfmt(std::string& out, std::string_view key, std::string_view value, bool is_text) {
    if (!out.empty()) out += ' ';
    out += key;
    out += '=';
    if (!is_text || is_bare_logfmt(value))
        out += value;
    else
        append_quoted(out, value);
}

void append_json(std::string& out, std::string_view key, std::string_view value, bool is_text) {
    out += out.empty() ? '{' : ',';
    append_quoted(out, key);
    out += ':';
    if (is_text)
        append_quoted(out, value);
    else
        out += value;
}

bool is_key(std::string_view key) {
    const auto allowed = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
    };
    return !key.empty() && std::all_of(key.begin(), key.end(), allowed);
}

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warning", "error"};

}  // namespace

std::string_view to_text(LogLevel level) {
    return kLevelNames[size_t(level)];
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
    const auto found = std::find(kLevelNames.begin(), kLevelNames.end(), text);
    if (found == kLevelNames.end()) return std::nullopt;
    return LogLevel(found - kLevelNames.begin());
}

std::string format_utc(WallTime time) {
    const auto point =
        std::chrono::sys_time<std::chrono::milliseconds>(std::chrono::milliseconds(time.unix_ms));
    const auto day = std::chrono::floor<std::chrono::days>(point);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(point - day);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", int(date.year()),
                       unsigned(date.month()), unsigned(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count(),
                       clock.subseconds().count());
}

LogLine::LogLine(LogLevel level, std::string_view event) : level_(level), event_(event) {}

LogLine& LogLine::add(std::string_view key, std::string_view value) {
    GW_ASSERT(is_key(key));
    // One code point more than is shown, so that format() sees that something was cut.
    const std::string_view kept = value.substr(0, kLogValueBytesMax + kCodePointBytesMax);
    fields_.push_back({std::string(key), std::string(kept), true});
    return *this;
}

LogLine& LogLine::add(std::string_view key, bool value) {
    return add_bare(key, value ? "true" : "false");
}

LogLine& LogLine::add_bare(std::string_view key, std::string value) {
    GW_ASSERT(is_key(key));
    fields_.push_back({std::string(key), std::move(value), false});
    return *this;
}

std::string LogLine::format(LogFormat format, WallTime now) const {
    return format == LogFormat::Json ? format_json(now) : format_logfmt(now);
}

std::string LogLine::format_logfmt(WallTime now) const {
    std::string out;
    append_logfmt(out, "time", format_utc(now), true);
    append_logfmt(out, "level", to_text(level_), true);
    append_logfmt(out, "event", event_, true);
    for (const Field& field : fields_) append_logfmt(out, field.key, field.value, field.is_text);
    return out;
}

std::string LogLine::format_json(WallTime now) const {
    std::string out;
    append_json(out, "time", format_utc(now), true);
    append_json(out, "level", to_text(level_), true);
    append_json(out, "event", event_, true);
    for (const Field& field : fields_) append_json(out, field.key, field.value, field.is_text);
    out += '}';
    return out;
}

}  // namespace godwit
