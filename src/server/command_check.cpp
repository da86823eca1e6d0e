#include "auth/policy_doubts.h"
#include "base/version.h"
#include "server/commands.h"
#include "server/credentials.h"
#include "server/password_users.h"
#include "server/settings.h"

#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

/// The broker makes one that is not there.
Result<Done, std::string> check_store(const std::string& directory) {
    if (os::stamp_of(control::UserStore::path_in(directory)) == os::FileStamp()) return Done{};
    auto store = control::UserStore::open(directory, control::UserStore::IfMissing::Refuse);
    if (!store) return Err{store.error()};
    const auto users = load_store_users(*store);
    if (!users) return Err{users.error()};
    return Done{};
}

/// The files that the configuration names. @return how many faults there are
size_t check_files(const config::Options& options) {
    size_t faults = 0;
    const auto report = [&faults](const auto& loaded) {
        if (loaded) return;
        std::fprintf(stderr, "%s\n", loaded.error().c_str());
        ++faults;
    };
    if (!options.auth.password_file.empty()) report(load_passwords(options.auth.password_file));
    if (options.auth.users) report(check_store(options.server.directory));
    report(load_tokens(options.auth));
    report(load_authorities(options.auth.jwt_keys_ca));
    report(load_authorities(options.auth.callout_ca));
    report(load_optional_token(options.auth.callout_token_file));
    report(load_optional_token(options.admin.token_file));
    const auto policy = load_access(options.auth);
    report(policy);
    if (policy && *policy)
        for (const auth::FileError& doubt : auth::find_doubts(**policy))
            std::fprintf(stderr, "%s:%u: warning: %s\n", (*policy)->source().c_str(), doubt.line,
                         doubt.what.c_str());
    for (const config::ListenerOptions& listener : options.listeners)
        if (config::is_tls(listener.url.scheme)) report(load_tls(listener));
    return faults;
}

int check(const SettingsSource& source) {
    const auto config = read_settings(source);
    if (!config) return 1;
    if (check_files(config->options) > 0) return 1;
    std::printf("%s: good\n", source.file.empty() ? "the configuration" : source.file.c_str());
    return 0;
}

}  // namespace

void add_check(Command& godwit) {
    Command command = godwit.subcommand(
        "check", "Check a configuration and the files it names, and start nothing");
    auto source = std::make_shared<SettingsSource>();
    command.text("config", source->file, "FILE", "Configuration file (TOML)");
    command.text("-c,--config", source->file, "FILE", "The same");
    command.footer(
        "Faults are printed as FILE:LINE: KEY: what is wrong; what to do. GODWIT_ variables count "
        "as they do for serve.\n"
        "Exit status: 0 good, 1 faults.\n\nExample:\n  godwit check /etc/godwit/godwit.toml");
    command.runs([source] { return check(*source); });
}

void add_version(Command& godwit) {
    Command command = godwit.subcommand("version", "Print the version");
    command.runs([] {
        std::printf("godwit %s\n", std::string(version()).c_str());
        return 0;
    });
}

}  // namespace godwit::server
