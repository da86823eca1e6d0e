// StoreWorker: does one shard's disk work beside its thread. Two lanes: commits and reads, in their
// order; and the preparing and retiring of segments, which may take long and delays nobody.
#pragma once

#include "base/directory.h"
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
    /// @param shard  woken when there is something to take(); outlives this, like `directory`
    StoreWorker(Directory& directory, std::string folder, os::Waker& shard);
    /// Does what was submitted to the first lane, then ends.
    ~StoreWorker();
    StoreWorker(const StoreWorker&) = delete;
    StoreWorker& operator=(const StoreWorker&) = delete;

    // --- the shard's thread ---

    /// @cost  a mutex; a wake-up if the lane sleeps
    void submit(store::Work work);
    bool empty() const { return done_count_.load(std::memory_order_acquire) == 0; }
    /// Appends what was done since the last call. @return  false when that is nothing
    bool take(std::vector<store::WorkDone>& out);
    /// Waits until everything urgent that was submitted is done.
    void finish_urgent();

private:
    struct Lane {
        std::condition_variable wake;
        std::deque<store::Work> waiting;
        bool working = false;
        std::thread thread;
    };
    void run(Lane& lane, bool finishes);

    Directory& directory_;
    const std::string folder_;
    os::Waker& shard_;
    std::mutex mutex_;
    std::condition_variable idle_;
    bool stopping_ = false;
    std::atomic<size_t> done_count_{0};
    std::vector<store::WorkDone> done_;
    Lane urgent_;
    Lane background_;
};

}  // namespace godwit::server
