#include "auth/filter_relation.h"

#include <optional>

namespace godwit::auth {
namespace {

/// The levels of a filter from the left; an empty level is a level.
class Levels {
public:
    explicit Levels(std::string_view filter) : rest_(filter) {}

    std::optional<std::string_view> next() {
        if (!rest_) return std::nullopt;
        const size_t slash = rest_->find('/');
        const std::string_view level = rest_->substr(0, slash);
        if (slash == std::string_view::npos)
            rest_.reset();
        else
            rest_ = rest_->substr(slash + 1);
        return level;
    }

private:
    std::optional<std::string_view> rest_;
};

bool is_wildcard(std::string_view level) {
    return level == "+" || level == "#";
}

/// [MQTT5-4.7.2-1]: a wildcard in the first level stands for no level that begins with '$'.
bool hidden_from_wildcards(std::string_view first_level) {
    return first_level.starts_with('$');
}

/// One spelling for filters that match the same names. A name is never empty, so "#" reaches no
/// more than "+/#", and the parent that "/#" would match besides is none.
std::string_view canonical(std::string_view filter) {
    if (filter == "+/#") return "#";
    if (filter == "/#") return "/+/#";
    return filter;
}

}  // namespace

bool covers(std::string_view rule, std::string_view filter) {
    rule = canonical(rule);
    filter = canonical(filter);
    if (is_wildcard(rule.substr(0, 1)) && hidden_from_wildcards(filter)) return false;
    Levels rule_levels(rule);
    Levels filter_levels(filter);
    while (true) {
        const auto r = rule_levels.next();
        const auto f = filter_levels.next();
        if (r == "#") return true;  // also when the filter has ended: "a/#" matches "a"
        if (!r || !f) return !r && !f;
        if (f == "#") return false;
        if (*r != "+" && *r != *f) return false;
    }
}

bool overlaps(std::string_view left, std::string_view right) {
    left = canonical(left);
    right = canonical(right);
    if (is_wildcard(left.substr(0, 1)) && hidden_from_wildcards(right)) return false;
    if (is_wildcard(right.substr(0, 1)) && hidden_from_wildcards(left)) return false;
    Levels left_levels(left);
    Levels right_levels(right);
    while (true) {
        const auto l = left_levels.next();
        const auto r = right_levels.next();
        if (l == "#" || r == "#") return true;
        if (!l || !r) return !l && !r;
        if (*l != "+" && *r != "+" && *l != *r) return false;
    }
}

}  // namespace godwit::auth
