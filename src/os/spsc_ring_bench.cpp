// What a crossing between shards costs before the kernel is asked.
#include "os/clock.h"
#include "os/spsc_ring.h"
#include "os/waker.h"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <thread>

namespace godwit::os {
namespace {

using Entry = std::array<uint64_t, 8>;

/// One thread: pushing, publishing and draining `range` entries, without a line that wanders.
void BM_RingTurn(benchmark::State& state) {
    SpscRing<Entry> ring(1024);
    const auto count = state.range(0);
    uint64_t sum = 0;
    for (auto _ : state) {
        for (int64_t i = 0; i < count; ++i)
            if (ring.push(Entry{uint64_t(i)}) == Push::Full) state.SkipWithError("full");
        ring.publish();
        ring.drain([&](Entry&& entry) { sum += entry[0]; });
    }
    benchmark::DoNotOptimize(sum);
    state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(BM_RingTurn)->Arg(1)->Arg(16)->Arg(256);

void wait_for_room(SpscRing<Entry>& ring) {
    ring.publish();
    std::this_thread::yield();
}

/// Two threads, `range` entries per publish.
void BM_RingCrossing(benchmark::State& state) {
    SpscRing<Entry> ring(1024);
    std::atomic<bool> over = false;
    std::thread consumer([&] {
        uint64_t sum = 0;
        while (!over.load(std::memory_order_relaxed))
            if (ring.drain([&](Entry&& entry) { sum += entry[0]; }) == 0) std::this_thread::yield();
        benchmark::DoNotOptimize(sum);
    });
    const auto count = state.range(0);
    for (auto _ : state) {
        for (int64_t i = 0; i < count; ++i)
            while (ring.push(Entry{uint64_t(i)}) == Push::Full) wait_for_room(ring);
        ring.publish();
    }
    over = true;
    consumer.join();
    state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(BM_RingCrossing)->Arg(1)->Arg(16)->Arg(256)->UseRealTime();

void BM_WakeOfAnAwakeShard(benchmark::State& state) {
    Waker waker = Waker::open().value();
    for (auto _ : state) waker.wake();
}
BENCHMARK(BM_WakeOfAnAwakeShard);

void BM_MonotonicNow(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(monotonic_now());
}
BENCHMARK(BM_MonotonicNow);

}  // namespace
}  // namespace godwit::os
