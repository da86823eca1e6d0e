#include "bench/process_usage.h"

#include "os/file.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>

namespace godwit::bench {

namespace {

constexpr size_t kProcBytesMax = 1 << 20;

std::optional<std::string> read_proc(const std::string& path) {
    auto text = os::read_whole_file(path, kProcBytesMax);
    if (!text) return std::nullopt;
    return std::move(*text);
}

std::optional<uint64_t> number_at(std::string_view text) {
    const size_t digits = text.find_first_not_of(" \t");
    if (digits == std::string_view::npos) return std::nullopt;
    text.remove_prefix(digits);
    uint64_t number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (failed != std::errc()) return std::nullopt;
    return number;
}

Duration of_ticks(uint64_t ticks) {
    static const auto per_second = uint64_t(::sysconf(_SC_CLK_TCK));
    return std::chrono::milliseconds(ticks * 1000 / per_second);
}

void add_switches(ProcessUsage& usage, const std::string& folder) {
    std::error_code failed;
    for (const auto& thread : std::filesystem::directory_iterator(folder + "/task", failed)) {
        const auto status = read_proc(thread.path().string() + "/status");
        if (!status) continue;
        ++usage.threads;
        usage.voluntary_switches += parse_field(*status, "voluntary_ctxt_switches").value_or(0);
        usage.involuntary_switches +=
            parse_field(*status, "nonvoluntary_ctxt_switches").value_or(0);
    }
}

}  // namespace

std::optional<CpuTicks> parse_stat(std::string_view text) {
    const size_t name_end = text.rfind(')');
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 1);
    constexpr size_t kUserField = 12;  // counted from behind the name
    size_t field = 0;
    CpuTicks ticks;
    while (!text.empty()) {
        const size_t begin = text.find_first_not_of(' ');
        if (begin == std::string_view::npos) break;
        text.remove_prefix(begin);
        const std::string_view word = text.substr(0, text.find(' '));
        ++field;
        if (field == kUserField) ticks.user = number_at(word).value_or(0);
        if (field == kUserField + 1) {
            ticks.system = number_at(word).value_or(0);
            return ticks;
        }
        text.remove_prefix(word.size());
    }
    return std::nullopt;
}

std::optional<uint64_t> parse_field(std::string_view text, std::string_view key) {
    const std::string wanted = fmt::format("{}:", key);
    while (!text.empty()) {
        const size_t line_end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, line_end);
        if (line.starts_with(wanted)) return number_at(line.substr(wanted.size()));
        text.remove_prefix(std::min(line_end + 1, text.size()));
    }
    return std::nullopt;
}

Result<ProcessUsage, std::string> read_process(int pid) {
    const std::string folder = fmt::format("/proc/{}", pid);
    const auto stat = read_proc(folder + "/stat");
    if (!stat) return Err{fmt::format("--pid {}: there is no such process", pid)};
    const auto ticks = parse_stat(*stat);
    if (!ticks) return Err{fmt::format("--pid {}: {}/stat cannot be read", pid, folder)};
    ProcessUsage usage{.user = of_ticks(ticks->user), .system = of_ticks(ticks->system)};
    usage.rss_bytes = read_rss_bytes(pid).value_or(0);
    add_switches(usage, folder);
    return usage;
}

std::optional<uint64_t> read_pss_bytes(int pid) {
    const auto rollup = read_proc(fmt::format("/proc/{}/smaps_rollup", pid));
    const auto kib = rollup ? parse_field(*rollup, "Pss") : std::nullopt;
    if (!kib) return std::nullopt;
    return *kib * 1024;
}

std::optional<uint64_t> read_rss_bytes(int pid) {
    const auto statm = read_proc(fmt::format("/proc/{}/statm", pid));
    if (!statm) return std::nullopt;
    const size_t second = statm->find(' ');
    if (second == std::string::npos) return std::nullopt;
    const auto pages = number_at(std::string_view(*statm).substr(second));
    if (!pages) return std::nullopt;
    return *pages * uint64_t(::sysconf(_SC_PAGESIZE));
}

}  // namespace godwit::bench
