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
    server::Command godwit(app, run);
    server::add_serve(godwit);
    client::add_pub(app, run);
    client::add_sub(app, run);
    bench::add_bench(app, run);
    server::add_check(godwit);
    server::add_passwd(godwit);
    server::add_user(godwit);
    server::add_policy(godwit);
    server::add_explain(godwit);
    server::add_why(godwit);
    server::add_verify(godwit);
    server::add_dump(godwit);
    server::add_version(godwit);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : kUsage;
    }
    return run();
}
