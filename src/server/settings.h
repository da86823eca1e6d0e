// Configuration as the commands take it: a file, GODWIT_ variables and the command line, in rising
// order.
#pragma once

#include "base/result.h"
#include "config/config.h"

#include <string>
#include <utility>
#include <vector>

namespace godwit::server {

struct SettingsSource {
    std::string file;                                           // empty: none
    std::vector<std::string> listen;                            // --listen
    std::vector<std::pair<std::string, std::string>> settings;  // other options of the command line
};

/// Prints every fault and warning to standard error, one a line, as "file:line: key: message;
/// hint".
/// @errors  how many faults there were
Result<config::Config, size_t> read_settings(const SettingsSource& source);

}  // namespace godwit::server
