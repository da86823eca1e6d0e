#include "os/memory.h"

#include <malloc.h>

namespace godwit::os {

void return_memory_early() {
    constexpr int kLargeBytes = 256 << 10, kFreeBytesMax = 512 << 10;
    (void)mallopt(M_MMAP_THRESHOLD, kLargeBytes);
    (void)mallopt(M_TRIM_THRESHOLD, kFreeBytesMax);
}

}  // namespace godwit::os
