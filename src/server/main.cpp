#include "base/version.h"
#include "bench/commands.h"
#include "client/commands.h"
#include "server/commands.h"

#include <CLI/CLI.hpp>

#include <string>

namespace {

/// Exit status of a command line that is none; of CLI11's many numbers scripts know nothing.
constexpr int kUsage = 2;

}  // namespace

int main(int argc, char** argv) {
    using namespace godwit;
    CLI::App app{"godwit: an MQTT broker for 3.1, 3.1.1 and 5.0"};
    app.set_version_flag("--version", std::string(version()));
    app.require_subcommand(1);
    app.get_formatter()->column_width(36);
    server::Run run;
    server::add_serve(app, run);
    client::add_pub(app, run);
    client::add_sub(app, run);
    bench::add_bench(app, run);
    server::add_check(app, run);
    server::add_passwd(app, run);
    server::add_user(app, run);
    server::add_policy(app, run);
    server::add_explain(app, run);
    server::add_why(app, run);
    server::add_verify(app, run);
    server::add_dump(app, run);
    server::add_version(app, run);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsage;
    }
    return run();
}
