// sim: plays seeds until one fails, or all mutants until each is found. See --help.
#include "sim/runner.h"
#include "sim/shrink.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace godwit::sim {
namespace {

constexpr const char* kHelp = R"(sim [options]

  --seeds N      play seeds 1 to N (default 200)
  --first S      begin with seed S
  --minutes M    play for so long instead
  --seed S       play one seed and show what it is made of
  --input FILE   play what the fuzzer sim_conversation was given, and show it likewise
  --jobs J       processes side by side (default 2)
  --mutants      put in one deliberate fault after the other, and play seeds until it is found
  --mutant NAME  put this one in
  --known FILE   play the seed that FILE knows for each mutant: it must fail
  --write FILE   with --mutants: leave what was found in FILE
  --failures F   stop after so many failing seeds (default 1)
  --lines L      of history to show for a failing seed (default 60)
  --no-shrink    do not look for a shorter script
)";

struct Wishes {
    Campaign campaign;
    std::optional<uint64_t> seed;
    bool mutants = false;
    std::string input, known, write;
    bool shrinks = true;
    size_t lines = 60;
};

struct MutantName {
    Mutant mutant;
    const char* name;
    const char* what;
};
constexpr MutantName kMutants[] = {
#define GW_ROW(name, what) {Mutant::name, #name, what},
    GW_MUTANTS(GW_ROW)
#undef GW_ROW
};

constexpr const char* kTableHead =
    "# The first seed that finds each mutant, and the checker that complains. Written by:\n"
    "# ./dev sim --mutants --write tests/sim/mutants.tsv\n";

/// A mutant that needs more seeds than this has survived.
constexpr uint64_t kMutantSeedsMax = 2000;

std::optional<uint64_t> number(const char* text) {
    uint64_t value = 0;
    const char* end = text + std::strlen(text);
    const auto read = std::from_chars(text, end, value);
    if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
    return value;
}

std::optional<Mutant> mutant_named(std::string_view name) {
    for (const MutantName& each : kMutants)
        if (name == each.name) return each.mutant;
    return std::nullopt;
}

/// @return  false when the option is not known, or its value is none
bool take_option(Wishes& wishes, std::string_view option, const char* value) {
    if (option == "--mutant") {
        const auto mutant = mutant_named(value);
        wishes.campaign.mutant = mutant.value_or(Mutant::None);
        return mutant.has_value();
    }
    std::string* const file = option == "--input"   ? &wishes.input
                              : option == "--known" ? &wishes.known
                              : option == "--write" ? &wishes.write
                                                    : nullptr;
    if (file) {
        *file = value;
        return true;
    }
    const auto count = number(value);
    if (!count) return false;
    if (option == "--seeds")
        wishes.campaign.seeds = *count;
    else if (option == "--first")
        wishes.campaign.first = *count;
    else if (option == "--seed")
        wishes.seed = *count;
    else if (option == "--jobs")
        wishes.campaign.jobs = unsigned(std::max<uint64_t>(*count, 1));
    else if (option == "--failures")
        wishes.campaign.failures_max = std::max<uint64_t>(*count, 1);
    else if (option == "--lines")
        wishes.lines = *count;
    else if (option == "--minutes") {
        wishes.campaign.time = std::chrono::minutes(*count);
        wishes.campaign.seeds = 0;
    } else
        return false;
    return true;
}

std::optional<Wishes> wishes_of(int argc, char** argv) {
    Wishes wishes;
    wishes.campaign.seeds = 200;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--mutants")
            wishes.mutants = true;
        else if (option == "--no-shrink")
            wishes.shrinks = false;
        else if (i + 1 == argc || !take_option(wishes, option, argv[++i]))
            return std::nullopt;
    }
    return wishes;
}

void print_totals(const Totals& totals) {
    const double hours = double(totals.virtual_time.count()) / 3.6e12;
    fmt::print("sim: {} seeds, {:.1f} virtual hours, {} events, {:.1f} s, {:.0f} seeds/s\n",
               totals.seeds, hours, totals.events, totals.took.count(),
               double(totals.seeds) / totals.took.count());
}

/// Everything about one run that fails. @param again  the option that plays it
void explain(const Wishes& wishes, const Plan& plan, const std::string& checker,
             const std::string& again) {
    fmt::print("\nsim: seed {} fails: {}; again by: ./dev sim {}\n", plan.seed, checker, again);
    const Examined whole = examine(plan, wishes.campaign.mutant, wishes.lines);
    fmt::print("{}\n", whole.report);
    if (!wishes.shrinks) return;
    const Plan small = shrink(plan, wishes.campaign.mutant, checker);
    fmt::print("sim: the same complaint from a shorter script, {} of {} actions:\n{}\n{}\n",
               small.actions.size(), plan.actions.size(), text_of(small),
               examine(small, wishes.campaign.mutant, wishes.lines).report);
}

std::string seed_option(uint64_t seed) {
    return fmt::format("--seed {}", seed);
}

int play_one(const Wishes& wishes, const Plan& plan, const std::string& again) {
    const Examined examined = examine(plan, wishes.campaign.mutant, wishes.lines);
    if (examined.verdict.failed) {
        explain(wishes, plan, examined.verdict.checker, again);
    } else {
        fmt::print("{}\nsim: {} passes\n", text_of(plan), again);
    }
    return examined.verdict.failed ? 1 : 0;
}

int play_input(const Wishes& wishes) {
    std::ifstream in(wishes.input, std::ios::binary);
    const std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(in), {});
    const auto plan = plan_of_input(bytes);
    if (plan) return play_one(wishes, *plan, "--input " + wishes.input);
    fmt::print(stderr, "sim: {} cannot be read, or has no eight bytes\n", wishes.input);
    return 2;
}

int play_many(const Wishes& wishes) {
    std::vector<Verdict> failures;
    const Totals totals =
        run(wishes.campaign, [&](const Verdict& verdict) { failures.push_back(verdict); });
    for (const Verdict& each : failures)
        explain(wishes, plan_of(each.seed), each.checker, seed_option(each.seed));
    print_totals(totals);
    fmt::print("{} passed, {} failed\n", totals.seeds - totals.failed, totals.failed);
    return totals.failed == 0 ? 0 : 1;
}

bool has_mutants() {
#ifdef GODWIT_MUTANTS
    return true;
#else
    fmt::print(stderr, "sim: built without mutants; ./dev sim builds them in\n");
    return false;
#endif
}

/// The first seed, from the campaign's first on, that fails with this mutant, if there is one.
Verdict find_mutant(Wishes wishes, const MutantName& mutant) {
    wishes.campaign.mutant = mutant.mutant;
    wishes.campaign.seeds = kMutantSeedsMax;
    wishes.campaign.quiet = true;
    wishes.campaign.jobs = 1;  // the same seeds each time
    Verdict found;
    run(wishes.campaign, [&](const Verdict& verdict) { found = verdict; });
    return found;
}

int find_mutants(const Wishes& wishes) {
    if (!has_mutants()) return 2;
    size_t survivors = 0;
    std::string table;
    for (const MutantName& each : kMutants) {
        const Verdict found = find_mutant(wishes, each);
        survivors += !found.failed;
        if (found.failed) {
            table += fmt::format("{}\t{}\t{}\n", each.name, found.seed, found.checker);
            fmt::print("{:28} seed {:5} {:18} {}\n", each.name, found.seed, found.checker,
                       each.what);
        } else {
            fmt::print("{:28} SURVIVES {} seeds: {}\n", each.name, kMutantSeedsMax, each.what);
        }
        std::fflush(stdout);
    }
    if (!wishes.write.empty()) std::ofstream(wishes.write) << kTableHead << table;
    fmt::print("{} passed, {} failed\n", std::size(kMutants) - survivors, survivors);
    return survivors == 0 ? 0 : 1;
}

/// Each mutant's seed of the table, by name.
std::map<std::string, uint64_t> read_table(const std::string& path) {
    std::map<std::string, uint64_t> seeds;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        const size_t tab = line.find('\t');
        if (line.starts_with('#') || tab == std::string::npos) continue;
        const std::string seed = line.substr(tab + 1, line.find('\t', tab + 1) - tab - 1);
        if (const auto value = number(seed.c_str())) seeds[line.substr(0, tab)] = *value;
    }
    return seeds;
}

int play_known(const Wishes& wishes) {
    if (!has_mutants()) return 2;
    const auto seeds = read_table(wishes.known);
    size_t missed = 0;
    for (const MutantName& each : kMutants) {
        const auto known = seeds.find(each.name);
        const bool found =
            known != seeds.end() && examine(plan_of(known->second), each.mutant, 0).verdict.failed;
        if (found) continue;
        ++missed;
        fmt::print("{}: {}; look for one by: ./dev sim --mutants --write {}\n", each.name,
                   known == seeds.end() ? std::string("no seed is known")
                                        : fmt::format("seed {} passes", known->second),
                   wishes.known);
    }
    fmt::print("{} passed, {} failed\n", std::size(kMutants) - missed, missed);
    return missed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace godwit::sim

int main(int argc, char** argv) {
    using namespace godwit::sim;
    if (argc == 2 && std::string_view(argv[1]) == "--help") return std::fputs(kHelp, stdout) < 0;
    const auto wishes = wishes_of(argc, argv);
    if (!wishes) {
        std::fputs(kHelp, stderr);
        return 2;
    }
    if (wishes->seed) return play_one(*wishes, plan_of(*wishes->seed), seed_option(*wishes->seed));
    if (!wishes->input.empty()) return play_input(*wishes);
    if (!wishes->known.empty()) return play_known(*wishes);
    return wishes->mutants ? find_mutants(*wishes) : play_many(*wishes);
}
