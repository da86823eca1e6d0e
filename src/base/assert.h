// GW_ASSERT: the check of our own rules, on in release builds too. A broken rule stops the process;
// what was acknowledged is recovered from disk at the next start.
#pragma once

namespace godwit {

/// Writes "file:line: broken: what" to standard error and aborts.
[[noreturn]] void assert_failed(const char* what, const char* file, int line);

}  // namespace godwit

#define GW_ASSERT(condition)                     \
    (__builtin_expect(!!(condition), 1) ? void() \
                                        : ::godwit::assert_failed(#condition, __FILE__, __LINE__))
