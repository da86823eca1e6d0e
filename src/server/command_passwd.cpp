#include "auth/password_file.h"
#include "os/file.h"
#include "server/commands.h"
#include "server/new_password.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace godwit::server {

namespace {

struct PasswdOptions {
    std::string file, user;
    std::optional<std::string> password;  // none: it is asked for
    bool remove = false, scram = false;
};

constexpr size_t kFileBytesMax = 256 * 1024 * 1024;

int fail(const std::string& why) {
    std::fprintf(stderr, "godwit passwd: %s\n", why.c_str());
    return 1;
}

/// The file's users; none where there is no file yet.
Result<auth::PasswordFile, std::string> open_users(const std::string& file) {
    const auto text = os::read_whole_file(file, kFileBytesMax);
    if (!text && text.error().code != ENOENT) return Err{file + ": " + text.error().text()};
    auto users = auth::PasswordFile::parse(text ? std::string_view(*text) : std::string_view());
    if (!users)
        return Err{file + ":" + std::to_string(users.error().line) + ": " + users.error().what};
    return std::move(*users);
}

int passwd(const PasswdOptions& wishes) {
    auto users = open_users(wishes.file);
    if (!users) return fail(users.error());
    if (wishes.remove) {
        if (!users->remove(wishes.user))
            return fail("no user " + wishes.user + " in " + wishes.file);
    } else {
        const auto password =
            wishes.password ? Result<std::string, std::string>(*wishes.password) : ask_password();
        if (!password) return fail(password.error());
        if (!users->set(wishes.user, hash_new_password(*password, wishes.scram)))
            return fail(std::string(auth::describe(auth::UserError::BadUserName)));
    }
    const auto done = os::write_file_atomically(wishes.file, as_bytes(users->print()), 0600);
    if (!done) return fail(wishes.file + ": " + done.error().text());
    std::printf("%s: %s %s; tell a running broker with SIGHUP\n", wishes.file.c_str(),
                wishes.user.c_str(), wishes.remove ? "removed" : "set");
    return 0;
}

}  // namespace

void add_passwd(Command& godwit) {
    Command command = godwit.subcommand("passwd", "Set or remove a user of a password file");
    auto wishes = std::make_shared<PasswdOptions>();
    command.required("file", wishes->file, "FILE",
                     "Password file; made with mode 0600 if there is none");
    command.required("user", wishes->user, "USER", "User name");
    command.text("-b,--batch", wishes->password, "PASSWORD",
                 "Take the password from the command line (others can see it there)");
    command.flag("--scram", wishes->scram,
                 "Keep it so that clients can log in by SCRAM-SHA-256 too");
    command.flag("-D,--delete", wishes->remove, "Remove the user");
    command.footer(
        "Without --batch the password is asked for, or read as one line from standard input.\n"
        "Files of mosquitto_passwd are read as they are; new passwords are hashed with scrypt.\n\n"
        "Examples:\n  godwit passwd /etc/godwit/passwords alice\n  godwit passwd --delete "
        "/etc/godwit/passwords alice");
    command.runs([wishes] { return passwd(*wishes); });
}

}  // namespace godwit::server
