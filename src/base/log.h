// Log lines: one event a line, as logfmt or JSON. A line is built here and written by src/os, since
// base knows neither the time nor a file.
//   time=2026-01-02T03:04:05.678Z level=warning event=connect.refused client="a b" reason=banned
//   {"time":"2026-01-02T03:04:05.678Z","level":"warning","event":"connect.refused","client":"a b"}
// Values come from peers too: whatever is in them, a line stays one line, keeps its fields apart,
// and is valid UTF-8 (and JSON) that does nothing to a terminal.
// Source: RFC 8259 (JSON), RFC 3339 (time); logfmt has no standard: quoting as go-logfmt reads it.
#pragma once

#include "base/instant.h"

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit {

enum class LogLevel : uint8_t { Debug, Info, Warning, Error };
enum class LogFormat : uint8_t { Logfmt, Json };

/// "debug", "info", "warning", "error"
std::string_view to_text(LogLevel level);
/// The inverse of to_text; nullopt for anything else.
std::optional<LogLevel> parse_log_level(std::string_view text);

/// A value is written in at most this many bytes, escapes included; what is longer ends in "...".
inline constexpr size_t kLogValueBytesMax = 256;

/// "2026-01-02T03:04:05.678Z"
std::string format_utc(WallTime time);

/// log(LogLine(LogLevel::Info, "client.connected").add("client", id).add("bytes", 12));
class LogLine {
public:
    /// @param event  what happened, "noun.verb"; a literal, not a peer's text
    LogLine(LogLevel level, std::string_view event);

    /// Fields appear in the order they were added; a key may be added twice.
    /// @param key    a-z, 0-9, '_' and '.'; a literal (GW_ASSERT)
    /// @param value  any bytes; copied as far as it will be shown
    LogLine& add(std::string_view key, std::string_view value);
    LogLine& add(std::string_view key, const char* value) {
        return add(key, std::string_view(value));
    }
    LogLine& add(std::string_view key, const std::string& value) {
        return add(key, std::string_view(value));
    }
    LogLine& add(std::string_view key, bool value);
    template <std::integral Number>
    LogLine& add(std::string_view key, Number value) {
        return add_bare(key, std::to_string(value));
    }

    LogLevel level() const { return level_; }

    /// Without a newline at the end. Invalid UTF-8 is shown as U+FFFD.
    /// @cost  one pass over the values, one string
    std::string format(LogFormat format, WallTime now) const;

private:
    struct Field {
        std::string key;
        std::string value;
        bool is_text = true;  // false: number or truth value, never quoted
    };
    LogLine& add_bare(std::string_view key, std::string value);
    std::string format_logfmt(WallTime now) const;
    std::string format_json(WallTime now) const;

    LogLevel level_;
    std::string event_;
    std::vector<Field> fields_;
};

}  // namespace godwit
