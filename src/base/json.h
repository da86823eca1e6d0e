// JSON as far as printing needs it: a text in quotes, and whether bytes are JSON at all.
// Source: RFC 8259.
#pragma once

#include <string>
#include <string_view>

namespace godwit {

/// Appends `text` in quotes. What is not UTF-8 appears as U+FFFD.
void append_json_text(std::string& out, std::string_view text);

/// Whether `text` is one JSON value, blanks around it allowed. Nesting deeper than
/// kJsonDepthMax is refused. Strings must be UTF-8.
/// @cost  one pass, no recursion
bool is_json(std::string_view text);
inline constexpr size_t kJsonDepthMax = 512;

}  // namespace godwit
