// From text to checked options: a TOML file, the environment and the command line in, Options or a
// list of everything that is wrong out. Reading the file is the caller's.
//
// Later sources win: defaults, file, environment (GODWIT_SECTION_KEY), command line.
// GODWIT_LISTENER_URL holds one or more URLs between blanks and replaces the file's listeners; the
// other GODWIT_LISTENER_ variables set their key on every listener. A GODWIT_ variable of no
// section is passed over with a warning.
#pragma once

#include "config/options.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace godwit::config {

/// One thing that is wrong, or a warning.
struct ConfigError {
    uint32_t line = 0;    // in the file, from 1; 0: not from the file
    uint32_t column = 0;  // from 1; 0: the whole line
    std::string key;      // "limits.receive_maximum", "GODWIT_LIMITS_..", "listener.url"; may be ""
    std::string message;  // a sentence
    std::string hint;     // what to do about it; may be empty
};

struct Sources {
    std::string_view text;                                      // the file; "" without one
    std::map<std::string, std::string> environment;             // variables, all or only GODWIT_
    std::vector<std::string> listen;                            // --listen; replaces listeners
    std::vector<std::pair<std::string, std::string>> settings;  // {"server.shards", "4"}
};

struct Config {
    Options options;
    std::vector<ConfigError> warnings;
};

/// @errors  TOML that is none (only the first fault), unknown sections and keys with the nearest
///          known one, wrong types, values out of range, and options that contradict each other;
///          ordered by line. Never returns options of which a part was not understood.
Result<Config, std::vector<ConfigError>> parse_config(const Sources& sources);

/// "file:line: key: message; hint", without the line where there is none.
std::string to_text(const ConfigError& error, std::string_view file);

}  // namespace godwit::config
