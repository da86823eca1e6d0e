#include "os/privileges.h"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>

namespace godwit::os {
namespace {

/// In a process of its own, since there is no way back: the status that `act` returns.
template <class Act>
int status_of(Act&& act) {
    int status = -1;
    const pid_t child = ::fork();
    if (child == 0) ::_exit(act());
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST(Privileges, OfAnUnknownUserAreRefusedByName) {
    EXPECT_EQ(become_user("no-such-user", "").error(), "there is no user no-such-user");
}
TEST(Privileges, OfOneselfAreThereAlready) {
    const passwd* self = ::getpwuid(::getuid());
    if (!self) GTEST_SKIP() << "this user has no name";
    EXPECT_TRUE(become_user(self->pw_name, ""));
}
TEST(Privileges, OfRootAreGoneForGood) {
    if (!is_root()) GTEST_SKIP() << "needs root";
    EXPECT_EQ(status_of([] {
                  if (!become_user("nobody", "")) return 1;
                  if (is_root() || ::getegid() == 0) return 2;
                  if (::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0) return 3;
                  gid_t groups[64];
                  const int count = ::getgroups(64, groups);
                  for (int i = 0; i < count; ++i)
                      if (groups[i] == 0) return 4;
                  return become_user("root", "") ? 5 : 0;
              }),
              0);
}
TEST(CoreDumps, AreForbiddenOrNot) {
    EXPECT_EQ(status_of([] {
                  allow_core_dumps(false);
                  rlimit now{};
                  ::getrlimit(RLIMIT_CORE, &now);
                  if (now.rlim_max != 0 || ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 1;
                  allow_core_dumps(true);
                  return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1 ? 0 : 2;
              }),
              0);
}

}  // namespace
}  // namespace godwit::os
