// Explain: what a policy decides and why, in words: the rule that decides, and where none does, the
// rules that nearly did.
#pragma once

#include "auth/policy.h"

#include <string>
#include <vector>

namespace godwit::auth {

/// A rule that would allow it, but for one thing.
struct NearMiss {
    uint32_t line = 0;
    std::string rule;  // its text
    std::string why;   // "another topic", "it is about other clients", ...
};

/// Owns its text: the policy may be replaced meanwhile.
struct Explanation {
    bool allowed = false;
    std::string source;  // the policy's file; empty: there is no policy
    uint32_t line = 0;   // 0: no rule decided
    std::string rule;
    std::vector<NearMiss> nearest;  // at most kNearestMax, the nearest first
};
inline constexpr size_t kNearestMax = 3;

/// @cost  linear in the policy
Explanation explain(const Policy& policy, const Subject& subject, const Request& request);
/// Where there is no policy.
Explanation explain_without_policy();

/// Lines for people, each ended: "denied by /etc/godwit/policy:12\n  deny publish #\n".
std::string to_text(const Explanation& explanation);
/// {"allowed":..,"policy":..,"line":..,"rule":..,"nearest":[..]}: the inside of one object.
std::string to_json_members(const Explanation& explanation);

}  // namespace godwit::auth
