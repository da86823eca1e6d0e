#include "server/store_worker.h"

#include "os/disk_directory.h"
#include "os/poller.h"
#include "os/test_directory.h"
#include "store/log.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <optional>

namespace godwit::server {
namespace {

class Contents : public store::Replay {
public:
    void on_put(ObjectId id, Bytes bytes) override { objects[id.value] = as_text(bytes); }
    void on_note(ObjectId id, Bytes bytes) override { objects[id.value] += as_text(bytes); }
    void on_erase(ObjectId id) override { objects.erase(id.value); }
    std::map<uint32_t, std::string> objects;
};

class StoreWorkerTest : public ::testing::Test {
protected:
    static store::Options options() {
        store::Options out;
        out.segment_bytes = 1 << 20;
        return out;
    }
    void SetUp() override {
        directory_ = std::move(os::DiskDirectory::acquire(root_.path("store")).value());
        ASSERT_TRUE(poller_.add(waker_.fd(), 0, os::Interest::Read));
        start();
    }
    void start() {
        Contents found;
        auto opened = store::Log::open(*directory_, kFolder, options(), found);
        ASSERT_TRUE(opened) << opened.error().what;
        log_.emplace(std::move(opened->log));
        found_ = std::move(found.objects);
        worker_ = std::make_unique<StoreWorker>(*directory_, kFolder, ShardId{0}, waker_);
    }
    void submit_all() {
        while (auto work = log_->work(Instant{})) worker_->submit(std::move(*work));
    }
    /// As a shard sleeps: looks once more, then waits to be woken.
    void wait_for_answers() {
        std::array<os::PollEvent, 1> room;
        std::vector<store::WorkDone> done;
        while (!worker_->take(done)) {
            waker_.prepare_sleep();
            if (!worker_->has_done()) {
                ASSERT_FALSE(poller_.wait(std::chrono::seconds(30), room).empty());
            }
            waker_.cancel_sleep();
            waker_.drain();
        }
        for (store::WorkDone& each : done) log_->done(std::move(each), Instant{});
    }
    void wait_until_durable(uint64_t ticket) {
        for (submit_all(); log_->durable() < ticket; submit_all()) wait_for_answers();
    }

    static constexpr const char* kFolder = "shard-0";
    os::TestDirectory root_;
    std::unique_ptr<os::DiskDirectory> directory_;
    os::Waker waker_ = std::move(os::Waker::open().value());
    os::Poller poller_ = std::move(os::Poller::open().value());
    std::optional<store::Log> log_;
    std::unique_ptr<StoreWorker> worker_;
    std::map<uint32_t, std::string> found_;
};

TEST_F(StoreWorkerTest, MakesDurableWhatALogWrites) {
    std::map<uint32_t, std::string> expected;
    for (uint32_t id = 1; id <= 200; ++id) {
        expected[id] = std::string(id * 100, char('a' + id % 26));
        log_->put({id}, as_bytes(expected[id]));
        wait_until_durable(log_->commit());
    }
    EXPECT_EQ(log_->condition(), store::Condition::Good);
    worker_.reset();
    start();
    EXPECT_EQ(found_, expected);
}

TEST_F(StoreWorkerTest, ReadsBackWhatWasWritten) {
    log_->put({7}, as_bytes("seven"));
    wait_until_durable(log_->commit());
    log_->request({7});
    std::optional<store::Loaded> loaded;
    for (submit_all(); !(loaded = log_->next_loaded()); submit_all()) wait_for_answers();
    EXPECT_EQ(as_text(loaded->bytes), "seven");
}

TEST_F(StoreWorkerTest, FinishesUrgentWorkBeforeItStops) {
    log_->put({1}, as_bytes("spare"));
    wait_until_durable(log_->commit());
    log_->put({2}, as_bytes("last"));
    log_->commit();
    submit_all();
    worker_.reset();
    start();
    EXPECT_EQ(found_[2], "last");
}

}  // namespace
}  // namespace godwit::server
