// The version of this program, as `godwit version` and $SYS/broker/version tell it.
#pragma once

#include <string_view>

namespace godwit {

/// "0.1.0", or "0.1.0 (1a2b3c4)" with the commit in a release build from a git checkout.
std::string_view version();

}  // namespace godwit
