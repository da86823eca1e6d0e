// Matching and subscribing at size. Rows: a fleet of 1 M filters with 4 and 20 shapes, a million
// exact filters, 1,000 and 200,000 filters nobody would write, with and without bits for the first
// thousand of them, and the rate of acquire + release.
#include "base/random.h"
#include "topic/filter_table.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <string>
#include <vector>

namespace godwit::topic {
namespace {

constexpr uint64_t kSites = 2000;
constexpr uint64_t kDevicesPerSite = 200;
constexpr const char* kSignals[] = {"temperature", "pressure", "status", "position", "alarm"};

std::string site(uint64_t n) {
    return fmt::format("site-{:04}", n);
}
std::string device(uint64_t n) {
    return fmt::format("dev{:08x}", n * 2654435761 % 0xffffffff);
}

/// What devices and services of a fleet subscribe to; `shapes` up to 20 of them in use.
std::string fleet_filter(uint64_t shape, Random& random) {
    const uint64_t n = random.below(kSites * kDevicesPerSite);
    const std::string s = site(n / kDevicesPerSite);
    const std::string d = device(n);
    const char* signal = kSignals[random.below(5)];
    switch (shape) {
        case 0:
            return fmt::format("acme/{}/{}/{}", s, d, signal);
        case 1:
            return fmt::format("acme/{}/{}/#", s, d);
        case 2:
            return fmt::format("acme/{}/{}/+/set", s, d);
        case 3:
            return fmt::format("acme/+/{}/{}", d, signal);
        case 4:
            return fmt::format("acme/+/{}/#", d);
        case 5:
            return fmt::format("+/{}/{}/{}", s, d, signal);
        case 6:
            return fmt::format("acme/{}/{}/+", s, d);
        case 7:
            return fmt::format("acme/{}/{}/cmd/+/reply", s, d);
        case 8:
            return fmt::format("acme/{}/{}/cmd/#", s, d);
        case 9:
            return fmt::format("+/+/{}/{}", d, signal);
        case 10:
            return fmt::format("+/+/{}/#", d);
        case 11:
            return fmt::format("+/{}/{}/#", s, d);
        case 12:
            return fmt::format("+/+/{}/+", d);
        case 13:
            return fmt::format("acme/+/{}/+", d);
        case 14:
            return fmt::format("acme/+/{}/+/set", d);
        case 15:
            return fmt::format("acme/+/{}/cmd/#", d);
        case 16:
            return fmt::format("+/+/{}/+/+", d);
        case 17:
            return fmt::format("+/{}/{}/+", s, d);
        case 18:
            return fmt::format("acme/{}/{}/+/+", s, d);
        default:
            return fmt::format("acme/{}/{}/+/+/#", s, d);
    }
}

/// Published names: of devices that somebody may listen to.
std::vector<std::string> fleet_names() {
    Random random(2);
    std::vector<std::string> names;
    for (int i = 0; i < 1 << 16; ++i) {
        const uint64_t n = random.below(kSites * kDevicesPerSite);
        names.push_back(fmt::format("acme/{}/{}/{}", site(n / kDevicesPerSite), device(n),
                                    kSignals[random.below(5)]));
    }
    return names;
}

/// 12 levels, each '+' or one of a few words: nearly every filter has a shape of its own.
std::string odd_filter(Random& random, uint64_t words) {
    std::string filter;
    for (int i = 0; i < 12; ++i)
        filter += random.below(2) ? "+/" : fmt::format("w{}/", random.below(words));
    filter.pop_back();
    return filter;
}

std::vector<std::string> odd_names(uint64_t words) {
    Random random(3);
    std::vector<std::string> names;
    for (int i = 0; i < 4096; ++i) {
        std::string name;
        for (int level = 0; level < 12; ++level) name += fmt::format("w{}/", random.below(words));
        name.pop_back();
        names.push_back(name);
    }
    return names;
}

/// Fills until the table holds `count` filters; counts their text.
template <class Make>
size_t fill(FilterTable& table, size_t count, Make make) {
    size_t text_bytes = 0;
    while (table.size() < count) {
        const size_t before = table.size();
        const std::string filter = make();
        table.acquire(filter);
        if (table.size() > before) text_bytes += filter.size();
    }
    return text_bytes;
}

void run_matches(benchmark::State& state, const FilterTable& table, size_t text_bytes,
                 const std::vector<std::string>& names) {
    std::vector<FilterId> out;
    size_t at = 0;
    size_t found = 0;
    for (auto _ : state) {
        out.clear();
        table.match(names[at++ % names.size()], out);
        found += out.size();
        benchmark::DoNotOptimize(out.data());
    }
    const auto per_filter = [&](size_t bytes) { return double(bytes) / double(table.size()); };
    state.counters["found"] = double(found) / double(state.iterations());
    state.counters["B/filter"] = per_filter(table.memory_bytes());
    state.counters["textB"] = per_filter(text_bytes);
}

void match_fleet(benchmark::State& state) {
    FilterTable table{HashKey{}};
    Random random(1);
    const auto shapes = uint64_t(state.range(1));
    const size_t text_bytes = fill(table, size_t(state.range(0)),
                                   [&] { return fleet_filter(random.below(shapes), random); });
    run_matches(state, table, text_bytes, fleet_names());
}
BENCHMARK(match_fleet)->Args({1'000, 4})->Args({1'000'000, 1})->Args({1'000'000, 4});
BENCHMARK(match_fleet)->Args({1'000'000, 20});

void match_odd(benchmark::State& state) {
    FilterTable table{HashKey{}, uint32_t(state.range(2))};
    Random random(4);
    const auto words = uint64_t(state.range(1));
    const size_t text_bytes =
        fill(table, size_t(state.range(0)), [&] { return odd_filter(random, words); });
    run_matches(state, table, text_bytes, odd_names(words));
}
BENCHMARK(match_odd)->Args({60, 3, 1024})->Args({1'000, 3, 1024})->Args({1'000, 30, 1024});
BENCHMARK(match_odd)->Args({3'000, 3, 1024})->Args({200'000, 30, 1024})->Args({1'000, 3, 0});

/// All 1,024 ways to put '+' into ten equal levels, and an end that never comes: every beginning
/// of every filter fits the name.
void match_worst(benchmark::State& state) {
    FilterTable table{HashKey{}, uint32_t(state.range(0))};
    for (uint32_t mask = 0; mask < 1024; ++mask) {
        std::string filter;
        for (uint32_t i = 0; i < 10; ++i) filter += mask >> i & 1 ? "+/" : "a/";
        table.acquire(filter + "z");
    }
    run_matches(state, table, 0, {"a/a/a/a/a/a/a/a/a/a/a"});
}
BENCHMARK(match_worst)->Arg(1024)->Arg(0);

void match_deep(benchmark::State& state) {
    FilterTable table{HashKey{}};
    table.acquire(std::string(65535, '/'));
    table.acquire(std::string(65533, '/') + "+/");
    table.acquire("a/+/b");
    run_matches(state, table, 0, {std::string(65535, '/')});
}
BENCHMARK(match_deep)->Unit(benchmark::kMicrosecond);

/// New filters into a table of a million, and out again in the order they came.
void acquire_and_release(benchmark::State& state) {
    FilterTable table{HashKey{}};
    Random random(1);
    fill(table, size_t(state.range(0)), [&] { return fleet_filter(random.below(20), random); });
    std::vector<std::string> filters;
    for (int i = 0; i < 1 << 17; ++i)
        filters.push_back(fleet_filter(random.below(20), random) + "/x");
    std::vector<FilterId> held(1 << 16);
    size_t at = 0;
    for (auto _ : state) {
        FilterId& id = held[at % held.size()];
        if (at >= held.size()) table.release(id);
        id = table.acquire(filters[at % filters.size()]);
        ++at;
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(acquire_and_release)->Arg(1'000'000);

void subscribe_million(benchmark::State& state) {
    Random random(1);
    std::vector<std::string> filters;
    for (int i = 0; i < 1'000'000; ++i) filters.push_back(fleet_filter(random.below(20), random));
    for (auto _ : state) {
        FilterTable table{HashKey{}};
        for (const std::string& filter : filters) table.acquire(filter);
        benchmark::DoNotOptimize(table.size());
    }
    state.SetItemsProcessed(state.iterations() * int64_t(filters.size()));
}
BENCHMARK(subscribe_million)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace godwit::topic
