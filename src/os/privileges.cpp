#include "os/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

namespace godwit::os {

namespace {

struct User {
    uid_t id = 0;
    gid_t group = 0;
};

Result<User, std::string> find_user(const std::string& name) {
    std::vector<char> room(16 * 1024);
    passwd entry{};
    passwd* found = nullptr;
    const int error = ::getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &found);
    if (error != 0) return Err{"cannot look up the user " + name + ": " + std::strerror(error)};
    if (!found) return Err{"there is no user " + name};
    return User{entry.pw_uid, entry.pw_gid};
}

}  // namespace

bool is_root() {
    return ::geteuid() == 0;
}

uint32_t user_id() {
    return ::getuid();
}

Result<Done, std::string> become_user(const std::string& name, const std::string& log_file) {
    const auto user = find_user(name);
    if (!user) return Err{user.error()};
    if (::geteuid() == user->id && ::getuid() == user->id) return Done{};
    if (!is_root()) return Err{"only root can become the user " + name};
    const auto failed = [&](const char* call) {
        return Err{std::string(call) + " for the user " + name + ": " + std::strerror(errno)};
    };
    if (!log_file.empty() && ::chown(log_file.c_str(), user->id, user->group) < 0)
        return failed("chown of the log file");
    if (::initgroups(name.c_str(), user->group) < 0) return failed("initgroups");
    if (::setresgid(user->group, user->group, user->group) < 0) return failed("setresgid");
    if (::setresuid(user->id, user->id, user->id) < 0) return failed("setresuid");
    return Done{};
}

void allow_core_dumps(bool allowed) {
    ::prctl(PR_SET_DUMPABLE, allowed ? 1 : 0, 0, 0, 0);
    if (allowed) return;
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace godwit::os
