// The subcommand `godwit bench` and its scenarios.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace godwit::bench {

/// Adds the subcommand to `app`. Where one of its scenarios is chosen, `run` is set to what it
/// does; that returns the exit status: 0 good; 1 something failed, or messages were lost, came
/// twice (not at QoS 1) or out of order.
void add_bench(CLI::App& app, std::function<int()>& run);

}  // namespace godwit::bench
