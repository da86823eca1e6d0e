#include "auth/acl.h"

#include <fmt/format.h>

#include <algorithm>

#include "auth/filter_relation.h"
#include "base/utf8.h"
#include "topic/filter.h"

namespace godwit::auth {

struct Acl::Question {
    AclAction action;
    std::string_view client_id;
    std::optional<std::string_view> username;
    std::string_view subject;
};

namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) {
    const size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// Takes the first word off the front of trimmed text.
std::string_view take_word(std::string_view& text) {
    const size_t end = text.find_first_of(kBlanks);
    const std::string_view word = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : trim(text.substr(end));
    return word;
}

struct Access {
    bool read = false;
    bool write = false;
};

std::optional<Access> to_access(std::string_view word) {
    if (word == "read") return Access{true, false};
    if (word == "write") return Access{false, true};
    if (word == "readwrite") return Access{true, true};
    if (word == "deny") return Access{false, false};
    return std::nullopt;
}

/// What an identity must be to stand in a filter as part of one level, and of that level only.
bool fits_into_a_level(std::string_view identity) {
    return !identity.empty() && identity.find_first_of("+#/") == std::string_view::npos;
}

enum class Fill : uint8_t { Done, RuleIsSilent, MeansEverything };

/// Writes the pattern with the client's id and user name in it to `out`.
Fill fill(std::string_view pattern, bool denies, const auto& client, fmt::memory_buffer& out) {
    size_t level_begin = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
        const std::string_view here = pattern.substr(i, 2);
        if (here != "%c" && here != "%u") {
            out.push_back(pattern[i]);
            if (pattern[i] == '/') level_begin = out.size();
            continue;
        }
        if (here == "%u" && !client.username) return Fill::RuleIsSilent;
        const std::string_view identity = here == "%c" ? client.client_id : *client.username;
        const bool opens_dollar_topics = i == 0 && identity.starts_with('$');
        if (!denies && (opens_dollar_topics || !fits_into_a_level(identity)))
            return Fill::RuleIsSilent;
        if (!fits_into_a_level(identity)) {
            if (level_begin == 0) return Fill::MeansEverything;
            out.resize(level_begin);
            out.push_back('#');
            return Fill::Done;
        }
        out.append(identity);
        ++i;
    }
    return Fill::Done;
}

}  // namespace

class Acl::Parser {
public:
    std::optional<FileError> take_line(std::string_view raw, uint32_t number) {
        std::string_view line = trim(raw);
        if (line.empty() || line.starts_with('#')) return std::nullopt;
        if (!is_mqtt_utf8(line)) return FileError{number, "the line is not UTF-8"};
        const std::string_view word = take_word(line);
        if (word == "user") return open_section(line, number);
        if (word == "topic") return add_rule(*section_, line, number);
        if (word == "pattern") return add_rule(acl_.patterns_, line, number);
        return FileError{number, fmt::format("'{}' is none of topic, pattern and user", word)};
    }
    Acl finish() { return std::move(acl_); }

private:
    std::optional<FileError> open_section(std::string_view name, uint32_t number) {
        if (name.empty()) return FileError{number, "no name after 'user'"};
        section_ = &acl_.users_[std::string(name)];
        return std::nullopt;
    }

    std::optional<FileError> add_rule(Rules& rules, std::string_view rest, uint32_t number) {
        Access access{true, true};
        std::string_view filter = rest;
        if (rest.find_first_of(kBlanks) != std::string_view::npos) {
            const std::string_view word = take_word(filter);
            const auto given = to_access(word);
            if (!given)
                return FileError{
                    number, fmt::format("'{}' is none of read, write, readwrite and deny", word)};
            access = *given;
        }
        const auto parsed = topic::parse_plain_filter(filter);
        if (!parsed)
            return FileError{number, fmt::format("'{}' is no topic filter: {}", filter,
                                                 topic::error_text(parsed.error()))};
        const bool placeholder = &rules == &acl_.patterns_ && (filter.find("%c") != filter.npos ||
                                                               filter.find("%u") != filter.npos);
        auto& list = access.read || access.write ? rules.grants : rules.denies;
        list.push_back({std::string(filter), number, access.read, access.write, placeholder});
        return std::nullopt;
    }

    Acl acl_;
    Rules* section_ = &acl_.anonymous_;
};

Result<Acl, FileError> Acl::parse(std::string_view text) {
    Parser parser;
    for (uint32_t number = 1; !text.empty(); ++number) {
        const size_t end = text.find('\n');
        if (auto fault = parser.take_line(text.substr(0, end), number))
            return Err{*std::move(fault)};
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    return parser.finish();
}

bool Acl::answers(const Rule& rule, bool denies, const Question& question) {
    if (!denies && !(question.action == AclAction::Publish ? rule.write : rule.read)) return false;
    std::string_view filter = rule.filter;
    fmt::memory_buffer filled;
    if (rule.has_placeholder) {
        const Fill outcome = fill(rule.filter, denies, question, filled);
        if (outcome != Fill::Done) return outcome == Fill::MeansEverything;
        filter = {filled.data(), filled.size()};
    }
    if (question.action != AclAction::Subscribe) return topic::matches(filter, question.subject);
    return denies ? covers(filter, question.subject) : overlaps(filter, question.subject);
}

std::optional<uint32_t> Acl::first_answer(const std::vector<Rule>& rules, bool denies,
                                          const Question& question) {
    const auto found = std::ranges::find_if(
        rules, [&](const Rule& rule) { return answers(rule, denies, question); });
    if (found == rules.end()) return std::nullopt;
    return found->line;
}

AclDecision Acl::decide(AclAction action, std::string_view client_id,
                        std::optional<std::string_view> username,
                        std::string_view topic_or_filter) const {
    static const Rules kNone;
    const Rules* own = &anonymous_;
    if (username) {
        const auto section = users_.find(*username);
        own = section == users_.end() ? &kNone : &section->second;
    }
    const Question question{action, client_id, username, topic_or_filter};
    for (const Rules* rules : {own, &patterns_})
        if (const auto line = first_answer(rules->denies, true, question)) return {false, *line};
    for (const Rules* rules : {own, &patterns_})
        if (const auto line = first_answer(rules->grants, false, question)) return {true, *line};
    return {};
}

size_t Acl::rule_count() const {
    const auto count = [](const Rules& rules) { return rules.denies.size() + rules.grants.size(); };
    size_t total = count(anonymous_) + count(patterns_);
    for (const auto& [user, rules] : users_) total += count(rules);
    return total;
}

}  // namespace godwit::auth
