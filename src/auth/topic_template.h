// TopicTemplate: the topic filter of a rule, with places that the client fills: "plant/{client}/#".
//
// Values come from outside and are hostile. One that is empty or holds '+', '#', '/' or NUL never
// fills a place, nor does one that begins with '$' where the filter begins. What then follows
// depends on what the rule does: one that allows is silent, one that denies denies everything from
// the level of the place on, so that nobody slips out of it by a name. A place whose value the
// client does not have at all (the user name of an anonymous client) makes either silent.
#pragma once

#include "auth/subject.h"
#include "base/result.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

class TopicTemplate {
public:
    /// "{user}" and its like are places; '\' takes the meaning from the next character.
    /// @errors  a sentence: an unknown place, a brace without its partner, a filter that is none
    static Result<TopicTemplate, std::string> parse(std::string_view text);
    /// %c and %u are places, as in Mosquitto's patterns; nothing is escaped.
    static Result<TopicTemplate, std::string> parse_pattern(std::string_view text);
    /// No places.
    static Result<TopicTemplate, std::string> parse_plain(std::string_view text);

    bool has_places() const { return !places_.empty(); }
    /// It has places that certificates or tokens fill.
    bool asks_for_credentials() const;
    /// The filter, where it has no places.
    const std::string& filter() const { return text_; }
    /// What every name begins with that the rule can say something about.
    std::string_view prefix() const { return std::string_view(text_).substr(0, prefix_bytes_); }

    /// In how many ways the subject fills it: a claim with several values fills it as often.
    size_t ways(const Subject& subject) const;

    enum class Fill : uint8_t { Done, Silent, Everything };
    /// Writes the filter to `out`.
    /// @param denies  what the rule does; Everything comes only where it denies
    /// @param way     below ways()
    /// @cost          no allocation while the filter stays within 500 bytes
    Fill fill(const Subject& subject, bool denies, size_t way, fmt::memory_buffer& out) const;

private:
    struct Place {
        size_t at = 0;  // in text_
        Attribute attribute;
    };
    Result<Done, std::string> finish();
    const Place* first_claim() const;

    std::string text_;  // without the places
    std::vector<Place> places_;
    size_t prefix_bytes_ = 0;
};

}  // namespace godwit::auth
