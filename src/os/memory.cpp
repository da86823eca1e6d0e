#include "os/memory.h"

#include <malloc.h>

namespace godwit::os {

void return_memory_early() {
    constexpr int kLargeBytes = 256 << 10, kFreeBytesMax = 2 << 20;
    (void)mallopt(M_MMAP_THRESHOLD, kLargeBytes);
    (void)mallopt(M_TRIM_THRESHOLD, kFreeBytesMax);
}

}  // namespace godwit::os
