// LogImage: what logs hold, as text, wherever it lies: two sets of logs hold the same state when
// their images are equal. For tests.
#pragma once

#include "broker/keeping/new_log.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace godwit::broker::testing {

/// "session 0 c", "group 0 share filter", "retained 0 topic": what stands there and who is owed
/// what, in order. "between" has what is on its way from one shard to another.
using LogImage = std::map<std::string, std::vector<std::string>>;

/// The logs are sound.
LogImage image_of(std::span<const LogFolder> logs);

}  // namespace godwit::broker::testing
