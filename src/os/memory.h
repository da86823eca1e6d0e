// How the process's allocator deals with the system.
#pragma once

namespace godwit::os {

/// Large blocks come from the system and go back to it, one by one, and what is free at the end of
/// a heap goes back soon. Left alone, glibc raises both bounds to many MiB after the first large
/// block, and a table or buffer that was outgrown then stays with the process. Call it before the
/// first thread starts.
void return_memory_early();

}  // namespace godwit::os
