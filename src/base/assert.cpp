#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace godwit {

void assert_failed(const char* what, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: broken: %s\n", file, line, what);
    std::abort();
}

}  // namespace godwit
