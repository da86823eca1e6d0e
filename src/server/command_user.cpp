// `godwit user`: users of the control store, whether or not a broker runs.
#include "auth/password_file.h"
#include "base/json.h"
#include "base/log.h"
#include "control/user_store.h"
#include "os/clock.h"
#include "os/privileges.h"
#include "server/commands.h"
#include "server/new_password.h"
#include "server/settings.h"

#include <fmt/format.h>
#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

using control::UserStore;
using Changed = Result<bool, std::string>;

struct UserWishes {
    std::string data, config, name;
    bool scram = false, json = false;
};

int fail(const std::string& why, int status = 1) {
    fmt::print(stderr, "godwit user: {}\n", why);
    return status;
}

control::Doer doer() {
    return {os::user_id(), os::wall_now()};
}

bool is_for_scram(const control::StoredUser& user) {
    const auto hash = auth::parse_password_hash(user.hash);
    return hash && hash->method == auth::HashMethod::ScramSha256;
}

/// The data directory as `serve` finds it.
Result<std::string, std::string> find_directory(const UserWishes& wishes) {
    SettingsSource source{.file = wishes.config, .listen = {}, .settings = {}};
    if (!wishes.data.empty()) source.settings.emplace_back("server.data", wishes.data);
    const auto config = read_settings(source);
    if (!config) return Err{std::string("the configuration has faults, see above")};
    const config::Options& options = config->options;
    if (options.server.directory.empty())
        return Err{
            std::string("no data directory: name it by --data DIR, or by --config FILE with "
                        "server.data in it")};
    if (!wishes.config.empty() && !options.auth.users)
        fmt::print(stderr,
                   "warning: {}: auth.users is not true, so its broker does not know these "
                   "users\n",
                   wishes.config);
    return options.server.directory;
}

// --- the verbs: each has changed something, or why not ---

Changed add(UserStore& store, const UserWishes& wishes) {
    const auto there = store.find(wishes.name);
    if (!there) return Err{there.error()};
    if (*there) return false;
    const auto password = ask_password();
    if (!password) return Err{password.error()};
    const std::string hash = hash_new_password(*password, wishes.scram);
    if (auto done = auth::PasswordFile().set(wishes.name, hash); !done)
        return Err{std::string(describe(done.error()))};
    return store.add(wishes.name, hash, doer());
}

/// A user who can log in by SCRAM still can.
Changed set_password(UserStore& store, const UserWishes& wishes) {
    const auto user = store.find(wishes.name);
    if (!user) return Err{user.error()};
    if (!*user) return false;
    const auto password = ask_password();
    if (!password) return Err{password.error()};
    const bool for_scram = wishes.scram || is_for_scram(**user);
    return store.set_hash(wishes.name, hash_new_password(*password, for_scram), doer());
}

Changed remove(UserStore& store, const UserWishes& wishes) {
    return store.remove(wishes.name, doer());
}
Changed disable(UserStore& store, const UserWishes& wishes) {
    return store.set_enabled(wishes.name, false, doer());
}
Changed enable(UserStore& store, const UserWishes& wishes) {
    return store.set_enabled(wishes.name, true, doer());
}

struct Verb {
    const char* name;
    const char* help;
    Changed (*act)(UserStore&, const UserWishes&);
    const char* done;     // "ann: added"
    const char* refusal;  // "ann: ..."
    bool asks_password = false;
    UserStore::IfMissing if_missing = UserStore::IfMissing::Refuse;
};

constexpr const char* kNoUser = "there is no such user";
constexpr Verb kVerbs[] = {
    {"add", "Add a user", add, "added", "the user is there already; see `godwit user passwd`", true,
     UserStore::IfMissing::Make},
    {"passwd", "Give a user another password; its connections end", set_password,
     "has another password", kNoUser, true},
    {"delete", "Remove a user; its connections end", remove, "deleted", kNoUser},
    {"disable", "Keep a user out, its password stays; its connections end", disable, "disabled",
     kNoUser},
    {"enable", "Let a user in again", enable, "enabled", kNoUser},
};

int change(const Verb& verb, const UserWishes& wishes) {
    const auto directory = find_directory(wishes);
    if (!directory) return fail(directory.error(), 2);
    auto store = UserStore::open(*directory, verb.if_missing);
    if (!store) return fail(store.error());
    const Changed changed = verb.act(*store, wishes);
    if (!changed) return fail(changed.error());
    if (!*changed) return fail(wishes.name + ": " + verb.refusal);
    fmt::print("{}: {}\n", wishes.name, verb.done);
    return 0;
}

// --- list ---

std::string to_json(const control::StoredUser& user) {
    std::string out = "{\"user\":";
    append_json_text(out, user.name);
    return out + fmt::format(",\"enabled\":{},\"scram\":{},\"changed\":\"{}\"}}", user.is_enabled,
                             is_for_scram(user), format_utc(user.changed));
}

int list(const UserWishes& wishes) {
    const auto directory = find_directory(wishes);
    if (!directory) return fail(directory.error(), 2);
    auto store = UserStore::open(*directory, UserStore::IfMissing::Refuse);
    if (!store) return fail(store.error());
    const auto users = store->users();
    if (!users) return fail(users.error());
    for (const control::StoredUser& each : *users)
        if (wishes.json)
            fmt::print("{}\n", to_json(each));
        else
            fmt::print("{}  {}{}  changed {}\n", each.name,
                       each.is_enabled ? "enabled" : "disabled",
                       is_for_scram(each) ? ", scram" : "", format_utc(each.changed));
    return 0;
}

// --- the command line ---

std::shared_ptr<UserWishes> add_options(Command& command) {
    auto wishes = std::make_shared<UserWishes>();
    command.text("--data", wishes->data, "DIR", "Data directory of the broker");
    command.text("-c,--config", wishes->config, "FILE",
                 "Configuration of the broker, in which server.data names the directory");
    return wishes;
}

void add_verb(Command& parent, const Verb& verb) {
    Command command = parent.subcommand(verb.name, verb.help);
    auto wishes = add_options(command);
    command.required("user", wishes->name, "USER", "User name");
    if (verb.asks_password) {
        command.flag("--scram", wishes->scram,
                     "Keep the password so that clients can log in by SCRAM-SHA-256 too");
        command.footer("The password is asked for, or read as one line from standard input.");
    }
    command.runs([wishes, &verb] { return change(verb, *wishes); });
}

}  // namespace

void add_user(Command& godwit) {
    Command user = godwit.subcommand("user", "Add, change, disable and remove users");
    user.needs_subcommand();
    for (const Verb& verb : kVerbs) add_verb(user, verb);
    Command all = user.subcommand("list", "List all users, without their passwords");
    auto wishes = add_options(all);
    all.flag("--json", wishes->json, "One JSON object a line");
    all.runs([wishes] { return list(*wishes); });
    user.footer(
        "The users are in the data directory, in control.db. A broker asks for them where "
        "auth.users = true, and a running one follows within a second: connections of users who "
        "are gone, disabled or have another password end with 0x87 (not authorized).\n"
        "Exit status: 0 done, 1 not done, 2 a command line or configuration that is none.\n\n"
        "Examples:\n"
        "  godwit user add ann --data /var/lib/godwit\n"
        "  echo \"$password\" | godwit user add pump-7 --config /etc/godwit/godwit.toml\n"
        "  godwit user disable ann --data /var/lib/godwit");
}

}  // namespace godwit::server
