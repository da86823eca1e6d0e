#include "auth/topic_template.h"

#include <algorithm>
#include <array>

#include "base/mutant.h"
#include "base/nearest.h"
#include "topic/filter.h"

namespace godwit::auth {

namespace {

/// What a value must be to stand in a filter as part of one level, and of that level only.
bool fits_into_a_level(std::string_view value) {
    static constexpr std::string_view kSpecial("+#/\0", 4);
    return !value.empty() && value.find_first_of(kSpecial) == std::string_view::npos;
}

std::string unknown_place(std::string_view name) {
    static constexpr std::array<std::string_view, 4> kKnown{"client", "user", "realm", "cn"};
    const auto meant = nearest(name, kKnown);
    return fmt::format("{{{}}} stands for nothing; {}", name,
                       meant ? fmt::format("did you mean {{{}}}?", *meant)
                             : "there are {client}, {user}, {realm}, {cn} and {claim.NAME}");
}

}  // namespace

Result<TopicTemplate, std::string> TopicTemplate::parse(std::string_view text) {
    TopicTemplate made;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            made.text_ += text[++i];
        } else if (text[i] == '}') {
            return Err{std::string("a '}' without its '{'; \\} means the character itself")};
        } else if (text[i] != '{') {
            made.text_ += text[i];
        } else {
            const size_t end = text.find('}', i);
            if (end == std::string_view::npos)
                return Err{std::string("a '{' without its '}'; \\{ means the character itself")};
            const std::string_view name = text.substr(i + 1, end - i - 1);
            auto attribute = parse_attribute(name);
            if (!attribute) return Err{unknown_place(name)};
            made.places_.push_back({made.text_.size(), *std::move(attribute)});
            i = end;
        }
    }
    if (auto done = made.finish(); !done) return Err{done.error()};
    return made;
}

Result<TopicTemplate, std::string> TopicTemplate::parse_pattern(std::string_view text) {
    TopicTemplate made;
    for (size_t i = 0; i < text.size(); ++i) {
        const std::string_view here = text.substr(i, 2);
        if (here != "%c" && here != "%u") {
            made.text_ += text[i];
            continue;
        }
        const auto kind = here == "%c" ? Attribute::Kind::Client : Attribute::Kind::User;
        made.places_.push_back({made.text_.size(), {kind, {}}});
        ++i;
    }
    if (auto done = made.finish(); !done) return Err{done.error()};
    return made;
}

Result<TopicTemplate, std::string> TopicTemplate::parse_plain(std::string_view text) {
    TopicTemplate made;
    made.text_ = text;
    if (auto done = made.finish(); !done) return Err{done.error()};
    return made;
}

/// Checks the filter as it is with harmless values, and finds the prefix.
Result<Done, std::string> TopicTemplate::finish() {
    std::string filled = text_;
    for (size_t i = places_.size(); i-- > 0;) filled.insert(places_[i].at, 1, 'x');
    const auto parsed = topic::parse_plain_filter(filled);
    if (!parsed) return Err{std::string(topic::error_text(parsed.error()))};
    size_t open = std::min(text_.find_first_of("+#"), text_.size());
    if (!places_.empty()) open = std::min(open, places_.front().at);
    prefix_bytes_ = open;
    if (open == text_.size() && places_.empty()) return Done{};
    const size_t slash = std::string_view(text_).substr(0, open).rfind('/');
    prefix_bytes_ = slash == std::string::npos ? 0 : slash;
    return Done{};
}

const TopicTemplate::Place* TopicTemplate::first_claim() const {
    const auto at = std::ranges::find_if(
        places_, [](const Place& place) { return place.attribute.kind == Attribute::Kind::Claim; });
    return at == places_.end() ? nullptr : &*at;
}

bool TopicTemplate::asks_for_credentials() const {
    return std::ranges::any_of(
        places_, [](const Place& place) { return is_credential(place.attribute.kind); });
}

size_t TopicTemplate::ways(const Subject& subject) const {
    const Place* claim = first_claim();
    return claim ? value_count(subject, claim->attribute) : 1;
}

TopicTemplate::Fill TopicTemplate::fill(const Subject& subject, bool denies, size_t way,
                                        fmt::memory_buffer& out) const {
    const Place* varied = first_claim();
    size_t copied = 0, level_begin = 0;
    const auto copy_to = [&](size_t end) {
        const std::string_view piece = std::string_view(text_).substr(copied, end - copied);
        out.append(piece);
        if (const size_t slash = piece.rfind('/'); slash != std::string_view::npos)
            level_begin = out.size() - piece.size() + slash + 1;
        copied = end;
    };
    for (const Place& place : places_) {
        copy_to(place.at);
        const size_t count = value_count(subject, place.attribute);
        if (count == 0) return Fill::Silent;
        const bool same = varied && place.attribute == varied->attribute;
        const std::string_view value = value_of(subject, place.attribute, same ? way : 0);
        const bool fits = fits_into_a_level(value) || GW_MUTANT(ValuesHoldWildcards);
        if (!denies && (!fits || (out.size() == 0 && value.starts_with('$')))) return Fill::Silent;
        if (!fits) {
            if (level_begin == 0) return Fill::Everything;
            out.resize(level_begin);
            out.push_back('#');
            return Fill::Done;
        }
        out.append(value);
    }
    copy_to(text_.size());
    return Fill::Done;
}

}  // namespace godwit::auth
