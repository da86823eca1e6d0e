#include "server/commands.h"
#include "server/data_directory.h"
#include "server/dumping.h"

#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

struct DumpWishes {
    std::string directory;
    std::string client_id;
    bool sessions = false;
    bool queues = false;
    bool retained = false;
};

int fail(const std::string& why) {
    std::fprintf(stderr, "godwit dump: %s\n", why.c_str());
    return 2;
}

int run_dump(const DumpWishes& wishes) {
    const auto data = DataDirectory::inspect(wishes.directory);
    if (!data) return fail(data.error());
    const bool all = !wishes.sessions && !wishes.queues && !wishes.retained;
    DumpOptions options{.sessions = all || wishes.sessions,
                        .queues = all || wishes.queues,
                        .retained = all || wishes.retained,
                        .client_id = {}};
    if (!wishes.client_id.empty()) options.client_id = wishes.client_id;
    const auto print = [](std::string_view line) {
        return std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
    };
    const auto dumped = dump((*data)->directory(), (*data)->folders(), options, print);
    if (!dumped) return fail(dumped.error());
    if (std::fflush(stdout) != 0) return fail("standard output is closed or full");
    if (!dumped->is_damaged) return 0;
    std::fprintf(stderr, "godwit dump: the store is damaged; godwit verify says where\n");
    return 1;
}

}  // namespace

void add_dump(Command& godwit) {
    Command command = godwit.subcommand(
        "dump", "Print what a data directory holds, as JSON lines, and change nothing");
    auto wishes = std::make_shared<DumpWishes>();
    command.required("directory", wishes->directory, "DIR", "Data directory (serve --data)");
    command.flag("--sessions", wishes->sessions, "Sessions and shared groups");
    command.flag("--queues", wishes->queues, "The messages owed to them");
    command.flag("--retained", wishes->retained,
                 "Retained messages; without any of the three: all");
    command.text("--client", wishes->client_id, "ID", "One session, and what it is owed");
    command.footer(
        "One JSON object a line; \"type\" says what it is:\n"
        "  session   client_id, protocol, expiry_s, will, subscriptions; the packet ids in flight "
        "to\n"
        "            it (inflight, pubrel_owed) and from it (unreleased); queued: how many wait\n"
        "  group     share, filter, queued: a shared group\n"
        "  message   what the session or group before it is owed, in order; mid: sent under that "
        "id\n"
        "  retained  the retained message of a topic\n"
        "A payload that is not UTF-8 text is payload_base64. Times left count from the moment "
        "when\n"
        "the broker wrote its clock last. online: its client was connected then.\n"
        "Exit status: 0 all of it, 1 all that is sound of a damaged store, 2 not readable.\n\n"
        "Examples:\n"
        "  godwit dump /var/lib/godwit --sessions | jq -r '[.client_id, .queued] | @tsv'\n"
        "  godwit dump /var/lib/godwit --client pump-7");
    command.runs([wishes] { return run_dump(*wishes); });
}

}  // namespace godwit::server
