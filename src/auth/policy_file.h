// The policy file: one rule a line, and the cases that test it. docs/policy.md teaches it.
//   file      = { line }                    a line that begins with '#' is a comment
//   line      = rule | section | case
//   section   = "for" ( "everyone" | conditions )      holds for the rules up to the next section
//   rule      = ( "allow" | "deny" ) "connect" { condition }
//             | ( "allow" | "deny" ) actions topic { topic } { condition } { limit }
//   actions   = action { "," action }
//   action    = "publish" | "retain" | "subscribe" | "receive"
//             | "write" (publish and retain) | "read" (subscribe and receive)
//   condition = "anonymous" | attribute ( "=" | "!=" ) pattern { "|" pattern }
//   attribute = "user" | "client" | "realm" | "cn" | "claim.NAME"
//   limit     = ( "qos" | "payload" ) ( "<=" | ">" ) number [ "KiB" | "MiB" ]
//   case      = "expect" ( "allow" | "deny" ) action [ topic ] { attribute "=" text }
//               [ "qos=" number ] [ "payload=" number ]
// A topic is a filter; {client}, {user}, {realm}, {cn} and {claim.NAME} in it are filled by the
// client (topic_template.h), and in a pattern of a condition too.
#pragma once

#include "auth/file_error.h"
#include "auth/policy.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace godwit::auth {

/// What the policy has to answer.
struct PolicyCase {
    uint32_t line = 0;
    std::string text;  // as it was written
    bool allowed = false;
    OwnedRequest request;
    OwnedSubject subject;
};

struct PolicyFile {
    Policy policy;
    std::vector<PolicyCase> cases;
};

/// @errors  the first bad line and word: what is not understood, and what was probably meant
Result<PolicyFile, FileError> parse_policy(std::string_view text);

}  // namespace godwit::auth
