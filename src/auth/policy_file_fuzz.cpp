// First line: a client's identity; second: a topic; the rest: a policy file. Properties: an error
// names its line; what decides is a line of the file that says so; profiles and the whole policy
// give the same answer; a place in a topic gives a client nothing outside its own level, whatever
// the client calls itself.
#include "auth/policy_file.h"

#include "auth/lines.h"
#include "auth/policy_doubts.h"
#include "auth/policy_words.h"
#include "auth/profiles.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "topic/filter.h"

#include <string>

using namespace godwit;
using namespace godwit::auth;

namespace {

void check_own_level(const Policy& own, const Subject& who, const Request& request) {
    if (!own.decide(who, request).allowed) return;
    const std::string level = "home/" + std::string(who.client_id);
    GW_ASSERT(request.topic.starts_with(level));
    GW_ASSERT(request.topic.size() == level.size() || request.topic[level.size()] == '/');
}

std::string_view line_of(std::string_view file, uint32_t number) {
    std::string_view line;
    for (uint32_t i = 0; i < number; ++i) line = take_line(file);
    return line;
}

void check_answers(const Policy& policy, std::string_view file, const Subject& who,
                   const Request& request) {
    const Decision decision = policy.decide(who, request);
    Profiles profiles(policy);
    GW_ASSERT(profiles.decide(profiles.of(who), who, request) == decision);
    if (decision.line == 0) return GW_ASSERT(!decision.allowed);
    const auto words = split_words(line_of(file, decision.line), decision.line);
    GW_ASSERT(words && words->front().text == (decision.allowed ? "allow" : "deny"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto kOwn = parse_policy("allow write,read home/{client}/# home/{claim.c}/#");
    std::string_view text = as_text(Bytes(data, size));
    const std::string_view identity = take_line(text);
    const std::string_view name = take_line(text);
    const auto file = parse_policy(text);
    if (!file) GW_ASSERT(file.error().line > 0 && !file.error().what.empty());
    if (!topic::check_name(name)) return 0;

    const Claim claims[] = {{"c", std::string(identity)}};
    const Subject who{
        .client_id = identity, .username = identity, .common_name = identity, .claims = claims};
    for (size_t i = 0; i < kActionCount; ++i) {
        const Request request{Action(i), name, uint8_t(size % 3), size};
        if (request.action != Action::Connect) check_own_level(kOwn->policy, who, request);
        if (file) check_answers(file->policy, text, who, request);
    }
    if (file && file->policy.rules().size() < 100) (void)find_doubts(file->policy);
    return 0;
}
