#include "auth/condition.h"

#include <fmt/format.h>

#include <algorithm>

namespace godwit::auth {

namespace {

/// The text of a piece for this subject. @return nullopt: it has no such value
std::optional<std::string_view> text_of(const Attribute& attribute, const Subject& subject) {
    if (value_count(subject, attribute) == 0) return std::nullopt;
    return value_of(subject, attribute, 0);
}

}  // namespace

Condition Condition::anonymous() {
    Condition made;
    made.attribute_.kind = Attribute::Kind::User;
    made.wants_none_ = true;
    return made;
}

Condition Condition::user_is(std::string_view name) {
    Condition made;
    made.attribute_.kind = Attribute::Kind::User;
    made.any_of_ = {{Piece{Piece::Kind::Text, std::string(name), {}}}};
    return made;
}

Result<Condition, std::string> Condition::parse(Attribute attribute, bool negated,
                                                std::string_view text) {
    Condition made;
    made.attribute_ = std::move(attribute);
    made.negated_ = negated;
    made.any_of_.emplace_back();
    const auto add_text = [&](char c) {
        Pattern& last = made.any_of_.back();
        if (last.empty() || last.back().kind != Piece::Kind::Text) last.emplace_back();
        last.back().text += c;
    };
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            add_text(text[++i]);
        } else if (text[i] == '|') {
            made.any_of_.emplace_back();
        } else if (text[i] == '*') {
            made.any_of_.back().push_back({Piece::Kind::AnyRun, {}, {}});
        } else if (text[i] == '{') {
            const size_t end = std::min(text.find('}', i), text.size());
            auto place = parse_attribute(text.substr(i + 1, end - i - 1));
            if (!place || end == text.size())
                return Err{
                    fmt::format("{} stands for nothing; there are {{client}}, {{user}}, "
                                "{{realm}}, {{cn}} and {{claim.NAME}}",
                                text.substr(i, end - i + 1))};
            made.any_of_.back().push_back({Piece::Kind::Place, {}, *std::move(place)});
            i = end;
        } else {
            add_text(text[i]);
        }
    }
    for (const Pattern& pattern : made.any_of_)
        if (pattern.empty())
            return Err{
                std::string("a value is missing; '*' is any value, `anonymous` is a client "
                            "without a user name")};
    return made;
}

/// Runs of any length are tried shortest first, and only the last one is ever lengthened: what
/// comes before it has matched as early as it could.
bool Condition::matches(const Pattern& pattern, const Subject& subject, std::string_view value) {
    size_t at = 0, run_at = 0, piece = 0;
    std::optional<size_t> run_piece;
    for (;;) {
        if (piece == pattern.size() && at == value.size()) return true;
        if (piece < pattern.size() && pattern[piece].kind == Piece::Kind::AnyRun) {
            run_piece = piece++;
            run_at = at;
            continue;
        }
        if (piece < pattern.size()) {
            const Piece& here = pattern[piece];
            const auto text = here.kind == Piece::Kind::Text
                                  ? std::optional<std::string_view>(here.text)
                                  : text_of(here.attribute, subject);
            if (!text) return false;
            if (value.substr(at).starts_with(*text)) {
                at += text->size();
                ++piece;
                continue;
            }
        }
        if (!run_piece || run_at >= value.size()) return false;
        at = ++run_at;
        piece = *run_piece + 1;
    }
}

bool Condition::holds_for(const Subject& subject, std::string_view value) const {
    return std::ranges::any_of(
        any_of_, [&](const Pattern& pattern) { return matches(pattern, subject, value); });
}

bool Condition::holds(const Subject& subject) const {
    const size_t count = value_count(subject, attribute_);
    if (wants_none_) return count == 0;
    for (size_t i = 0; i < count; ++i)
        if (holds_for(subject, value_of(subject, attribute_, i))) return !negated_;
    return negated_;
}

bool Condition::asks_for_credentials() const {
    const auto in_pattern = [](const Pattern& pattern) {
        return std::ranges::any_of(
            pattern, [](const Piece& piece) { return is_credential(piece.attribute.kind); });
    };
    return is_credential(attribute_.kind) || std::ranges::any_of(any_of_, in_pattern);
}

std::vector<std::string> Condition::exact_users() const {
    std::vector<std::string> names;
    if (attribute_.kind != Attribute::Kind::User || negated_) return names;
    for (const Pattern& pattern : any_of_) {
        if (pattern.size() != 1 || pattern.front().kind != Piece::Kind::Text) return {};
        names.push_back(pattern.front().text);
    }
    return names;
}

}  // namespace godwit::auth
