// How the process's allocator deals with the system, and how much memory there is.
#pragma once

#include "os/fd.h"

#include <cstdint>
#include <optional>
#include <string>

namespace godwit::os {

/// Large blocks come from the system and go back to it, one by one, and what is free at the end of
/// a heap goes back soon. Left alone, glibc raises both bounds to many MiB after the first large
/// block, and a table or buffer that was outgrown then stays with the process. Call it before the
/// first thread starts.
void return_memory_early();

/// Gives free pages back to the system, those between used ones too, which free() alone never does.
/// Thread: any. @cost  some milliseconds a hundred megabytes, while others wait to allocate
void return_free_memory();

/// Of the process: what the kernel counts for it and no file backs.
class UsedMemory {
public:
    UsedMemory();
    /// 0: the kernel does not say. Thread: one that has the descriptor. @cost one system call
    uint64_t bytes() const;

private:
    Fd file_;
};

/// What the kernel lets this process and those beside it in its control group have, or else what
/// the machine has.
uint64_t memory_of_machine();
/// The same of a group: the least `memory.max` of the folder at `path` below `root` and of those
/// above it. @return nullopt: none says a number
std::optional<uint64_t> memory_of_group(const std::string& root, std::string path);

}  // namespace godwit::os
