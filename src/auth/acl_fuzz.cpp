// First line: a client's identity; second: a topic; the rest: an ACL file. Properties: an error
// names its line; for a topic name, asking to subscribe and asking to receive are the same
// question; a pattern gives a client nothing outside its own level, whatever the client calls
// itself.
#include "auth/acl.h"
#include "auth/lines.h"
#include "base/assert.h"
#include "base/bytes.h"
#include "topic/filter.h"

using namespace godwit;
using namespace godwit::auth;

namespace {

Decision ask(const Policy& rules, Action action, std::string_view identity, std::string_view name) {
    return rules.decide({.client_id = identity, .username = identity}, {action, name});
}

void check_own_level(const Policy& own, std::string_view identity, std::string_view name) {
    if (!ask(own, Action::Receive, identity, name).allowed) return;
    const std::string level = "home/" + std::string(identity);
    GW_ASSERT(name.starts_with(level));
    GW_ASSERT(name.size() == level.size() || name[level.size()] == '/');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto kByClientId = parse_acl("pattern read home/%c/#");
    static const auto kByUser = parse_acl("pattern read home/%u/#");
    std::string_view text = as_text(Bytes(data, size));
    const std::string_view identity = take_line(text);
    const std::string_view name = take_line(text);
    const auto acl = parse_acl(text);
    if (!acl) GW_ASSERT(acl.error().line > 0 && !acl.error().what.empty());
    if (!topic::check_name(name)) return 0;

    check_own_level(*kByClientId, identity, name);
    check_own_level(*kByUser, identity, name);
    if (!acl) return 0;
    const auto receive = ask(*acl, Action::Receive, identity, name);
    GW_ASSERT(ask(*acl, Action::Subscribe, identity, name) == receive);
    GW_ASSERT(receive.line > 0 || !receive.allowed);
    return 0;
}
