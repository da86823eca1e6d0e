// The subcommands of `godwit`: each adds its options to the command line and sets what to run.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace godwit::server {

/// What the chosen subcommand does; returns the exit status. A command line that is none ends with
/// status 2 before that.
using Run = std::function<int()>;

void add_serve(CLI::App& app, Run& run);
void add_check(CLI::App& app, Run& run);
void add_passwd(CLI::App& app, Run& run);
void add_user(CLI::App& app, Run& run);
void add_policy(CLI::App& app, Run& run);
void add_explain(CLI::App& app, Run& run);
void add_why(CLI::App& app, Run& run);
void add_verify(CLI::App& app, Run& run);
void add_dump(CLI::App& app, Run& run);
void add_version(CLI::App& app, Run& run);

}  // namespace godwit::server
