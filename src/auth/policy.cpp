#include "auth/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "auth/filter_relation.h"
#include "base/mutant.h"
#include "topic/filter.h"

namespace godwit::auth {

std::string_view name_of(Action action) {
    static constexpr std::array<std::string_view, kActionCount> kNames{
        "connect", "publish", "retain", "subscribe", "receive"};
    return kNames[size_t(action)];
}

uint32_t Policy::add_audience(std::vector<Condition> all_of) {
    const auto index = uint32_t(audiences_.size());
    std::vector<std::string> users;
    for (const Condition& condition : all_of) {
        asks_for_credentials_ |= condition.asks_for_credentials();
        if (users.empty()) users = condition.exact_users();
    }
    for (std::string& user : users) {
        auto& listed = by_user_[std::move(user)];
        if (listed.empty() || listed.back() != index) listed.push_back(index);
    }
    if (users.empty()) open_.push_back(index);
    audiences_.push_back(std::move(all_of));
    rules_of_.emplace_back();
    return index;
}

void Policy::add_rule(Rule rule) {
    asks_for_credentials_ |= rule.topic.asks_for_credentials();
    rules_of_[rule.audience].push_back(uint32_t(rules_.size()));
    rules_.push_back(std::move(rule));
}

bool Policy::is_about(const Rule& rule, const Subject& subject) const {
    return std::ranges::all_of(audiences_[rule.audience],
                               [&](const Condition& each) { return each.holds(subject); });
}

std::vector<uint32_t> Policy::rules_about(const Subject& subject) const {
    std::vector<uint32_t> found;
    const auto take = [&](const std::vector<uint32_t>& audiences) {
        for (const uint32_t index : audiences)
            if (std::ranges::all_of(audiences_[index],
                                    [&](const Condition& each) { return each.holds(subject); }))
                found.insert(found.end(), rules_of_[index].begin(), rules_of_[index].end());
    };
    take(open_);
    if (subject.username)
        if (const auto own = by_user_.find(*subject.username); own != by_user_.end())
            take(own->second);
    std::ranges::sort(found, [&](uint32_t left, uint32_t right) {
        if (rules_[left].allows != rules_[right].allows) return rules_[right].allows;
        return left < right;
    });
    return found;
}

namespace {

bool topic_answers(std::string_view filter, bool allows, SubscribeBy by, const Request& request) {
    if (request.action != Action::Subscribe) return topic::matches(filter, request.topic);
    const bool must_cover = allows == (by == SubscribeBy::Whole);
    return must_cover ? covers(filter, request.topic) : overlaps(filter, request.topic);
}

}  // namespace

bool Policy::touches(const Rule& rule, const Subject& subject, const Request& request) const {
    if (request.action == Action::Connect) return true;
    const TopicTemplate& topic = rule.topic;
    if (request.action != Action::Subscribe && !request.topic.starts_with(topic.prefix()))
        return false;
    if (!topic.has_places()) return topic_answers(topic.filter(), rule.allows, by_, request);
    const size_t ways = topic.ways(subject);
    for (size_t way = 0; way < ways; ++way) {
        fmt::memory_buffer filled;
        const auto outcome = topic.fill(subject, !rule.allows, way, filled);
        if (outcome == TopicTemplate::Fill::Everything) return true;
        if (outcome == TopicTemplate::Fill::Done &&
            topic_answers({filled.data(), filled.size()}, rule.allows, by_, request))
            return true;
    }
    return false;
}

bool Policy::answers(const Rule& rule, const Subject& subject, const Request& request) const {
    return rule.is_about(request.action) && rule.limit.includes(request) &&
           touches(rule, subject, request);
}

Decision Policy::decide(const std::vector<uint32_t>& rules, const Subject& subject,
                        const Request& request) const {
    for (const uint32_t index : rules)
        if (const Rule& rule = rules_[index]; answers(rule, subject, request))
            return {rule.allows, rule.line};
    return {.allowed = GW_MUTANT(EmptyAclAllows)};
}

Decision Policy::decide(const Subject& subject, const Request& request) const {
    return decide(rules_about(subject), subject, request);
}

std::string_view Policy::line_text(uint32_t line) const {
    const auto at = lines_.find(line);
    return at == lines_.end() ? std::string_view() : at->second;
}

std::string Policy::text_of(const Decision& decision) const {
    if (decision.line == 0) return decision.allowed ? "no rule speaks of it" : "no rule allows it";
    const std::string_view source = source_;
    return fmt::format("{}:{}", source.substr(source.rfind('/') + 1), decision.line);
}

}  // namespace godwit::auth
