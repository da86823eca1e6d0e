// Topic permissions, in the format of Mosquitto's acl_file, translated into a Policy:
//   topic [read|write|readwrite|deny] <filter>     for the user of the section; before the first
//                                                  `user` line: for clients without a user name
//   user <name>                                    opens (or reopens) the section of that user
//   pattern [read|write|readwrite|deny] <filter>   for every client; %c is its client id, %u its
//                                                  user name, anywhere in the filter
// No access word means readwrite. A line that begins with '#' is a comment. Everybody may connect.
//
// How a decision is made is said in policy.h and topic_template.h. Where we are stricter than
// Mosquitto:
// - deny wins over every other rule, wherever it stands. (Mosquitto lets a `topic` rule of the user
//   win over a denying `pattern`; here no grant can undo a deny.)
// - A filter under which nothing could ever arrive, or that a deny covers, is refused in SUBACK;
//   Mosquitto accepts every subscription and then sends nothing.
#pragma once

#include "auth/file_error.h"
#include "auth/policy.h"
#include "base/result.h"

#include <string_view>

namespace godwit::auth {

/// @errors  the first bad line: an unknown word, an access word that is none, no filter, a filter
///          that is not well formed, a user line without a name
Result<Policy, FileError> parse_acl(std::string_view text);

}  // namespace godwit::auth
