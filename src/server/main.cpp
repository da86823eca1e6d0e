#include "base/version.h"
#include "bench/commands.h"
#include "client/commands.h"
#include "server/commands.h"

#include <CLI/CLI.hpp>

#include <string>

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
    server::add_version(app, run);
    CLI11_PARSE(app, argc, argv);
    return run();
}
