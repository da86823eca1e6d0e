// Memory of the process as a whole.
#pragma once

namespace godwit::os {

/// Gives free pages back to the system, those between used ones too, which free() alone never does.
/// Thread: any. @cost  some milliseconds a hundred megabytes, while others wait to allocate
void return_free_memory();

}  // namespace godwit::os
