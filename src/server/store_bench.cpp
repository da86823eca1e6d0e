// What a log costs on a real disk: records made durable by the second, by size of batch, and how
// long a start takes. The directory is in the working directory, which should not be a memory disk.
#include "os/disk_directory.h"
#include "store/log.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace godwit::server {
namespace {

constexpr size_t kRecordBytes = 200;
constexpr uint32_t kWindow = 100'000;  // objects alive at a time, as in a queue

class CountReplay : public store::Replay {
public:
    void on_put(ObjectId, Bytes bytes) override { bytes_ += bytes.size(); }
    void on_note(ObjectId, Bytes) override {}
    void on_erase(ObjectId) override {}
    uint64_t bytes_ = 0;
};

/// A log that does its own work, in the calling thread.
class BenchStore {
public:
    BenchStore() {
        std::string pattern = "store-bench-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
        open();
    }
    ~BenchStore() {
        log_.reset();
        directory_.reset();
        std::filesystem::remove_all(path_);
    }
    void open() {
        log_.reset();
        directory_.reset();
        directory_ = std::move(os::DiskDirectory::acquire(path_).value());
        CountReplay replay;
        store::Options options;
        options.salt = 1;
        log_.emplace(std::move(store::Log::open(*directory_, "shard-0", options, replay)->log));
    }
    void put(uint32_t id) { log_->put({id}, Bytes(kRecord)); }
    store::Log& log() { return *log_; }
    void settle() {
        while (auto work = log_->work(Instant{}))
            log_->done(store::perform(std::move(*work), *directory_, "shard-0"), Instant{});
    }

private:
    inline static const Buffer kRecord = Buffer(kRecordBytes, 'r');
    std::string path_;
    std::unique_ptr<os::DiskDirectory> directory_;
    std::optional<store::Log> log_;
};

/// Puts in a ring of ids: each put kills the one a window ago, so segments are recycled.
void BM_AppendAndCommit(benchmark::State& state) {
    BenchStore store;
    store.settle();
    const auto batch = uint32_t(state.range(0));
    uint32_t next = 0;
    for (auto _ : state) {
        for (uint32_t i = 0; i < batch; ++i) store.put(1 + next++ % kWindow);
        store.log().commit();
        store.settle();
    }
    state.SetItemsProcessed(state.iterations() * batch);
    state.counters["used_MiB"] = double(store.log().usage().used_bytes >> 20);
}
BENCHMARK(BM_AppendAndCommit)->Arg(1)->Arg(64)->Arg(4096)->UseRealTime();

void BM_Recovery(benchmark::State& state) {
    BenchStore store;
    const auto count = uint32_t(state.range(0));
    for (uint32_t id = 1; id <= count; ++id) {
        store.put(id);
        if (id % 4096 != 0) continue;
        store.log().commit();
        store.settle();
    }
    store.log().commit();
    store.settle();
    for (auto _ : state) store.open();
    if (store.log().usage().objects != count) state.SkipWithError("objects are missing");
    state.SetItemsProcessed(state.iterations() * count);
}
BENCHMARK(BM_Recovery)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace godwit::server
