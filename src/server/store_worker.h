// StoreWorker: the threads that do a shard's disk work, so that no shard ever waits for a disk.
// Two threads: commits and reads are wanted soon; preparing and retiring segments takes long and
// must not stand in their way.
#pragma once

#include "base/directory.h"
#include "base/ids.h"
#include "os/waker.h"
#include "store/work.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace godwit::server {

class StoreWorker {
public:
    /// @param directory, waker  live longer than this; the waker is the shard's
    /// @param folder            of the shard in the directory
    StoreWorker(Directory& directory, std::string folder, ShardId shard, os::Waker& waker);
    /// Finishes every urgent work that was submitted; of the others the one under way.
    ~StoreWorker();
    StoreWorker(const StoreWorker&) = delete;
    StoreWorker& operator=(const StoreWorker&) = delete;

    /// Performed in the order of submitting, within its lane. The log bounds how many there are.
    /// Thread: the shard's. @cost  one uncontended lock; one futex call if the worker sleeps
    void submit(store::Work work);
    /// Adds what was done since the last call to `out`. Thread: the shard's
    /// @return  whether there was something
    bool take(std::vector<store::WorkDone>& out);
    /// Something waits for take(): what a shard asks before it sleeps. Thread: the shard's
    bool has_done() const { return done_count_.load(std::memory_order_acquire) > 0; }

private:
    struct Lane {
        std::mutex mutex;
        std::condition_variable wake;
        std::deque<store::Work> waiting;
        bool is_stopping = false;
    };
    void run(Lane& lane, const std::string& name, bool finishes);
    void hand_back(store::WorkDone done);
    static void stop(Lane& lane);

    Directory& directory_;
    const std::string folder_;
    os::Waker& waker_;
    Lane urgent_;
    Lane background_;
    std::mutex done_mutex_;
    std::vector<store::WorkDone> done_;
    std::atomic<size_t> done_count_{0};
    std::vector<std::thread> threads_;  // last: they use all of the above
};

}  // namespace godwit::server
