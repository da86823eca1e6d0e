#include "server/store_worker.h"

#include "os/thread.h"

#include <utility>

namespace godwit::server {

StoreWorker::StoreWorker(Directory& directory, std::string folder, os::Waker& shard)
    : directory_(directory), folder_(std::move(folder)), shard_(shard) {
    urgent_.thread = std::thread([this] { run(urgent_, true); });
    background_.thread = std::thread([this] { run(background_, false); });
}

StoreWorker::~StoreWorker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    urgent_.wake.notify_one();
    background_.wake.notify_one();
    urgent_.thread.join();
    background_.thread.join();
}

void StoreWorker::submit(store::Work work) {
    Lane& lane = work.urgent() ? urgent_ : background_;
    {
        const std::lock_guard lock(mutex_);
        lane.waiting.push_back(std::move(work));
    }
    lane.wake.notify_one();
}

bool StoreWorker::take(std::vector<store::WorkDone>& out) {
    if (empty()) return false;
    const std::lock_guard lock(mutex_);
    for (store::WorkDone& each : done_) out.push_back(std::move(each));
    done_.clear();
    done_count_.store(0, std::memory_order_release);
    return true;
}

void StoreWorker::finish_urgent() {
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return urgent_.waiting.empty() && !urgent_.working; });
}

void StoreWorker::run(Lane& lane, bool finishes) {
    os::name_this_thread(finishes ? "store" : "store-prepare");
    std::unique_lock lock(mutex_);
    for (;;) {
        lane.wake.wait(lock, [&] { return stopping_ || !lane.waiting.empty(); });
        if (stopping_ && (!finishes || lane.waiting.empty())) return;
        store::Work work = std::move(lane.waiting.front());
        lane.waiting.pop_front();
        lane.working = true;
        lock.unlock();
        store::WorkDone done = store::perform(std::move(work), directory_, folder_);
        lock.lock();
        lane.working = false;
        done_.push_back(std::move(done));
        done_count_.store(done_.size(), std::memory_order_release);
        if (lane.waiting.empty()) idle_.notify_all();
        lock.unlock();
        shard_.wake();
        lock.lock();
    }
}

}  // namespace godwit::server
