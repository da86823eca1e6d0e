// Explaining: questions of people and tools about what a client may do, as the admin port and the
// command line put them.
#pragma once

#include "admin/target.h"
#include "auth/explain.h"
#include "base/result.h"

#include <string>
#include <utility>
#include <vector>

namespace godwit::server {

struct Question {
    std::string realm = "default";
    std::string client_id;
    auth::OwnedRequest request;
    bool retain = false;   // of a publish
    bool as_text = false;  // else JSON

    /// What has to be asked: a publish that is to be retained is two requests.
    std::vector<auth::OwnedRequest> requests() const;
};

/// @param query  client, realm, action, topic, qos, payload, retain=1, format=text
/// @errors  a sentence: an unknown action or name, no topic, a topic that is none, no number
Result<Question, std::string> read_question(const admin::Target& query);

/// The first that is denied, else the last.
/// @param answers  one for each of requests()
const auth::Explanation& decisive(const std::vector<auth::Explanation>& answers);

std::string render_answer(const Question& question, const auth::Explanation& answer);

}  // namespace godwit::server
