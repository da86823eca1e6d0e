#include "sim/runner.h"

#include "base/assert.h"

#include "sim/check.h"
#include "sim/simulation.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <vector>

namespace godwit::sim {

namespace {

constexpr unsigned kSeedSecondsMax = 60;  // a seed that takes longer never ends

/// What a child writes for each seed.
struct Note {
    uint64_t seed = 0;
    uint64_t events = 0;
    int64_t virtual_ns = 0;
    char checker[40] = {};  // empty: passed
};

void set_mutant([[maybe_unused]] Mutant mutant) {
#ifdef GODWIT_MUTANTS
    active_mutant = mutant;
#endif
}

Note note_of(uint64_t seed, const Outcome& outcome, const Violations& violations) {
    Note note{.seed = seed, .events = outcome.events, .virtual_ns = outcome.virtual_time.count()};
    if (!violations.empty())
        std::strncpy(note.checker, violations.front().checker, sizeof(note.checker) - 1);
    return note;
}

Verdict verdict_of(const Note& note) {
    return {note.seed, note.checker[0] != 0, note.checker, note.events, Duration(note.virtual_ns)};
}

void write_all(int fd, const void* from, size_t count) {
    const char* at = static_cast<const char*>(from);
    while (count > 0) {
        const ssize_t wrote = ::write(fd, at, count);
        if (wrote <= 0) _exit(3);
        at += wrote;
        count -= size_t(wrote);
    }
}

void hush() {
    const int nowhere = ::open("/dev/null", O_WRONLY);
    ::dup2(nowhere, STDERR_FILENO);
}

const char* fate_of(int status) {
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "endless" : "assertion";
}

/// A child that plays every `step`-th seed.
struct Worker {
    pid_t pid = -1;
    int fd = -1;
    uint64_t next = 0;  // the seed it is at
    std::string bytes;  // a note that is not whole
};

class Crew {
public:
    Crew(const Campaign& campaign, const std::function<void(const Verdict&)>& on_failure)
        : campaign_(campaign), on_failure_(on_failure), began_(std::chrono::steady_clock::now()) {}

    Totals run() {
        workers_.resize(campaign_.jobs);
        for (unsigned i = 0; i < campaign_.jobs; ++i) start(workers_[i], campaign_.first + i);
        while (listen()) report_progress();
        for (Worker& each : workers_) stop(each);
        totals_.took = std::chrono::steady_clock::now() - began_;
        return totals_;
    }

private:
    bool is_wanted(uint64_t seed) const {
        return campaign_.seeds == 0 || seed < campaign_.first + campaign_.seeds;
    }

    void start(Worker& worker, uint64_t seed) {
        worker.next = seed;
        if (!is_wanted(seed)) return;
        int ends[2];
        GW_ASSERT(::pipe(ends) == 0);
        worker.pid = ::fork();
        GW_ASSERT(worker.pid >= 0);
        if (worker.pid == 0) {
            ::close(ends[0]);
            play_all(ends[1], seed);
        }
        ::close(ends[1]);
        worker.fd = ends[0];
        worker.bytes.clear();
    }

    [[noreturn]] void play_all(int fd, uint64_t seed) {
        if (campaign_.quiet) hush();
        set_mutant(campaign_.mutant);
        for (; is_wanted(seed); seed += campaign_.jobs) {
            ::alarm(kSeedSecondsMax);
            const Outcome outcome = play(plan_of(seed));
            const Note note = note_of(seed, outcome, check(outcome.history));
            write_all(fd, &note, sizeof note);
        }
        _exit(0);
    }

    void stop(Worker& worker) {
        if (worker.pid < 0) return;
        ::kill(worker.pid, SIGKILL);
        ::waitpid(worker.pid, nullptr, 0);
        ::close(worker.fd);
        worker = {};
    }

    void take(const Verdict& verdict) {
        ++totals_.seeds;
        totals_.events += verdict.events;
        totals_.virtual_time += verdict.virtual_time;
        if (!verdict.failed) return;
        if (totals_.failed++ < campaign_.failures_max) on_failure_(verdict);
    }

    void on_readable(Worker& worker) {
        char buffer[4096];
        const ssize_t count = ::read(worker.fd, buffer, sizeof buffer);
        if (count <= 0) return on_end(worker);
        worker.bytes.append(buffer, size_t(count));
        size_t at = 0;
        for (; worker.bytes.size() - at >= sizeof(Note); at += sizeof(Note)) {
            Note note;
            std::memcpy(&note, worker.bytes.data() + at, sizeof note);
            worker.next = note.seed + campaign_.jobs;
            take(verdict_of(note));
        }
        worker.bytes.erase(0, at);
    }

    void on_end(Worker& worker) {
        int status = 0;
        ::waitpid(worker.pid, &status, 0);
        ::close(worker.fd);
        worker.pid = worker.fd = -1;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
        take({.seed = worker.next, .failed = true, .checker = fate_of(status)});
        start(worker, worker.next + campaign_.jobs);
    }

    /// @return  there is more to come
    bool listen() {
        std::vector<pollfd> waits;
        std::vector<Worker*> of;
        for (Worker& each : workers_) {
            if (each.fd < 0) continue;
            waits.push_back({each.fd, POLLIN, 0});
            of.push_back(&each);
        }
        const auto now = std::chrono::steady_clock::now();
        const bool late = campaign_.time && now - began_ > *campaign_.time;
        if (waits.empty() || late || totals_.failed >= campaign_.failures_max) return false;
        ::poll(waits.data(), waits.size(), 500);
        for (size_t i = 0; i < waits.size(); ++i)
            if (waits[i].revents != 0) on_readable(*of[i]);
        return true;
    }

    void report_progress() {
        const auto now = std::chrono::steady_clock::now();
        if (campaign_.quiet || now - reported_ < std::chrono::seconds(10)) return;
        const double seconds = std::chrono::duration<double>(now - began_).count();
        if (seconds < 5) return;
        reported_ = now;
        fmt::print("sim: {} seeds, {} failed, {:.0f} seeds/s\n", totals_.seeds, totals_.failed,
                   double(totals_.seeds) / seconds);
        std::fflush(stdout);
    }

    const Campaign& campaign_;
    const std::function<void(const Verdict&)>& on_failure_;
    std::vector<Worker> workers_;
    Totals totals_;
    std::chrono::steady_clock::time_point began_, reported_;
};

std::string report_of(const Outcome& outcome, const Violations& violations, size_t lines) {
    std::string out;
    for (size_t i = 0; i < violations.size() && i < 10; ++i)
        out += fmt::format("{}: {}\n", violations[i].checker, violations[i].what);
    if (violations.size() > 10) out += fmt::format("and {} more\n", violations.size() - 10);
    if (lines == 0 || violations.empty()) return out;
    // What went wrong lies rarely at the very end.
    History upto = outcome.history;
    const Violation& first = violations.front();
    std::erase_if(upto.events, [&](const Event& e) { return e.at > first.at; });
    if (first.client != kNone)
        out += fmt::format("--- {}, until then\n{}", upto.clients[first.client],
                           tail_of(upto, lines, first.client));
    return out + "--- everybody, until then\n" + tail_of(upto, lines);
}

}  // namespace

Totals run(const Campaign& campaign, const std::function<void(const Verdict&)>& on_failure) {
    return Crew(campaign, on_failure).run();
}

Examined examine(const Plan& plan, Mutant mutant, size_t history_lines) {
    int ends[2];
    GW_ASSERT(::pipe(ends) == 0);
    std::fflush(nullptr);
    const pid_t pid = ::fork();
    GW_ASSERT(pid >= 0);
    if (pid == 0) {
        ::close(ends[0]);
        if (history_lines == 0) hush();
        set_mutant(mutant);
        ::alarm(kSeedSecondsMax);
        const Outcome outcome = play(plan);
        const Violations violations = check(outcome.history);
        const Note note = note_of(plan.seed, outcome, violations);
        const std::string report = report_of(outcome, violations, history_lines);
        write_all(ends[1], &note, sizeof note);
        write_all(ends[1], report.data(), report.size());
        _exit(0);
    }
    ::close(ends[1]);
    std::string bytes;
    char buffer[65536];
    for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        bytes.append(buffer, size_t(count));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (bytes.size() < sizeof(Note))
        return {{.seed = plan.seed, .failed = true, .checker = fate_of(status)}, {}};
    Note note;
    std::memcpy(&note, bytes.data(), sizeof note);
    return {verdict_of(note), bytes.substr(sizeof note)};
}

}  // namespace godwit::sim
