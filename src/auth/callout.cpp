#include "auth/callout.h"

#include "auth/base64.h"
#include "auth/claims.h"
#include "auth/json.h"
#include "base/json.h"
#include "base/utf8.h"

#include <cmath>

namespace godwit::auth {

namespace {

using Kind = CalloutAnswer::Kind;

void append_member(std::string& out, std::string_view name, std::string_view value) {
    if (!out.ends_with('{')) out += ',';
    append_json_text(out, name);
    out += ':';
    append_json_text(out, value);
}

std::string padded_base64(std::string_view bytes) {
    std::string out = encode_base64(as_bytes(bytes));
    out.append((4 - out.size() % 4) % 4, '=');
    return out;
}

void append_password(std::string& out, std::optional<std::string_view> password) {
    if (!password)
        out += R"(,"password":null)";
    else if (is_mqtt_utf8(*password))
        append_member(out, "password", *password);
    else
        append_member(out, "password_base64", padded_base64(*password));
}

std::optional<Kind> kind_of(std::string_view result) {
    if (result == "allow") return Kind::Allow;
    if (result == "deny") return Kind::Deny;
    if (result == "pass") return Kind::Pass;
    return std::nullopt;
}

/// Whether the member is a time, or not there.
bool read_seconds(const Json& answer, const char* name, std::optional<double>& out) {
    const Json* member = answer.find(name);
    if (!member) return true;
    out = member->number();
    return out && std::isfinite(*out) && *out >= 0;
}

size_t bytes_of(const std::vector<Claim>& claims) {
    size_t bytes = 0;
    for (const Claim& each : claims) bytes += each.name.size() + each.value.size();
    return bytes;
}

}  // namespace

std::string render_callout(const CalloutQuestion& question) {
    std::string out = "{";
    append_member(out, "client", question.client);
    if (question.user)
        append_member(out, "user", *question.user);
    else
        out += R"(,"user":null)";
    append_password(out, question.password);
    for (const auto& [name, value] : {std::pair{"protocol", question.protocol},
                                      {"address", question.address},
                                      {"listener", question.listener},
                                      {"realm", question.realm},
                                      {"server_name", question.server_name}})
        if (!value.empty()) append_member(out, name, value);
    if (!question.certificate_name.empty() || !question.certificate_subject.empty()) {
        out += R"(,"certificate":{)";
        append_member(out, "name", question.certificate_name);
        append_member(out, "subject", question.certificate_subject);
        out += '}';
    }
    return out + "}";
}

Result<CalloutAnswer, std::string> parse_callout(std::string_view text) {
    const auto answer = parse_json(text);
    if (!answer) return Err{answer.error()};
    const std::string* result = answer->find_text("result");
    const auto kind = result ? kind_of(*result) : std::nullopt;
    if (!kind) return Err{std::string("its result is none of allow, deny and pass")};
    CalloutAnswer out{.kind = *kind, .expires_in_s = {}, .cache_s = {}, .claims = {}, .realm = {}};
    if (!read_seconds(*answer, "expires_in_s", out.expires_in_s) ||
        !read_seconds(*answer, "cache_s", out.cache_s))
        return Err{std::string("a time is no number of seconds")};
    if (const Json* claims = answer->find("claims")) {
        if (claims->kind != Json::Kind::Object) return Err{std::string("its claims are no object")};
        out.claims = claims_of(*claims);
    }
    if (const Json* realm = answer->find("realm")) {
        if (realm->kind != Json::Kind::Text || realm->text.empty())
            return Err{std::string("its realm is no text")};
        out.realm = realm->text;
    }
    if (bytes_of(out.claims) > kCalloutClaimsBytesMax)
        return Err{std::string("its claims are more than 8 KiB")};
    return out;
}

}  // namespace godwit::auth
