// How two topic filters lie to each other, for permissions: both are sets of topic names.
// The first level of a name that begins with '$' is matched by no wildcard [MQTT5-4.7.2-1].
#pragma once

#include <string_view>

namespace godwit::auth {

/// Whether every name that `filter` matches is matched by `rule`: "a/#" covers "a", "a/+/c" and
/// "a/#", not "+/b" and not "#".
/// @param rule, filter  well-formed filters without a $share prefix
/// @cost                one pass, no allocation
bool covers(std::string_view rule, std::string_view filter);

/// Whether some name is matched by both: "a/+" and "+/b" overlap (in "a/b"), "a/+" and "b/#" do
/// not.
/// @cost  one pass, no allocation
bool overlaps(std::string_view left, std::string_view right);

}  // namespace godwit::auth
