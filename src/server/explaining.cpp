#include "server/explaining.h"

#include "base/json.h"
#include "topic/filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace godwit::server {

namespace {

using auth::Action;

std::optional<uint64_t> to_number(std::string_view text) {
    uint64_t value = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<Action> to_action(std::string_view word) {
    for (size_t i = 0; i < auth::kActionCount; ++i)
        if (auth::name_of(Action(i)) == word) return Action(i);
    return std::nullopt;
}

/// Rules are about the filter behind "$share/NAME/".
std::string fault_of_topic(auth::OwnedRequest& request) {
    if (request.action == Action::Connect) return {};
    if (request.topic.empty()) return "topic is missing";
    if (request.action != Action::Subscribe) {
        const auto name = topic::check_name(request.topic);
        return name ? std::string() : "topic: " + std::string(topic::error_text(name.error()));
    }
    const auto filter = topic::parse_filter(request.topic);
    if (!filter) return "topic: " + std::string(topic::error_text(filter.error()));
    request.topic = std::string(filter->filter);
    return {};
}

}  // namespace

std::vector<auth::OwnedRequest> Question::requests() const {
    std::vector<auth::OwnedRequest> all{request};
    if (!retain || request.action != Action::Publish) return all;
    all.push_back(request);
    all.back().action = Action::Retain;
    return all;
}

Result<Question, std::string> read_question(const admin::Target& query) {
    Question question;
    for (const auto& [name, value] : query.query) {
        if (name == "client")
            question.client_id = value;
        else if (name == "realm")
            question.realm = value;
        else if (name == "topic")
            question.request.topic = value;
        else if (name == "retain")
            question.retain = value == "1";
        else if (name == "format")
            question.as_text = value == "text";
        else if (name == "action") {
            const auto action = to_action(value);
            if (!action)
                return Err{
                    std::string("action is one of connect, publish, retain, subscribe and "
                                "receive")};
            question.request.action = *action;
        } else if (name == "qos" || name == "payload") {
            const auto number = to_number(value);
            if (!number || (name == "qos" && *number > 2))
                return Err{fmt::format("{} is no {}", value, name)};
            if (name == "qos")
                question.request.qos = uint8_t(*number);
            else
                question.request.payload_bytes = *number;
        } else {
            return Err{fmt::format("there is no '{}' here", name)};
        }
    }
    if (std::string fault = fault_of_topic(question.request); !fault.empty()) return Err{fault};
    return question;
}

const auth::Explanation& decisive(const std::vector<auth::Explanation>& answers) {
    const auto denied = std::ranges::find(answers, false, &auth::Explanation::allowed);
    return denied == answers.end() ? answers.back() : *denied;
}

std::string render_answer(const Question& question, const auth::Explanation& answer) {
    if (question.as_text) return auth::to_text(answer);
    std::string out = "{\"client\":";
    append_json_text(out, question.client_id);
    out += ",\"realm\":";
    append_json_text(out, question.realm);
    out += fmt::format(",\"action\":\"{}\",\"topic\":", auth::name_of(question.request.action));
    append_json_text(out, question.request.topic);
    return out + ',' + auth::to_json_members(answer) + "}\n";
}

}  // namespace godwit::server
