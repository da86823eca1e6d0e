// What the configuration says of logins, told to the AuthWorker.
#pragma once

#include "config/options.h"
#include "os/log_writer.h"
#include "server/auth_worker.h"

#include <string>

namespace godwit::server {

/// Tokens with their keys, and the call-out.
/// @param options  outlives `auth`, likewise `log`
/// @errors         a sentence: which file, and what is wrong with it
Result<Done, std::string> prepare_logins(AuthWorker& auth, const config::Options& options,
                                         os::LogWriter& log);

}  // namespace godwit::server
