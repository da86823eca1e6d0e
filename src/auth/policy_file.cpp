#include "auth/policy_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "auth/lines.h"
#include "auth/policy_words.h"
#include "base/nearest.h"
#include "topic/filter.h"

namespace godwit::auth {

namespace {

constexpr uint8_t bit(Action action) {
    return uint8_t(1u << uint8_t(action));
}

struct ActionWord {
    std::string_view word;
    uint8_t actions;
};
constexpr ActionWord kActions[] = {
    {"connect", bit(Action::Connect)},
    {"publish", bit(Action::Publish)},
    {"retain", bit(Action::Retain)},
    {"subscribe", bit(Action::Subscribe)},
    {"receive", bit(Action::Receive)},
    {"write", uint8_t(bit(Action::Publish) | bit(Action::Retain))},
    {"read", uint8_t(bit(Action::Subscribe) | bit(Action::Receive))},
};
constexpr uint8_t kWithQos = bit(Action::Publish) | bit(Action::Retain) | bit(Action::Subscribe);
constexpr uint8_t kWithPayload = bit(Action::Publish) | bit(Action::Retain);
constexpr std::string_view kConditionWords[] = {"user", "client",  "realm",    "cn",
                                                "qos",  "payload", "anonymous"};

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known,
                         std::string_view otherwise) {
    const auto meant = nearest(word, known);
    return meant ? fmt::format("did you mean {}?", *meant) : std::string(otherwise);
}

/// `name OP rest`, where the name is letters, digits, '.', '_' and '-'.
struct Comparison {
    std::string_view name, op, rest;
};

std::optional<Comparison> parse_comparison(std::string_view text) {
    const size_t end = std::min(text.find_first_of("=!<>"), text.size());
    const std::string_view name = text.substr(0, end), tail = text.substr(end);
    static constexpr std::string_view kName =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (name.empty() || name.find_first_not_of(kName) != name.npos) return std::nullopt;
    for (const std::string_view op : {"!=", "<=", ">=", "=", "<", ">"})
        if (tail.starts_with(op))
            return Comparison{name, tail.substr(0, op.size()), tail.substr(op.size())};
    return std::nullopt;
}

std::optional<uint64_t> parse_size(std::string_view text) {
    uint64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || value >> 40 != 0) return std::nullopt;
    const std::string_view unit = text.substr(size_t(end.ptr - text.data()));
    if (unit.empty()) return value;
    if (unit == "KiB") return value << 10;
    if (unit == "MiB") return value << 20;
    return std::nullopt;
}

/// One line, word by word. The first fault ends it.
class Line {
public:
    Line(uint32_t number, std::string_view text, std::vector<Word> words)
        : number_(number), text_(text), words_(std::move(words)) {}
    uint32_t number() const { return number_; }
    std::string_view text() const { return text_; }
    bool at_end() const { return next_ == words_.size(); }
    const Word& peek() const { return words_[next_]; }
    const Word& take() { return words_[next_++]; }
    FileError fault(const Word& at, std::string what) const {
        return {number_, std::move(what), at.column};
    }
    /// Something is missing after the last word.
    FileError fault_at_end(std::string what) const {
        return {number_, std::move(what), words_.back().column};
    }

private:
    uint32_t number_;
    std::string_view text_;
    std::vector<Word> words_;
    size_t next_ = 0;
};

using Fault = std::optional<FileError>;

class PolicyParser {
public:
    Fault take_line(std::string_view text, uint32_t number) {
        const size_t begin = text.find_first_not_of(" \t\r");
        if (begin == text.npos || text[begin] == '#') return std::nullopt;
        auto words = split_words(text, number);
        if (!words) return words.error();
        const size_t last = text.find_last_not_of(" \t\r");
        Line line(number, text.substr(begin, last + 1 - begin), *std::move(words));
        const Word& first = line.take();
        if (first.text == "allow" || first.text == "deny")
            return take_rule(line, first.text == "allow");
        if (first.text == "for") return take_section(line);
        if (first.text == "expect") return take_case(line);
        static constexpr std::string_view kKnown[] = {"allow", "deny", "for", "expect"};
        return line.fault(
            first, fmt::format("a line begins with allow, deny, for or expect, not with '{}'{}",
                               first.text, hint_of(nearest(first.text, kKnown))));
    }
    PolicyFile finish() { return std::move(file_); }

private:
    static std::string hint_of(std::optional<std::string_view> meant) {
        return meant ? fmt::format("; did you mean {}?", *meant) : std::string();
    }

    // --- sections ---

    Fault take_section(Line& line) {
        section_.clear();
        section_audience_.reset();
        if (line.at_end())
            return line.fault_at_end("whom is it for? as in: for user=sensor-*, or: for everyone");
        if (line.peek().text == "everyone") {
            line.take();
            if (line.at_end()) return std::nullopt;
            return line.fault(line.peek(), "nothing follows 'for everyone'");
        }
        while (!line.at_end())
            if (Fault fault = take_condition(line, section_)) return fault;
        return std::nullopt;
    }

    // --- rules ---

    Fault take_rule(Line& line, bool allows) {
        if (line.at_end())
            return line.fault_at_end("what? as in: allow publish plant/#, or: allow connect");
        const Word& what = line.take();
        uint8_t actions = 0;
        if (Fault fault = read_actions(line, what, actions)) return fault;
        Rule rule{.line = line.number(), .actions = actions, .allows = allows};
        std::vector<TopicTemplate> topics;
        if (actions == bit(Action::Connect))
            topics.emplace_back();
        else if (Fault fault = take_topics(line, topics))
            return fault;
        std::vector<Condition> own;
        while (!line.at_end()) {
            const auto limit = parse_comparison(line.peek().text);
            const bool is_limit = limit && (limit->name == "qos" || limit->name == "payload");
            if (Fault fault = is_limit ? take_limit(line, *limit, rule) : take_condition(line, own))
                return fault;
        }
        file_.policy.note_line(line.number(), line.text());
        rule.audience = audience_with(std::move(own));
        for (TopicTemplate& topic : topics) {
            rule.topic = std::move(topic);
            file_.policy.add_rule(rule);
        }
        return std::nullopt;
    }

    Fault read_actions(const Line& line, const Word& what, uint8_t& actions) {
        std::string_view rest = what.text;
        for (bool more = true; more;) {
            const size_t comma = rest.find(',');
            more = comma != rest.npos;
            const std::string_view word = rest.substr(0, comma);
            const auto known = std::ranges::find(kActions, word, &ActionWord::word);
            if (known == std::end(kActions)) {
                std::array<std::string_view, std::size(kActions)> words;
                std::ranges::transform(kActions, words.begin(), &ActionWord::word);
                return line.fault(
                    what, fmt::format("'{}' is nothing that clients do; {}", word,
                                      did_you_mean(word, words,
                                                   "there are connect, publish, retain, subscribe, "
                                                   "receive, write (publish, retain) and read "
                                                   "(subscribe, receive), with a comma between "
                                                   "several")));
            }
            actions |= known->actions;
            if (more) rest = rest.substr(comma + 1);
        }
        const uint8_t connect = bit(Action::Connect);
        if (actions & connect && actions != connect)
            return line.fault(what, "connect has no topic: write it on a line of its own");
        return std::nullopt;
    }

    /// Everything up to the first word that is a condition or a limit.
    Fault take_topics(Line& line, std::vector<TopicTemplate>& topics) {
        while (!line.at_end() && (line.peek().quoted || !is_condition(line.peek().text))) {
            const Word& word = line.take();
            auto topic = TopicTemplate::parse(word.text);
            if (!topic)
                return line.fault(
                    word, fmt::format("'{}' is no topic filter: {}", word.text, topic.error()));
            if (word.text.starts_with("$share/"))
                return line.fault(word,
                                  "leave $share/NAME/ away: a rule is about the topic filter "
                                  "behind it, shared or not");
            topics.push_back(*std::move(topic));
        }
        if (!topics.empty()) return std::nullopt;
        const std::string what = "which topics? '#' is all of them";
        return line.at_end() ? line.fault_at_end(what) : line.fault(line.peek(), what);
    }

    static bool is_condition(std::string_view text) {
        return text == "anonymous" || parse_comparison(text).has_value();
    }

    Fault take_condition(Line& line, std::vector<Condition>& all) {
        const Word& word = line.take();
        if (word.text == "anonymous") {
            all.push_back(Condition::anonymous());
            return std::nullopt;
        }
        const auto comparison = parse_comparison(word.text);
        auto attribute = comparison ? parse_attribute(comparison->name) : std::nullopt;
        if (!attribute) {
            const std::string_view name = comparison ? comparison->name : word.text;
            return line.fault(
                word, fmt::format("'{}' is no condition; {}", word.text,
                                  did_you_mean(name, kConditionWords,
                                               "there are user=, client=, realm=, cn=, "
                                               "claim.NAME=, anonymous, qos<= and payload<=; a "
                                               "topic with such a sign in it needs quotes")));
        }
        if (comparison->op != "=" && comparison->op != "!=")
            return line.fault(word, fmt::format("{} is compared with = or !=", comparison->name));
        auto condition =
            Condition::parse(*std::move(attribute), comparison->op == "!=", comparison->rest);
        if (!condition) return line.fault(word, condition.error());
        all.push_back(*std::move(condition));
        return std::nullopt;
    }

    Fault take_limit(Line& line, const Comparison& limit, Rule& rule) {
        const Word& word = line.take();
        const bool is_qos = limit.name == "qos";
        if (!(rule.actions & (is_qos ? kWithQos : kWithPayload)))
            return line.fault(
                word, fmt::format("{} says nothing here: it is for {}", limit.name,
                                  is_qos ? "publish, retain and subscribe" : "publish and retain"));
        if (limit.op != "<=" && limit.op != ">")
            return line.fault(word, fmt::format("{} is compared with <= or >", limit.name));
        const auto value = parse_size(limit.rest);
        if (!value || (is_qos && *value > 2))
            return line.fault(word, is_qos ? "qos is 0, 1 or 2"
                                           : "a size is a number of bytes, of KiB or of MiB, as in "
                                             "payload<=64KiB");
        Limit& bounds = rule.limit;
        const bool is_most = limit.op == "<=";
        if (is_qos && is_most) bounds.qos_max = std::min(bounds.qos_max, uint8_t(*value));
        if (is_qos && !is_most) bounds.qos_min = std::max(bounds.qos_min, uint8_t(*value + 1));
        if (!is_qos && is_most) bounds.payload_max = std::min(bounds.payload_max, *value);
        if (!is_qos && !is_most) bounds.payload_min = std::max(bounds.payload_min, *value + 1);
        return std::nullopt;
    }

    uint32_t audience_with(std::vector<Condition> own) {
        if (own.empty()) {
            if (!section_audience_) section_audience_ = file_.policy.add_audience(section_);
            return *section_audience_;
        }
        own.insert(own.end(), section_.begin(), section_.end());
        return file_.policy.add_audience(std::move(own));
    }

    // --- cases ---

    Fault take_case(Line& line) {
        PolicyCase made;
        made.line = line.number();
        made.text = line.text();
        static constexpr const char* kHow = "expect what? as in: expect allow publish a/b user=ann";
        if (line.at_end()) return line.fault_at_end(kHow);
        const Word& verdict = line.take();
        made.allowed = verdict.text == "allow";
        if (!made.allowed && verdict.text != "deny") return line.fault(verdict, kHow);
        if (line.at_end())
            return line.fault_at_end(
                "what is asked? one of connect, publish, "
                "retain, subscribe and receive");
        const Word& what = line.take();
        uint8_t actions = 0;
        if (Fault fault = read_actions(line, what, actions)) return fault;
        for (size_t i = 0; i < kActionCount; ++i)
            if (actions == bit(Action(i))) made.request.action = Action(i);
        if (actions != bit(made.request.action))
            return line.fault(what, "a case asks one thing: write a line for each");
        if (made.request.action != Action::Connect)
            if (Fault fault = take_case_topic(line, made)) return fault;
        while (!line.at_end())
            if (Fault fault = take_case_value(line, made)) return fault;
        file_.cases.push_back(std::move(made));
        return std::nullopt;
    }

    Fault take_case_topic(Line& line, PolicyCase& made) {
        if (line.at_end()) return line.fault_at_end("which topic?");
        const Word& word = line.take();
        made.request.topic = unescape(word.text);
        if (made.request.action == Action::Subscribe) {
            const auto filter = topic::parse_plain_filter(made.request.topic);
            if (filter) return std::nullopt;
            return line.fault(word, fmt::format("'{}' is no topic filter: {}", made.request.topic,
                                                topic::error_text(filter.error())));
        }
        const auto name = topic::check_name(made.request.topic);
        if (name) return std::nullopt;
        return line.fault(word, fmt::format("'{}' is no topic name: {}", made.request.topic,
                                            topic::error_text(name.error())));
    }

    Fault take_case_value(Line& line, PolicyCase& made) {
        const Word& word = line.take();
        const auto value = parse_comparison(word.text);
        if (!value || value->op != "=")
            return line.fault(word, fmt::format("'{}' is not name=value", word.text));
        if (value->name == "qos" || value->name == "payload") {
            const auto number = parse_size(value->rest);
            const bool is_qos = value->name == "qos";
            if (!number || (is_qos && *number > 2))
                return line.fault(word, fmt::format("'{}' is no {}", value->rest,
                                                    is_qos ? "QoS" : "number of bytes"));
            if (is_qos)
                made.request.qos = uint8_t(*number);
            else
                made.request.payload_bytes = *number;
            return std::nullopt;
        }
        const auto attribute = parse_attribute(value->name);
        if (!attribute)
            return line.fault(word, fmt::format("a client has no '{}'; {}", value->name,
                                                did_you_mean(value->name, kConditionWords,
                                                             "there are user, client, realm, cn "
                                                             "and claim.NAME")));
        made.subject.set(*attribute, unescape(value->rest));
        return std::nullopt;
    }

    PolicyFile file_;
    std::vector<Condition> section_;
    std::optional<uint32_t> section_audience_;
};

}  // namespace

Result<PolicyFile, FileError> parse_policy(std::string_view text) {
    PolicyParser parser;
    for (uint32_t number = 1; !text.empty(); ++number)
        if (auto fault = parser.take_line(take_line(text), number)) return Err{*std::move(fault)};
    return parser.finish();
}

}  // namespace godwit::auth
