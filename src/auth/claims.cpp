#include "auth/claims.h"

namespace godwit::auth {

namespace {

/// What a policy can compare. @return nullopt: an object, a list or null
std::optional<std::string> text_of(const Json& value) {
    switch (value.kind) {
        case Json::Kind::Text:
        case Json::Kind::Number:
            return value.text;
        case Json::Kind::Flag:
            return value.flag ? "true" : "false";
        default:
            return std::nullopt;
    }
}

}  // namespace

std::vector<Claim> claims_of(const Json& object) {
    std::vector<Claim> out;
    const auto add = [&](const std::string& name, const Json& value) {
        if (auto text = text_of(value)) out.push_back({name, *std::move(text)});
    };
    for (const JsonMember& each : object.members) {
        if (each.name == "exp" || each.name == "nbf" || each.name == "iat" || each.name == "jti")
            continue;
        add(each.name, each.value);
        for (const Json& item : each.value.list) add(each.name, item);
    }
    return out;
}

}  // namespace godwit::auth
