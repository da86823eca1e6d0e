#include "server/commands.h"
#include "server/data_directory.h"
#include "server/verifying.h"

#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

struct VerifyOptions {
    std::string directory;
    bool json = false;
};

int fail(const std::string& why) {
    std::fprintf(stderr, "godwit verify: %s\n", why.c_str());
    return 2;
}

int run_verify(const VerifyOptions& wishes) {
    const auto data = DataDirectory::inspect(wishes.directory);
    if (!data) return fail(data.error());
    const auto verdict = verify((*data)->directory(), (*data)->folders());
    if (!verdict) return fail(verdict.error());
    const std::string text = wishes.json ? verdict_json(*verdict) : verdict_text(*verdict);
    std::fputs(text.c_str(), stdout);
    return verdict->is_sound() ? 0 : 1;
}

}  // namespace

void add_verify(Command& godwit) {
    Command command = godwit.subcommand(
        "verify", "Check a data directory while no broker runs on it, and change nothing");
    auto wishes = std::make_shared<VerifyOptions>();
    command.required("directory", wishes->directory, "DIR", "Data directory (serve --data)");
    command.flag("--json", wishes->json, "Print one JSON object, with every segment");
    command.footer(
        "A row for each shard: segments in use; bytes of its files, and of living objects;\n"
        "sessions, their subscriptions; messages on disk (once, however many wait for them);\n"
        "queued and inflight, counted for each session; shared groups, and messages in them;\n"
        "crossing: messages that another shard has not confirmed; retained messages.\n"
        "Then a line for whatever is out of order:\n"
        "  torn       a group cut off by a crash at the end of a log; nobody was promised it\n"
        "  set aside  a file that an earlier start found damaged; look at it, then remove it\n"
        "  damaged    bytes that are not what was written: segment, offset, records saved\n"
        "  unusable   an object that is whole, but means nothing or has lost what it belongs to\n"
        "A broker starts all the same: it uses what is sound, and sets aside what is not.\n"
        "Exit status: 0 sound (torn and set aside are), 1 damaged or unusable, 2 not readable.\n\n"
        "Examples:\n"
        "  godwit verify /var/lib/godwit\n"
        "  godwit verify --json /var/lib/godwit | jq '.shards[] | {folder, queued}'");
    command.runs([wishes] { return run_verify(*wishes); });
}

}  // namespace godwit::server
