// Json: small documents of strangers, read strictly: tokens and key sets. Two readers must never
// understand them differently, so a name that an object has twice is an error, not the last of two.
// Source: RFC 8259.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

struct JsonMember;

struct Json {
    enum class Kind : uint8_t { Null, Flag, Number, Text, List, Object };
    Kind kind = Kind::Null;
    bool flag = false;
    std::string text;        // of a Text: UTF-8 without U+0000; of a Number: as it was written
    std::vector<Json> list;  // of a List
    std::vector<JsonMember> members;  // of an Object, in order; each name once

    /// nullptr: this is no object, or has no such member.
    const Json* find(std::string_view name) const;
    /// The same, if the member is a text.
    const std::string* find_text(std::string_view name) const;
    /// A Number's value, if it is one and a double can hold about that much.
    std::optional<double> number() const;
};

struct JsonMember {
    std::string name;
    Json value;
};

inline constexpr size_t kJsonNestingMax = 16;   // lists and objects in each other
inline constexpr size_t kJsonMembersMax = 256;  // of one object

/// One value, blanks around it allowed.
/// @errors  half a sentence: "it is no JSON", "a member is there twice"
/// @cost    one pass; bounded by the text, the caller bounds that
Result<Json, std::string> parse_json(std::string_view text);

}  // namespace godwit::auth
