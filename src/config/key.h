// One key of the configuration: what it is called, what it may be, and which member of the options
// it sets. Row<Owner> joins the description, which the documents are made from, with the member.
#pragma once

#include "base/assert.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace godwit::config {

enum class Type : uint8_t { Flag, Number, Text, Choice };

/// What a key can be set to; of a Choice the position in `choices`. monostate: nothing was written,
/// and what this means is in the key's doc.
using Value = std::variant<std::monostate, bool, uint64_t, std::string>;

struct Range {
    uint64_t min = 0;
    uint64_t max = 0;
};

struct Key {
    std::string_view section;  // "limits"
    std::string_view name;     // "receive_maximum"
    Type type = Type::Text;
    std::string_view unit = {};  // "s", "bytes", "messages"; empty: a plain number
    Range range = {};            // of a Number
    std::span<const std::string_view> choices = {};
    Value initial = {};         // of a Choice its text
    std::string_view doc = {};  // sentences
};

/// How a key's value reaches its member in the options.
template <class Owner>
struct Member {
    Value (*get)(const Owner&);
    void (*set)(Owner&, const Value&);
};

template <class Owner>
struct Row {
    Key key;
    Member<Owner> member;
};

// --- values and members ---

inline Value to_value(bool member) {
    return member;
}
inline Value to_value(const std::string& member) {
    return member;
}
inline Value to_value(std::chrono::milliseconds member) {
    return uint64_t(member.count() / 1000);
}
template <class T>
requires std::is_integral_v<T> || std::is_enum_v<T> Value to_value(T member) {
    return uint64_t(member);
}
template <class T>
Value to_value(const std::optional<T>& member) {
    return member ? to_value(*member) : Value();
}

inline void assign(bool& member, const Value& value) {
    member = std::get<bool>(value);
}
inline void assign(std::string& member, const Value& value) {
    member = std::get<std::string>(value);
}
inline void assign(std::chrono::milliseconds& member, const Value& value) {
    member = std::chrono::seconds(std::get<uint64_t>(value));
}
template <class T>
requires std::is_integral_v<T> || std::is_enum_v<T>
void assign(T& member, const Value& value) {
    member = T(std::get<uint64_t>(value));
}
template <class T>
void assign(std::optional<T>& member, const Value& value) {
    member.reset();
    if (!std::holds_alternative<std::monostate>(value)) assign(member.emplace(), value);
}

/// member<Options, &Options::server, &ServerOptions::shard_count>()
template <class Owner, auto... Path>
constexpr Member<Owner> member() {
    return {[](const Owner& owner) { return to_value((owner.*....*Path)); },
            [](Owner& owner, const Value& value) { assign((owner.*....*Path), value); }};
}

}  // namespace godwit::config
