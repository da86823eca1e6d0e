// The subcommands of `godwit`: each adds its options to the command line and says what to run.
#pragma once

#include "server/command_line.h"

namespace godwit::server {

void add_serve(Command& godwit);
void add_check(Command& godwit);
void add_passwd(Command& godwit);
void add_user(Command& godwit);
void add_policy(Command& godwit);
void add_explain(Command& godwit);
void add_why(Command& godwit);
void add_verify(Command& godwit);
void add_dump(Command& godwit);
void add_version(Command& godwit);

}  // namespace godwit::server
