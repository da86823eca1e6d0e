// The change of the number of shards on a disk that fails at every step of it: before and after,
// and whatever happens in between, one whole state is there. How sessions fare: tests/conformance.
#include "server/resharding.h"

#include "broker/keeping/resharding.h"
#include "broker/testing/log_image.h"
#include "os/test_directory.h"
#include "store/testing/faulty_disk.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

using broker::LogFolder;
using broker::NewLog;
using broker::testing::LogImage;
using store::testing::FaultyDisk;

constexpr store::Options kStore{.segment_bytes = store::Options::kSegmentBytesMin};
constexpr Instant kLater{std::chrono::hours(1'000'000)};

std::vector<LogFolder> folders_of(DataDirectory& data) {
    std::vector<LogFolder> folders;
    for (uint16_t i = 0; i < data.shard_count(); ++i)
        folders.push_back({&data.directory(), data.folder({i})});
    return folders;
}

LogImage image_of(FaultyDisk& disk) {
    const auto data = DataDirectory::open(disk, 1);
    GW_ASSERT(data);
    return broker::testing::image_of(folders_of(**data));
}

/// Writes the logs of a data directory as its shards would have.
class Author {
public:
    explicit Author(FaultyDisk& disk, uint16_t shards)
        : data_(std::move(*DataDirectory::open(disk, shards))), homes_{data_->key(), shards} {
        for (const LogFolder& each : folders_of(*data_))
            logs_.push_back(std::move(*NewLog::make(each, kStore)));
    }
    void finish() {
        for (NewLog& log : logs_) ASSERT_TRUE(log.sync());
    }

    struct Owner {
        ShardId home;
        ObjectId id;
    };
    Owner session(const std::string& client_id) {
        const ShardId home = homes_.of_client({}, client_id);
        return {home, put(home, broker::SessionRecord{.expiry_s = 3600,
                                                      .expires = kLater,
                                                      .client_id = client_id,
                                                      .unreleased = {{3}, {9}},
                                                      .owed = {{8}, {2}}})};
    }
    void subscribe(const Owner& session, std::string_view share, std::string_view filter) {
        put(session.home, broker::SubscriptionRecord{.session = session.id,
                                                     .options = {.qos = mqtt::Qos::ExactlyOnce},
                                                     .membership = share.empty() ? 0u : 1u,
                                                     .share = share,
                                                     .filter = filter});
    }
    Owner group(const std::string& share, const std::string& filter) {
        const ShardId home = homes_.of_group({{}, share, filter});
        return {home, put(home, broker::GroupRecord{{}, share, filter})};
    }
    void retained(const std::string& topic) {
        Buffer bytes;
        broker::append_retained(
            bytes, {.topic = topic, .payload = as_bytes("value"), .retain = true, .stamp = 77});
        put_bytes(homes_.of_topic({}, topic), bytes);
    }
    /// For those of `owners` who live on `shard`; every third has it in flight.
    void message(ShardId shard, const std::vector<Owner>& owners, bool group) {
        Buffer takers;
        const uint64_t number = ++number_;
        broker::MessageRecord record{.number = 1000 - number % 10 + number * 10,
                                     .parts = {.topic = "t",
                                               .payload = Bytes(payload_),
                                               .qos = mqtt::Qos::ExactlyOnce,
                                               .publisher = 5,
                                               .stamp = number,
                                               .origin = shard}};
        for (const Owner& each : owners) {
            if (each.home != shard) continue;
            const auto id = uint16_t(number % 3 == 0 && !group ? number : 0);
            broker::append_taker(takers, {.owner = each.id,
                                          .group = group,
                                          .qos = mqtt::Qos::ExactlyOnce,
                                          .packet_id = {id},
                                          .subscription_ids = {4, 5}});
            ++record.taker_count;
        }
        if (record.taker_count == 0) return;
        record.takers = takers;
        put(shard, record);
    }

private:
    template <class Record>
    ObjectId put(ShardId home, const Record& record) {
        Buffer bytes;
        append_object(bytes, record);
        return put_bytes(home, bytes);
    }
    ObjectId put_bytes(ShardId home, Bytes bytes) {
        NewLog& log = logs_[home.value];
        const ObjectId id = log.next_id();
        EXPECT_TRUE(log.put(id, bytes));
        return id;
    }
    std::unique_ptr<DataDirectory> data_;
    broker::Homes homes_;
    std::vector<NewLog> logs_;
    uint64_t number_ = 0;
    Buffer payload_ = Buffer(700, 'x');
};

/// Of everything some, in so many shards.
void write_state(FaultyDisk& disk, uint16_t shards) {
    Author author(disk, shards);
    std::vector<Author::Owner> sessions, groups;
    for (int i = 0; i < 8; ++i) {
        sessions.push_back(author.session("c" + std::to_string(i)));
        author.subscribe(sessions.back(), "", "t");
        author.subscribe(sessions.back(), "g" + std::to_string(i % 3), "t");
        author.retained("r/" + std::to_string(i));
    }
    for (int i = 0; i < 3; ++i) groups.push_back(author.group("g" + std::to_string(i), "t"));
    author.finish();
    for (int i = 0; i < 40; ++i)
        for (uint16_t shard = 0; shard < shards; ++shard)
            author.message({shard}, i % 4 == 0 ? groups : sessions, i % 4 == 0);
    author.finish();
    author.retained("last");
    author.finish();
}

class ReshardingTest : public ::testing::Test {
protected:
    Result<Done, std::string> change(FaultyDisk& disk, uint16_t shards) {
        auto data = DataDirectory::open(disk, 1);
        if (!data) return Err{data.error()};
        broker::ShardConfig config{.shard_count = (*data)->shard_count(),
                                   .hash_key = (*data)->key(),
                                   .options = &options_};
        return reshard(**data, shards, {config, kStore, nullptr, log_.get()});
    }
    uint16_t shards_of(FaultyDisk& disk) { return (*DataDirectory::open(disk, 1))->shard_count(); }

    broker::BrokerOptions options_;
    os::TestDirectory directory_;
    std::unique_ptr<os::LogWriter> log_ =
        std::move(os::LogWriter::open({.path = directory_.path("log")}).value());
};

TEST_F(ReshardingTest, HoldsTheSameWithAnyOtherNumber) {
    FaultyDisk disk(1);
    write_state(disk, 2);
    ASSERT_TRUE(change(disk, 3));  // it also tells who was online
    const LogImage before = image_of(disk);
    EXPECT_EQ(before.size(), 8u + 3u + 9u);
    for (const uint16_t shards : {1, 4, 64, 2, 8, 3}) {
        const auto done = change(disk, shards);
        ASSERT_TRUE(done) << done.error();
        EXPECT_EQ(shards_of(disk), shards);
        EXPECT_EQ(image_of(disk), before) << shards;
    }
}

TEST_F(ReshardingTest, PowerMayGoAtAnyStep) {
    Random random(7);
    bool finished = false;
    size_t old = 0, fresh = 0;
    for (uint64_t step = 0; !finished; ++step) {
        SCOPED_TRACE("step " + std::to_string(step));
        FaultyDisk disk(step + 1);
        write_state(disk, 2);
        const LogImage before = image_of(disk);
        disk.changes_left = step;
        finished = change(disk, 3).has_value() && disk.changes_left > 0u;
        disk.power_loss(random);
        ASSERT_EQ(image_of(disk), before);
        (shards_of(disk) == 2 ? old : fresh) += 1;
        const auto again = change(disk, 5);
        ASSERT_TRUE(again) << again.error();
        ASSERT_EQ(image_of(disk), before);
    }
    EXPECT_GT(old, 20u);
    EXPECT_GT(fresh, 3u) << "and the power went while the old logs were removed";
}

TEST_F(ReshardingTest, FullDiskChangesNothingAndSaysSo) {
    FaultyDisk disk(1);
    write_state(disk, 2);
    const LogImage before = image_of(disk);
    disk.capacity = disk.used_bytes() + store::Options::kSegmentBytesMin * 9 / 2;
    const auto done = change(disk, 3);
    ASSERT_FALSE(done);
    EXPECT_NE(done.error().find("no space"), std::string::npos) << done.error();
    EXPECT_EQ(shards_of(disk), 2);
    EXPECT_EQ(image_of(disk), before);
    disk.capacity.reset();
    EXPECT_TRUE(change(disk, 3));
    EXPECT_EQ(image_of(disk), before);
}

TEST_F(ReshardingTest, WhatIsDamagedIsSetAsideAndTheRestMoves) {
    FaultyDisk disk(1);
    write_state(disk, 1);
    const LogImage before = image_of(disk);
    disk.rot("shard-0/segment-00000001", 20'000, 20'400, 3);
    const auto done = change(disk, 3);
    ASSERT_TRUE(done) << done.error();
    EXPECT_TRUE(disk.open("shard-0/damaged-00000001"));
    const LogImage after = image_of(disk);
    size_t lines_before = 0, lines = 0;
    for (const auto& [key, each] : before) {
        ASSERT_TRUE(after.contains(key)) << key;
        lines_before += each.size();
        lines += after.at(key).size();
    }
    EXPECT_LT(lines, lines_before);
    EXPECT_GT(lines, lines_before - 30) << "three messages of eight takers at most";
}

TEST_F(ReshardingTest, WhatCannotBeReadIsAnErrorAndNotALoss) {
    struct NoWatch : broker::ReshardWatch {
        void on_progress(size_t, uint64_t, uint64_t) override {}
    } nobody;
    FaultyDisk disk(1);
    write_state(disk, 2);
    const LogImage before = image_of(disk);
    const auto data = *DataDirectory::open(disk, 1);
    size_t failed = 0;
    for (uint64_t i = 0; i < 40; ++i) {
        FaultyDisk fresh(i);
        broker::ReshardPlan plan{.from = folders_of(*data),
                                 .to = {{&fresh, "a"}, {&fresh, "b"}, {&fresh, "c"}},
                                 .key = data->key(),
                                 .store = kStore};
        disk.read_failures = 300;
        const auto moved = broker::reshard(plan, nobody);
        disk.read_failures = 0;
        failed += !moved;
        EXPECT_TRUE(!moved || broker::testing::image_of(plan.to) == before);
    }
    EXPECT_GT(failed, 5u);
    EXPECT_LT(failed, 40u);
}

}  // namespace
}  // namespace godwit::server
