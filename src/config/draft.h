// Options on their way from the sources to the check: values are in range, whether they fit
// together is not yet known.
#pragma once

#include "config/config.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::config {

struct DraftListener {
    ListenerOptions options;
    std::string place;      // "listener" in the file, "GODWIT_LISTENER_URL", "--listen"
    uint32_t line = 0;      // of [[listener]]; 0: not from the file
    uint32_t url_line = 0;  // of its url
};

struct DraftRealm {
    RealmSettings settings;
    uint32_t line = 0;  // of its name, or of [[realm]]
};

struct Draft {
    Options options;  // all but the listeners and realms
    std::vector<DraftListener> listeners;
    std::vector<DraftRealm> realms;
    std::map<std::string, uint32_t> lines;  // "limits.receive_maximum" -> its line in the file
    std::vector<ConfigError> errors;
    std::vector<ConfigError> warnings;

    /// The line of a key; 0 if the file does not set it.
    uint32_t line_of(const std::string& key) const {
        const auto found = lines.find(key);
        return found == lines.end() ? 0 : found->second;
    }
};

/// The words of a list.
std::vector<std::string> split_at_blanks(std::string_view text);

/// Defaults, then every source in its order. Faults go to `errors`, and the key keeps what it had.
Draft apply_sources(const Sources& sources);

/// Whether the options fit together; fills what options.h marks as set by the check, and the
/// broker's realms and listener policies. Adds to errors and warnings.
void check_draft(Draft& draft);

}  // namespace godwit::config
