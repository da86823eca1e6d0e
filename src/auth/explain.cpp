#include "auth/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "auth/filter_relation.h"
#include "base/json.h"

namespace godwit::auth {

namespace {

/// Of what a rule that allows such an action misses, the words and how near that is.
struct Fault {
    int distance = 0;
    const char* why = "";
};

/// @return  nullopt: more than one thing keeps the rule from allowing it
std::optional<Fault> one_fault(const Policy& policy, const Rule& rule, const Subject& subject,
                               const Request& request) {
    const bool other_client = !policy.is_about(rule, subject);
    const bool other_topic = !policy.touches(rule, subject, request);
    const bool beyond = !rule.limit.includes(request);
    if (other_client + other_topic + beyond != 1) return std::nullopt;
    if (beyond) return Fault{0, "beyond its limit of qos or payload"};
    if (other_client) return Fault{1, "it is about other clients"};
    const bool is_part = request.action == Action::Subscribe && !rule.topic.has_places() &&
                         overlaps(rule.topic.filter(), request.topic);
    return is_part ? Fault{0, "it allows only a part of this filter"} : Fault{2, "another topic"};
}

std::vector<NearMiss> nearest_rules(const Policy& policy, const Subject& subject,
                                    const Request& request) {
    struct Found {
        int distance;
        NearMiss miss;
    };
    std::vector<Found> found;
    for (const Rule& rule : policy.rules()) {
        if (!rule.allows || !rule.is_about(request.action)) continue;
        if (!found.empty() && found.back().miss.line == rule.line) continue;
        if (const auto fault = one_fault(policy, rule, subject, request))
            found.push_back({fault->distance,
                             {rule.line, std::string(policy.line_text(rule.line)), fault->why}});
    }
    std::ranges::stable_sort(found, {}, &Found::distance);
    std::vector<NearMiss> nearest;
    for (Found& each : found)
        if (nearest.size() < kNearestMax) nearest.push_back(std::move(each.miss));
    return nearest;
}

void append_json(std::string& out, const char* name, std::string_view text) {
    out += fmt::format("\"{}\":", name);
    append_json_text(out, text);
}

}  // namespace

Explanation explain(const Policy& policy, const Subject& subject, const Request& request) {
    const Decision decision = policy.decide(subject, request);
    Explanation out{.allowed = decision.allowed,
                    .source = policy.source(),
                    .line = decision.line,
                    .rule = std::string(policy.line_text(decision.line))};
    if (!decision.allowed && decision.line == 0)
        out.nearest = nearest_rules(policy, subject, request);
    return out;
}

Explanation explain_without_policy() {
    return {.allowed = true};
}

std::string to_text(const Explanation& explanation) {
    const char* verdict = explanation.allowed ? "allowed" : "denied";
    if (explanation.source.empty())
        return "allowed: there is no policy; auth.policy_file names one\n";
    if (explanation.line != 0)
        return fmt::format("{} by {}:{}\n  {}\n", verdict, explanation.source, explanation.line,
                           explanation.rule);
    if (explanation.allowed) return "allowed: an ACL file says nothing of connecting\n";
    std::string out = fmt::format("denied: no rule of {} allows it\n", explanation.source);
    if (!explanation.nearest.empty()) out += "nearest:\n";
    for (const NearMiss& each : explanation.nearest)
        out += fmt::format("  {}:{}: {}\n    {}\n", explanation.source, each.line, each.rule,
                           each.why);
    return out;
}

std::string to_json_members(const Explanation& explanation) {
    std::string out = fmt::format("\"allowed\":{},", explanation.allowed);
    append_json(out, "policy", explanation.source);
    out += fmt::format(",\"line\":{},", explanation.line);
    append_json(out, "rule", explanation.rule);
    out += ",\"nearest\":[";
    for (size_t i = 0; i < explanation.nearest.size(); ++i) {
        const NearMiss& each = explanation.nearest[i];
        out += fmt::format("{}{{\"line\":{},", i ? "," : "", each.line);
        append_json(out, "rule", each.rule);
        out += ',';
        append_json(out, "why", each.why);
        out += '}';
    }
    return out + "]";
}

}  // namespace godwit::auth
