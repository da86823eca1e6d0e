// The subcommands `godwit pub` and `godwit sub`: their options, with the letters of mosquitto_pub
// and mosquitto_sub.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace godwit::client {

/// Adds the subcommand to `app`. Where it is chosen, `run` is set to what it does; that returns the
/// exit status: 0 good, 1 refused or failed (told on standard error), 27 timed out.
void add_pub(CLI::App& app, std::function<int()>& run);
void add_sub(CLI::App& app, std::function<int()>& run);

}  // namespace godwit::client
