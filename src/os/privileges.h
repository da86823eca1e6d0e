// What the process may do to the machine, and what of it may be left on a disk.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

namespace godwit::os {

bool is_root();
/// Who runs this program: of `sudo godwit` it is root.
uint32_t user_id();

/// Becomes this user, with its groups, for good, in every thread. Somebody else's files that are
/// open stay open.
/// @param log_file  is given to the user, so that it can be opened again; empty: none
/// @errors          a sentence: no such user, or only root can become another one
Result<Done, std::string> become_user(const std::string& name, const std::string& log_file);

/// Whether the kernel may write the memory of the process, with all its keys, to a core file, and
/// debuggers of the same user may look into it. To be said again after become_user().
void allow_core_dumps(bool allowed);

}  // namespace godwit::os
