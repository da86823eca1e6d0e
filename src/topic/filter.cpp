#include "topic/filter.h"

#include "base/mutant.h"
#include "base/utf8.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace godwit::topic {

namespace {

constexpr std::string_view kSharePrefix = "$share/";

/// [MQTT5-4.7.1-1] '#' is a whole level and the last; [MQTT5-4.7.1-2] '+' is a whole level.
bool has_misplaced_wildcard(std::string_view filter) {
    for (size_t at = filter.find_first_of("+#"); at != std::string_view::npos;
         at = filter.find_first_of("+#", at + 1)) {
        const bool is_last_byte = at + 1 == filter.size();
        if (at > 0 && filter[at - 1] != '/') return true;
        if (!is_last_byte && (filter[at] == '#' || filter[at + 1] != '/')) return true;
    }
    return false;
}

Result<ParsedFilter, FilterError> check_levels(std::string_view share, std::string_view filter) {
    if (filter.empty()) return Err{FilterError::Empty};
    if (has_misplaced_wildcard(filter)) return Err{FilterError::MisplacedWildcard};
    return ParsedFilter{share, filter};
}

/// Eight bytes at a time: '+' and '#' differ in one bit.
bool word_has_wildcard(const char* at) {
    constexpr uint64_t kOnes = 0x0101010101010101, kHighs = 0x80 * kOnes;
    uint64_t word;
    std::memcpy(&word, at, sizeof word);
    const uint64_t zero_where_found = (word | ('+' ^ '#') * kOnes) ^ '+' * kOnes;
    return ((zero_where_found - kOnes) & ~zero_where_found & kHighs) != 0;
}

}  // namespace

Result<ParsedFilter, FilterError> parse_plain_filter(std::string_view raw) {
    if (raw.empty()) return Err{FilterError::Empty};
    if (raw.size() > kTopicBytesMax) return Err{FilterError::TooLong};
    if (!is_mqtt_utf8(raw)) return Err{FilterError::NotUtf8};
    return check_levels({}, raw);
}

Result<ParsedFilter, FilterError> parse_filter(std::string_view raw) {
    if (!raw.starts_with(kSharePrefix)) return parse_plain_filter(raw);
    if (raw.size() > kTopicBytesMax) return Err{FilterError::TooLong};
    if (!is_mqtt_utf8(raw)) return Err{FilterError::NotUtf8};
    const std::string_view rest = raw.substr(kSharePrefix.size());
    const size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return Err{FilterError::BadShareName};
    const std::string_view share = rest.substr(0, slash);
    if (share.empty() || has_wildcard(share)) return Err{FilterError::BadShareName};
    return check_levels(share, rest.substr(slash + 1));
}

Result<Done, NameError> check_name(std::string_view name) {
    if (name.empty()) return Err{NameError::Empty};
    if (name.size() > kTopicBytesMax) return Err{NameError::TooLong};
    if (!is_mqtt_utf8(name)) return Err{NameError::NotUtf8};
    if (has_wildcard(name)) return Err{NameError::HasWildcard};
    return Done{};
}

uint32_t level_count(std::string_view topic) {
    return uint32_t(std::count(topic.begin(), topic.end(), '/')) + 1;
}

bool has_more_levels(std::string_view topic, uint32_t than) {
    return topic.size() >= than && level_count(topic) > than;
}

bool matches(std::string_view filter, std::string_view name) {
    const char* f = filter.data();
    const char* const f_end = f + filter.size();
    const char* n = name.data();
    const char* const n_end = n + name.size();
    const bool hidden = n != n_end && *n == '$' && !GW_MUTANT(WildcardTakesDollar);
    if (hidden && f != f_end && (*f == '+' || *f == '#')) return false;
    for (;;) {  // f and n stand at the first byte of a level each
        if (f != f_end && *f == '#') return true;
        if (f != f_end && *f == '+') {
            ++f;
            while (n != n_end && *n != '/') ++n;
        } else {
            while (f != f_end && n != n_end && *f == *n && *f != '/') ++f, ++n;
        }
        if (f != f_end && *f != '/') return false;
        if (n != n_end && *n != '/') return false;
        if (n == n_end) return f == f_end || std::string_view(f, size_t(f_end - f)) == "/#";
        if (f == f_end) return false;
        ++f, ++n;
    }
}

bool has_wildcard(std::string_view filter) {
    constexpr size_t kWord = sizeof(uint64_t);
    const char* at = filter.data();
    const char* const end = at + filter.size();
    for (; end - at >= ptrdiff_t(kWord); at += kWord)
        if (word_has_wildcard(at)) return true;
    // The last few bytes, together with some that were looked at before.
    if (filter.size() >= kWord) return at != end && word_has_wildcard(end - kWord);
    for (; at != end; ++at)
        if (*at == '+' || *at == '#') return true;
    return false;
}

std::string_view error_text(FilterError error) {
    switch (error) {
        case FilterError::Empty:
            return "topic filter is empty";
        case FilterError::TooLong:
            return "topic filter is longer than 65535 bytes";
        case FilterError::NotUtf8:
            return "topic filter is not UTF-8 without U+0000";
        case FilterError::MisplacedWildcard:
            return "topic filter has a misplaced wildcard";
        case FilterError::BadShareName:
            return "share name is empty, holds a wildcard or ends early";
    }
    return "unknown topic filter error";
}

std::string_view error_text(NameError error) {
    switch (error) {
        case NameError::Empty:
            return "topic name is empty";
        case NameError::TooLong:
            return "topic name is longer than 65535 bytes";
        case NameError::NotUtf8:
            return "topic name is not UTF-8 without U+0000";
        case NameError::HasWildcard:
            return "topic name holds a wildcard";
    }
    return "unknown topic name error";
}

}  // namespace godwit::topic
