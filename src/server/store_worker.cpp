#include "server/store_worker.h"

#include "os/thread.h"

#include <iterator>
#include <utility>

namespace godwit::server {

StoreWorker::StoreWorker(Directory& directory, std::string folder, ShardId shard, os::Waker& waker)
    : directory_(directory), folder_(std::move(folder)), waker_(waker) {
    const std::string number = std::to_string(shard.value);
    threads_.emplace_back([this, number] { run(urgent_, "gw-commit-" + number, true); });
    threads_.emplace_back([this, number] { run(background_, "gw-space-" + number, false); });
}

StoreWorker::~StoreWorker() {
    stop(urgent_);
    stop(background_);
    for (std::thread& thread : threads_) thread.join();
}

void StoreWorker::stop(Lane& lane) {
    {
        const std::lock_guard lock(lane.mutex);
        lane.is_stopping = true;
    }
    lane.wake.notify_one();
}

void StoreWorker::submit(store::Work work) {
    Lane& lane = work.urgent() ? urgent_ : background_;
    {
        const std::lock_guard lock(lane.mutex);
        lane.waiting.push_back(std::move(work));
    }
    lane.wake.notify_one();
}

bool StoreWorker::take(std::vector<store::WorkDone>& out) {
    if (!has_done()) return false;
    const std::lock_guard lock(done_mutex_);
    out.insert(out.end(), std::move_iterator(done_.begin()), std::move_iterator(done_.end()));
    done_.clear();
    done_count_.store(0, std::memory_order_relaxed);
    return true;
}

void StoreWorker::run(Lane& lane, const std::string& name, bool finishes) {
    os::name_this_thread(name);
    store::OpenSegment last;
    for (;;) {
        store::Work work;
        {
            std::unique_lock lock(lane.mutex);
            if (lane.waiting.empty() && last.file) {
                lock.unlock();
                last = {};
                lock.lock();
            }
            lane.wake.wait(lock, [&] { return lane.is_stopping || !lane.waiting.empty(); });
            if (lane.is_stopping && (!finishes || lane.waiting.empty())) return;
            work = std::move(lane.waiting.front());
            lane.waiting.pop_front();
        }
        hand_back(store::perform(std::move(work), directory_, folder_, &last));
    }
}

void StoreWorker::hand_back(store::WorkDone done) {
    {
        const std::lock_guard lock(done_mutex_);
        done_.push_back(std::move(done));
        done_count_.store(done_.size(), std::memory_order_release);
    }
    waker_.wake();
}

}  // namespace godwit::server
