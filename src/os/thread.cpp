#include "os/thread.h"

#include "os/fd.h"
#include "os/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <string>

namespace godwit::os {

namespace {

constexpr size_t kThreadNameBytesMax = 15;
constexpr int kCpusMax = 8192;
constexpr size_t kProcFileBytesMax = 64 << 10;
constexpr std::string_view kCgroupRoot = "/sys/fs/cgroup";

struct FreeCpuSet {
    void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};

std::optional<double> quota_of(const std::string& cgroup) {
    const auto text =
        read_whole_file(std::string(kCgroupRoot) + cgroup + "/cpu.max", kProcFileBytesMax);
    if (!text) return std::nullopt;
    return parse_cpu_max(*text);
}

/// Our cgroup v2 path out of the "0::/path" line; "" (the root) where there is none.
std::string own_cgroup() {
    const auto text = read_whole_file("/proc/self/cgroup", kProcFileBytesMax);
    if (!text) return "";
    const size_t line = text->rfind("0::/", 0) == 0 ? 0 : text->find("\n0::/") + 1;
    if (text->compare(line, 4, "0::/") != 0) return "";
    const size_t begin = line + 3;
    return text->substr(begin, text->find('\n', begin) - begin);
}

/// The least quota from our cgroup up to the root: each level limits those below it.
std::optional<double> cgroup_quota() {
    std::optional<double> least;
    for (std::string group = own_cgroup();; group.resize(group.rfind('/'))) {
        const auto quota = quota_of(group);
        if (quota) least = std::min(*quota, least.value_or(*quota));
        if (group.empty()) return least;
    }
}

}  // namespace

void name_this_thread(std::string_view name) {
    const std::string cut(name.substr(0, kThreadNameBytesMax));
    GW_ASSERT(::pthread_setname_np(::pthread_self(), cut.c_str()) == 0);
}

void go_first() {
    const sched_param least{.sched_priority = 1};
    (void)::sched_setscheduler(0, SCHED_FIFO, &least);
}

void step_back() {
    // Not by niceness: whoever wakes beside a nice thread waits until that has had its slice.
    const sched_param none{};
    (void)::sched_setscheduler(0, SCHED_IDLE, &none);
}

void make_way() {
    (void)::sched_yield();
}

void never_interrupt() {
    const sched_param none{};
    (void)::sched_setscheduler(0, SCHED_BATCH, &none);
}

std::vector<int> usable_cpus() {
    const std::unique_ptr<cpu_set_t, FreeCpuSet> set(CPU_ALLOC(kCpusMax));
    const size_t bytes = CPU_ALLOC_SIZE(kCpusMax);
    CPU_ZERO_S(bytes, set.get());
    GW_ASSERT(::sched_getaffinity(0, bytes, set.get()) == 0);
    std::vector<int> out;
    for (int cpu = 0; cpu < kCpusMax; ++cpu)
        if (CPU_ISSET_S(size_t(cpu), bytes, set.get())) out.push_back(cpu);
    GW_ASSERT(!out.empty());
    return out;
}

size_t usable_cpu_count() {
    const size_t by_affinity = usable_cpus().size();
    const auto quota = cgroup_quota();
    if (!quota) return by_affinity;
    const double threads = std::max(1.0, std::ceil(*quota));
    return threads < double(by_affinity) ? size_t(threads) : by_affinity;
}

std::optional<double> parse_cpu_max(std::string_view text) {
    uint64_t quota_us = 0;
    uint64_t period_us = 0;
    const char* end = text.data() + text.size();
    const auto [space, quota_error] = std::from_chars(text.data(), end, quota_us);
    if (quota_error != std::errc() || space == end || *space != ' ') return std::nullopt;
    const auto period_error = std::from_chars(space + 1, end, period_us).ec;
    if (period_error != std::errc() || period_us == 0) return std::nullopt;
    return double(quota_us) / double(period_us);
}

uint64_t file_limit() {
    rlimit limit{};
    return ::getrlimit(RLIMIT_NOFILE, &limit) < 0 ? RLIM_INFINITY : limit.rlim_cur;
}

uint64_t next_file_number(int open) {
    const Fd next(::fcntl(open, F_DUPFD_CLOEXEC, 0));
    return next ? uint64_t(next.get()) : UINT64_MAX;
}

Result<uint64_t, IoError> raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) < 0) return Err{last_error("getrlimit")};
    if (limit.rlim_cur == limit.rlim_max) return limit.rlim_cur;
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) < 0) return Err{last_error("setrlimit")};
    return limit.rlim_cur;
}

}  // namespace godwit::os
