// Target: what an HTTP request asks for: a path, cut at its slashes, and a query.
// Source: RFC 3986 sections 2.1, 3.3 and 3.4; RFC 9112 section 3.2.1
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::admin {

struct Target {
    std::vector<std::string> path;  // "/api/clients/a%2Fb": "api", "clients", "a/b"
    std::vector<std::pair<std::string, std::string>> query;

    /// The first value of that name; `otherwise` if there is none.
    std::string value(std::string_view name, std::string_view otherwise) const;
};

/// Percent-encoding is undone after cutting, so a client id may hold anything. A query word without
/// '=' has the empty value.
/// @return  nullopt: it does not begin with '/', or '%' is not followed by two hex digits
std::optional<Target> parse_target(std::string_view text);

}  // namespace godwit::admin
