#include "os/memory.h"

#include "os/file.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

namespace godwit::os {

namespace {

constexpr const char* kGroupRoot = "/sys/fs/cgroup";
constexpr size_t kSmallFileBytes = 64 << 10;

uint64_t page_bytes() {
    return uint64_t(::sysconf(_SC_PAGESIZE));
}

/// The number that a text begins with. @return nullopt: it begins with something else
std::optional<uint64_t> leading_number(std::string_view text) {
    uint64_t number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    return read.ec == std::errc() ? std::optional(number) : std::nullopt;
}

/// Where the process stands among the control groups: "0::/system.slice/godwit.service".
std::string group_path() {
    const auto text = read_whole_file("/proc/self/cgroup", kSmallFileBytes);
    if (!text) return "";
    const size_t at = text->find("0::/");
    if (at == std::string::npos) return "";
    return text->substr(at + 3, text->find('\n', at) - at - 3);
}

}  // namespace

void return_memory_early() {
    constexpr int kLargeBytes = 256 << 10, kFreeBytesMax = 2 << 20;
    (void)mallopt(M_MMAP_THRESHOLD, kLargeBytes);
    (void)mallopt(M_TRIM_THRESHOLD, kFreeBytesMax);
}

void return_free_memory() {
    ::malloc_trim(0);
}

UsedMemory::UsedMemory() : file_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

uint64_t UsedMemory::bytes() const {
    char text[256] = {};
    unsigned long long whole = 0, resident = 0, shared = 0;
    if (::pread(file_.get(), text, sizeof text - 1, 0) <= 0 ||
        std::sscanf(text, "%llu %llu %llu", &whole, &resident, &shared) != 3)
        return 0;
    return (resident - std::min(resident, shared)) * page_bytes();
}

std::optional<uint64_t> memory_of_group(const std::string& root, std::string path) {
    std::optional<uint64_t> least;
    while (true) {
        const auto text = read_whole_file(root + path + "/memory.max", kSmallFileBytes);
        const auto bytes = text ? leading_number(*text) : std::nullopt;
        if (bytes) least = std::min(*bytes, least.value_or(*bytes));
        const size_t slash = path.rfind('/');
        if (slash == std::string::npos) return least;
        path.resize(slash);
    }
}

uint64_t memory_of_machine() {
    const uint64_t machine = uint64_t(::sysconf(_SC_PHYS_PAGES)) * page_bytes();
    return std::min(machine, memory_of_group(kGroupRoot, group_path()).value_or(machine));
}

}  // namespace godwit::os
