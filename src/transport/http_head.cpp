#include "transport/http_head.h"

#include <algorithm>

namespace godwit::transport {

namespace {

using Parsed = Result<HttpHead, const char*>;

constexpr std::string_view kLineEnd = "\r\n";
constexpr std::string_view kHeadEnd = "\r\n\r\n";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? char(c + ('a' - 'A')) : c;
}

bool is_visible(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

/// Blanks, tabs, visible ASCII and bytes above it.
bool is_field_text(std::string_view text) {
    return std::ranges::all_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte == '\t' || (byte >= ' ' && byte != 0x7f);
    });
}

std::string_view trim(std::string_view text) {
    const size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The text up to CRLF, which is taken too. The head ends with one, so it is always there.
std::string_view take_line(std::string_view& text) {
    const size_t end = text.find(kLineEnd);
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + kLineEnd.size());
    return line;
}

Parsed parse_start_line(std::string_view line) {
    const size_t one = line.find(' ');
    const size_t two = one == std::string_view::npos ? one : line.find(' ', one + 1);
    if (two == std::string_view::npos) return Err{"malformed start line"};
    HttpHead head{
        line.substr(0, one), line.substr(one + 1, two - one - 1), line.substr(two + 1), {}};
    const bool answer = head.first.starts_with("HTTP/");
    // The third part is a version or, of an answer, a reason phrase, which may hold blanks.
    if (!(answer ? is_visible(head.first) : is_http_token(head.first)) ||
        !is_visible(head.second) || !(answer ? is_field_text(head.third) : is_visible(head.third)))
        return Err{"malformed start line"};
    return head;
}

Result<HttpField, const char*> parse_field(std::string_view line) {
    if (line[0] == ' ' || line[0] == '\t') return Err{"folded header line"};
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_http_token(line.substr(0, colon)))
        return Err{"malformed header name"};
    const HttpField field{line.substr(0, colon), trim(line.substr(colon + 1))};
    if (!is_field_text(field.value)) return Err{"control character in a header"};
    return field;
}

}  // namespace

bool is_http_token(std::string_view text) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::ranges::all_of(text, [&](char c) {
        const char l = lower(c);
        return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
               kOthers.find(c) != std::string_view::npos;
    });
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

size_t HttpHead::count(std::string_view name) const {
    return size_t(std::ranges::count_if(
        fields, [&](const HttpField& field) { return equal_ignoring_case(field.name, name); }));
}

std::optional<std::string_view> HttpHead::find(std::string_view name) const {
    for (const HttpField& field : fields)
        if (equal_ignoring_case(field.name, name)) return field.value;
    return std::nullopt;
}

std::vector<std::string_view> HttpHead::elements(std::string_view name) const {
    std::vector<std::string_view> found;
    for (const HttpField& field : fields) {
        if (!equal_ignoring_case(field.name, name)) continue;
        for (std::string_view rest = field.value; !rest.empty();) {
            const size_t comma = std::min(rest.find(','), rest.size());
            const std::string_view element = trim(rest.substr(0, comma));
            if (!element.empty()) found.push_back(element);
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return found;
}

bool HttpHead::lists(std::string_view name, std::string_view token) const {
    return std::ranges::any_of(elements(name), [&](std::string_view element) {
        return equal_ignoring_case(element, token);
    });
}

size_t http_head_size(std::string_view in, size_t seen) {
    const size_t begin = seen < kHeadEnd.size() ? 0 : seen - (kHeadEnd.size() - 1);
    const size_t end = in.find(kHeadEnd, begin);
    return end == std::string_view::npos ? 0 : end + kHeadEnd.size();
}

Parsed parse_http_head(std::string_view head) {
    if (!head.ends_with(kHeadEnd)) return Err{"no blank line"};
    head.remove_suffix(kLineEnd.size());
    Parsed parsed = parse_start_line(take_line(head));
    if (!parsed) return parsed;
    while (!head.empty()) {
        const std::string_view line = take_line(head);
        if (line.empty()) return Err{"blank line inside the head"};
        const auto field = parse_field(line);
        if (!field) return Err{field.error()};
        if (parsed->fields.size() == kHttpFieldsMax) return Err{"too many headers"};
        parsed->fields.push_back(*field);
    }
    return parsed;
}

}  // namespace godwit::transport
