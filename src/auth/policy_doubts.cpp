#include "auth/policy_doubts.h"

#include <algorithm>

#include "auth/filter_relation.h"

namespace godwit::auth {

namespace {

/// A filter that matches at least what the rule is about.
std::string widest(const TopicTemplate& topic) {
    if (!topic.has_places()) return topic.filter();
    const std::string_view prefix = topic.prefix();
    return prefix.empty() ? "#" : std::string(prefix) + "/#";
}

}  // namespace

std::vector<FileError> find_doubts(const Policy& policy) {
    std::vector<FileError> doubts;
    const auto may = [&](const Rule& rule, Action action) {
        return rule.allows && rule.is_about(action);
    };
    const auto& rules = policy.rules();
    if (std::ranges::none_of(rules, [&](const Rule& r) { return may(r, Action::Connect); }))
        doubts.push_back({1, "nobody can connect: no line allows it; write: allow connect"});
    for (const Rule& rule : rules) {
        if (!may(rule, Action::Subscribe) || may(rule, Action::Receive)) continue;
        const std::string filter = widest(rule.topic);
        const bool can_arrive = std::ranges::any_of(rules, [&](const Rule& other) {
            return may(other, Action::Receive) && overlaps(filter, widest(other.topic));
        });
        if (!can_arrive)
            doubts.push_back({rule.line,
                              "nothing that is subscribed to here can ever arrive: no "
                              "line allows to receive it; read is subscribe and "
                              "receive"});
    }
    return doubts;
}

}  // namespace godwit::auth
