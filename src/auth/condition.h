// Condition: whom a rule is about: `user=sensor-*|pump-*`, `client!={user}-*`, `anonymous`. Values
// are compared byte by byte; '*' stands for any run of characters, none included, but only where
// the file wrote it: what a place such as {user} brings is text.
#pragma once

#include "auth/subject.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

class Condition {
public:
    /// The subject has no user name.
    static Condition anonymous();
    /// The user name is this text, whatever characters it has.
    static Condition user_is(std::string_view name);
    /// @param negated  for `!=`: true where none of the values matches, also where there is none
    /// @param text     alternatives between '|', with '*' and places; '\' takes the meaning from
    /// the
    ///                 next character
    /// @errors  a sentence: an empty alternative, an unknown place, a brace without its partner
    static Result<Condition, std::string> parse(Attribute attribute, bool negated,
                                                std::string_view text);

    bool holds(const Subject& subject) const;
    /// It is about what certificates or tokens say.
    bool asks_for_credentials() const;

    /// The user names that it is about, if it is about nothing but user names that are written out.
    std::vector<std::string> exact_users() const;

private:
    struct Piece {
        enum class Kind : uint8_t { Text, AnyRun, Place };
        Kind kind = Kind::Text;
        std::string text;
        Attribute attribute;
    };
    using Pattern = std::vector<Piece>;

    static bool matches(const Pattern& pattern, const Subject& subject, std::string_view value);
    bool holds_for(const Subject& subject, std::string_view value) const;

    Attribute attribute_;
    bool negated_ = false;
    bool wants_none_ = false;  // `anonymous`
    std::vector<Pattern> any_of_;
};

}  // namespace godwit::auth
