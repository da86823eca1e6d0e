#include "auth/acl.h"

#include <fmt/format.h>

#include "auth/lines.h"
#include "base/utf8.h"

namespace godwit::auth {

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

constexpr uint8_t bits(std::initializer_list<Action> actions) {
    uint8_t all = 0;
    for (const Action each : actions) all = uint8_t(all | 1u << uint8_t(each));
    return all;
}

constexpr uint8_t kRead = bits({Action::Subscribe, Action::Receive});
constexpr uint8_t kWrite = bits({Action::Publish, Action::Retain});

struct Access {
    bool allows = true;
    uint8_t actions = kRead | kWrite;
};

std::optional<Access> to_access(std::string_view word) {
    if (word == "read") return Access{true, kRead};
    if (word == "write") return Access{true, kWrite};
    if (word == "readwrite") return Access{};
    if (word == "deny") return Access{.allows = false};
    return std::nullopt;
}

Condition without_wildcards(Attribute::Kind kind) {
    return *Condition::parse({kind, {}}, true, "*+*|*#*");
}

class AclParser {
public:
    AclParser() {
        add_rule({.audience = everyone_, .actions = bits({Action::Connect}), .allows = true});
    }
    std::optional<FileError> take_line(std::string_view raw, uint32_t number) {
        std::string_view line = trim(raw);
        if (line.empty() || line.starts_with('#')) return std::nullopt;
        if (!is_mqtt_utf8(line)) return FileError{number, "the line is not UTF-8"};
        policy_.note_line(number, line);
        const std::string_view word = take_word(line);
        if (word == "user") return open_section(line, number);
        if (word == "topic") return add_rule({section_, section_}, false, line, number);
        if (word == "pattern") return add_rule({harmless_, everyone_}, true, line, number);
        return FileError{number, fmt::format("'{}' is none of topic, pattern and user", word)};
    }
    Policy finish() { return std::move(policy_); }

private:
    std::optional<FileError> open_section(std::string_view name, uint32_t number) {
        if (name.empty()) return FileError{number, "no name after 'user'"};
        const auto [at, is_new] = sections_.try_emplace(std::string(name));
        if (is_new) at->second = policy_.add_audience({Condition::user_is(name)});
        section_ = at->second;
        return std::nullopt;
    }

    /// For whom a rule of a line is, depending on what it does.
    struct Audiences {
        uint32_t allowed, denied;
    };
    std::optional<FileError> add_rule(Audiences audiences, bool is_pattern, std::string_view rest,
                                      uint32_t number) {
        Access access;
        std::string_view filter = rest;
        if (rest.find_first_of(kBlanks) != std::string_view::npos) {
            const std::string_view word = take_word(filter);
            const auto given = to_access(word);
            if (!given)
                return FileError{
                    number, fmt::format("'{}' is none of read, write, readwrite and deny", word)};
            access = *given;
        }
        auto topic =
            is_pattern ? TopicTemplate::parse_pattern(filter) : TopicTemplate::parse_plain(filter);
        if (!topic)
            return FileError{number,
                             fmt::format("'{}' is no topic filter: {}", filter, topic.error())};
        add_rule({.line = number,
                  .audience = access.allows ? audiences.allowed : audiences.denied,
                  .actions = access.actions,
                  .allows = access.allows,
                  .topic = *std::move(topic)});
        return std::nullopt;
    }
    void add_rule(Rule rule) { policy_.add_rule(std::move(rule)); }

    Policy policy_{SubscribeBy::Part};
    const uint32_t everyone_ = policy_.add_audience({});
    /// As in Mosquitto, no pattern allows anything to a client with a wildcard in either name.
    const uint32_t harmless_ = policy_.add_audience(
        {without_wildcards(Attribute::Kind::Client), without_wildcards(Attribute::Kind::User)});
    std::map<std::string, uint32_t, std::less<>> sections_;  // user -> audience
    uint32_t section_ = policy_.add_audience({Condition::anonymous()});
};

}  // namespace

Result<Policy, FileError> parse_acl(std::string_view text) {
    AclParser parser;
    for (uint32_t number = 1; !text.empty(); ++number)
        if (auto fault = parser.take_line(take_line(text), number)) return Err{*std::move(fault)};
    return parser.finish();
}

}  // namespace godwit::auth
