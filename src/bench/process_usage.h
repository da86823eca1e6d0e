// What another process has used so far, as /proc tells it: CPU, memory, context switches.
// Source: proc(5).
#pragma once

#include "base/instant.h"
#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace godwit::bench {

struct ProcessUsage {
    Duration user{};  // CPU time since it began, all threads; the kernel counts in 10 ms
    Duration system{};
    uint64_t rss_bytes = 0;
    uint64_t threads = 0;
    uint64_t voluntary_switches = 0;  // of the threads that live
    uint64_t involuntary_switches = 0;
};

/// All of it. @cost some system calls a thread
/// @errors  a sentence: no such process, not allowed
Result<ProcessUsage, std::string> read_process(int pid);
/// Its part of the memory that it shares. nullopt where that may not be read.
/// @cost milliseconds where it has much memory, and it waits meanwhile: not while one measures
std::optional<uint64_t> read_pss_bytes(int pid);
/// Only its resident memory: cheap. nullopt when it has ended.
std::optional<uint64_t> read_rss_bytes(int pid);

// --- the texts, for tests ---

struct CpuTicks {
    uint64_t user = 0, system = 0;
};
/// Fields 14 and 15 of /proc/PID/stat; the name in it may hold blanks and brackets.
std::optional<CpuTicks> parse_stat(std::string_view text);
/// The number behind "KEY:" in a text of lines, such as /proc/PID/status; its unit is left alone.
std::optional<uint64_t> parse_field(std::string_view text, std::string_view key);

}  // namespace godwit::bench
