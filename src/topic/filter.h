// Topic filters and topic names: what is well formed, and which filter matches which name.
// A name is what PUBLISH carries ("plant/7/temp"); a filter is what SUBSCRIBE carries
// ("plant/+/temp"). UTF-8, 1..65535 bytes, cut at '/'. An empty level is a level: "/a" has two.
// Nothing is normalized: bytes are compared [MQTT5-4.7.3-4].
// Source: MQTT 5.0 sections 4.7 and 4.8.2, MQTT 3.1.1 section 4.7.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace godwit::topic {

inline constexpr size_t kTopicBytesMax = 65535;

enum class FilterError : uint8_t { Empty, TooLong, NotUtf8, MisplacedWildcard, BadShareName };

struct ParsedFilter {
    std::string_view share;   // "billing" in "$share/billing/plant/#"; empty if not shared
    std::string_view filter;  // "plant/#"
};

/// Checks a filter off the wire and splits the share name from it.
/// @param raw  borrowed; the result points into it
/// @errors     size first, then UTF-8 (U+0000 included), then the share name, then the filter from
///             the left. MisplacedWildcard means "a+" or "a/#/b". BadShareName means a name that is
///             empty, holds '+' or '#', or is not followed by '/'. Empty is also "$share/a/".
///             "$share" without a '/' is an ordinary filter.
/// @cost       one pass for UTF-8, one for the levels, no allocation
/// @source     [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] [MQTT5-4.7.3-1] [MQTT5-4.7.3-2] [MQTT5-4.7.3-3]
///             [MQTT5-4.8.2-1] [MQTT5-4.8.2-2]
Result<ParsedFilter, FilterError> parse_filter(std::string_view raw);

/// The same for a client to whom "$share/..." is a filter like any other, as MQTT 3.1.1 reads it:
/// `share` is always empty, BadShareName never comes.
Result<ParsedFilter, FilterError> parse_plain_filter(std::string_view raw);

enum class NameError : uint8_t { Empty, TooLong, NotUtf8, HasWildcard };

/// Checks the topic name of a PUBLISH or a will.
/// @errors  size first, then UTF-8 (U+0000 included), then '+' and '#' anywhere
/// @source  [MQTT5-3.3.2-1] [MQTT5-3.3.2-2] [MQTT5-4.7.0-1] [MQTT5-4.7.3-1] [MQTT5-4.7.3-2]
///          [MQTT5-4.7.3-3]
Result<Done, NameError> check_name(std::string_view name);

/// Levels of a name or filter: one more than it has '/'.
uint32_t level_count(std::string_view topic);
/// Cheaper than counting where the topic is short.
bool has_more_levels(std::string_view topic, uint32_t than);

/// Whether a well-formed filter (without its "$share/x/") matches a well-formed name. "a/#" matches
/// "a" too; a filter that begins with a wildcard matches no name that begins with '$'.
/// @cost    linear in the shorter of the two, iterative, no allocation
/// @source  [MQTT5-4.7.1-1] [MQTT5-4.7.1-2] [MQTT5-4.7.2-1] [MQTT5-4.7.3-4]
bool matches(std::string_view filter, std::string_view name);

/// Whether a well-formed filter can match more than one name.
bool has_wildcard(std::string_view filter);

/// For log lines: lower case, no full stop.
std::string_view error_text(FilterError error);
std::string_view error_text(NameError error);

}  // namespace godwit::topic
