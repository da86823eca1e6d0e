// Threads and the limits of the process: a name for each, who goes first, how many shards make
// sense here, and how many connections the kernel lets us hold.
#pragma once

#include "base/result.h"
#include "os/io_error.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace godwit::os {

/// What top and gdb show; longer names are cut to 15 bytes. Call it first thing in the thread.
void name_this_thread(std::string_view name);

/// The calling thread has a core as soon as it can use one (SCHED_FIFO): for a clock that others
/// are measured by. Where only root may do that, and this is not root, it stays as it is.
void go_first();
/// The calling thread has what others leave, at once when they wake (SCHED_IDLE). For good: only
/// root may step forward.
void step_back();
/// Lets those work that wait for this core. @cost one system call
void make_way();
/// The calling thread interrupts nobody when it wakes (SCHED_BATCH), and has its share all the
/// same: for work that can wait. For good.
void never_interrupt();

/// The cores this thread may run on, ascending: the affinity of the process. Never empty.
std::vector<int> usable_cpus();

/// How many threads can run at once: usable_cpus(), less where the cgroup's quota is lower
/// (rounded up: 1.5 cores are 2 threads). At least 1.
size_t usable_cpu_count();

/// Cores granted by the text of a cgroup v2 cpu.max file ("150000 100000"); nullopt for no limit
/// ("max 100000") or no such text.
std::optional<double> parse_cpu_max(std::string_view text);

/// How many files may be open, as things are.
uint64_t file_limit();
/// The number that the next file gets, which is the lowest that is free; UINT64_MAX: there is none.
/// @param open  any file that is open
/// @cost  two system calls
uint64_t next_file_number(int open);

/// Raises the soft limit of open files to the hard one.
/// @return what holds now
/// @errors EPERM where a sandbox forbids it; the old limit still holds
Result<uint64_t, IoError> raise_file_limit();

}  // namespace godwit::os
