#include "os/memory.h"

#include <malloc.h>

namespace godwit::os {

void return_free_memory() {
    ::malloc_trim(0);
}

}  // namespace godwit::os
