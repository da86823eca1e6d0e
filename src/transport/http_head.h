// The head of an HTTP/1.1 message: start line and header fields, as far as opening a WebSocket
// needs it. Strict where laxness was ever abused: CRLF only, no folding, no blank before a colon,
// no control characters. Source: RFC 9112 sections 2 to 5, RFC 9110 section 5.
#pragma once

#include "base/result.h"

#include <optional>
#include <string_view>
#include <vector>

namespace godwit::transport {

struct HttpField {
    std::string_view name;   // as sent; compare without regard to case
    std::string_view value;  // outer blanks removed
};

/// Borrowed from the bytes that were parsed.
struct HttpHead {
    // "GET", "/mqtt?x=1", "HTTP/1.1" of a request; "HTTP/1.1", "101", "Switching Protocols" of an
    // answer
    std::string_view first, second, third;
    std::vector<HttpField> fields;

    /// How often a field of that name appears.
    size_t count(std::string_view name) const;
    /// The first field of that name; nullopt if there is none.
    std::optional<std::string_view> find(std::string_view name) const;
    /// Elements of the comma-separated list in all fields of that name, outer blanks and empty
    /// ones removed. @source RFC 9110 section 5.6.1
    std::vector<std::string_view> elements(std::string_view name) const;
    /// True if that list holds `token`, in any case.
    bool lists(std::string_view name, std::string_view token) const;
};

/// Bytes of the head at the front of `in`, blank line included; 0 while the blank line is missing.
/// @param seen  bytes of `in` that an earlier call has looked at already
size_t http_head_size(std::string_view in, size_t seen);

/// @param head  one whole head, blank line included; the result points into it
/// @errors  a literal for the log: bare CR or LF, a folded line, a malformed start line, field name
///          or value, more than kHttpFieldsMax fields
/// @cost    one pass, one allocation
Result<HttpHead, const char*> parse_http_head(std::string_view head);
inline constexpr size_t kHttpFieldsMax = 64;

/// ASCII letters of either case are equal.
bool equal_ignoring_case(std::string_view a, std::string_view b);
/// What names of fields and methods are made of. @source RFC 9110 section 5.6.2
bool is_http_token(std::string_view text);

}  // namespace godwit::transport
