#include "server/verifying.h"

#include "base/json.h"
#include "broker/testing/small_broker.h"
#include "broker/testing/store_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::server {
namespace {

using broker::ObjectKind;
using broker::testing::shard_folders;
using broker::testing::SmallBroker;
using mqtt::Qos;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kFirst = "shard-0/segment-00000001";

/// Two sessions, one of them with a queue, in flight and retained messages, by a real broker.
class Verifying : public ::testing::Test {
protected:
    Verifying() {
        EXPECT_TRUE(broker_.open());
        const size_t reader = broker_.connect({.clean_start = false,
                                               .client_id = "reader",
                                               .session_expiry_s = 3600,
                                               .receive_maximum = 2});
        broker_.clients[reader].answers = false;
        broker_.subscribe(reader, "a/#", Qos::AtLeastOnce);
        broker_.subscribe(reader, "$share/s/b", Qos::ExactlyOnce);
        broker_.settle();
        const size_t writer = broker_.connect(
            {.clean_start = false, .client_id = "writer", .session_expiry_s = 3600});
        for (uint16_t i = 1; i <= 5; ++i)
            broker_.publish(
                writer,
                {.qos = Qos::AtLeastOnce, .retain = i == 5, .topic = "a/x", .packet_id = {i}},
                std::string(500, 'x'));
        broker_.settle();
        broker_.cut(reader);
        broker_.publish(writer, {.qos = Qos::ExactlyOnce, .topic = "b", .packet_id = {9}}, "b");
        broker_.settle();
        broker_.kill();
    }
    Verdict verdict() {
        auto out = verify(broker_.disk, shard_folders(1));
        EXPECT_TRUE(out) << out.error();
        return std::move(out).value();
    }
    SmallBroker broker_{1};
};

TEST_F(Verifying, CountsWhatAShardHolds) {
    const Verdict found = verdict();
    EXPECT_TRUE(found.is_sound());
    ASSERT_EQ(found.shards.size(), 1u);
    const auto& counts = found.shards[0].counts;
    EXPECT_EQ(counts.of(ObjectKind::Session), 2u);
    EXPECT_EQ(counts.of(ObjectKind::Subscription), 1u);
    EXPECT_EQ(counts.of(ObjectKind::Membership), 1u);
    EXPECT_EQ(counts.of(ObjectKind::Message), 6u);
    EXPECT_EQ(counts.of(ObjectKind::Retained), 1u);
    EXPECT_EQ(counts.of(ObjectKind::Group), 1u);
    EXPECT_EQ(counts.inflight, 2u);
    EXPECT_EQ(counts.queued, 3u);
    EXPECT_EQ(counts.group_messages, 1u);
    EXPECT_EQ(counts.crossings, 0u);
    EXPECT_EQ(found.shards[0].report.objects, 13u);  // and the clock
    EXPECT_THAT(verdict_text(found), HasSubstr("\nsound\n"));
}

TEST_F(Verifying, PrintsOneJsonObject) {
    const std::string json = verdict_json(verdict());
    EXPECT_TRUE(is_json(json));
    EXPECT_THAT(json, HasSubstr(R"({"sound":true,"shards":[{"folder":"shard-0","sound":true,)"));
    EXPECT_THAT(json, HasSubstr(R"("sessions":2,"subscriptions":2,"messages":6,"queued":3,)"));
    EXPECT_THAT(json, HasSubstr(R"("log":[{"name":"segment-00000001","role":"used",)"));
}

TEST_F(Verifying, NamesDamageByPlaceAndChangesNothing) {
    broker_.disk.rot(kFirst, 5000, 5001, 1);
    const auto before = broker_.disk.counts();
    const Verdict found = verdict();
    EXPECT_EQ(broker_.disk.counts().writes, before.writes);
    EXPECT_EQ(broker_.disk.counts().name_changes, before.name_changes);
    EXPECT_FALSE(found.is_sound());
    EXPECT_THAT(verdict_text(found), HasSubstr("damaged: shard-0/segment-00000001: bytes "));
    EXPECT_THAT(verdict_text(found), Not(HasSubstr("\nsound\n")));
    EXPECT_THAT(verdict_json(found), HasSubstr(R"("damage":["segment-00000001: bytes )"));
    EXPECT_TRUE(is_json(verdict_json(found)));
}

TEST_F(Verifying, CallsATornTailSound) {
    const uint32_t end = uint32_t(4096 + verdict().shards[0].report.segments[0].group_bytes);
    broker_.disk.rot(kFirst, end - 8, end - 7, 1);
    const Verdict found = verdict();
    EXPECT_TRUE(found.is_sound());
    EXPECT_THAT(verdict_text(found), HasSubstr("torn: shard-0/segment-00000001, offset "));
}

TEST_F(Verifying, NamesObjectsThatNoBrokerCouldUse) {
    class Nobody : public store::Replay {
        void on_put(ObjectId, Bytes) override {}
        void on_note(ObjectId, Bytes) override {}
        void on_erase(ObjectId) override {}
    } nobody;
    auto log = std::move(
        store::Log::open(broker_.disk, "shard-0", broker_.store_options, nobody).value().log);
    Buffer bytes;
    broker::append_object(
        bytes, broker::SubscriptionRecord{.session = {70}, .share = {}, .filter = "a/#"});
    log.put({60}, bytes);
    log.put({61}, as_bytes("\x63 of a later release"));
    log.note({60}, as_bytes("?"));
    log.commit();
    while (auto work = log.work(Instant{}))
        log.done(store::perform(std::move(*work), broker_.disk, "shard-0"), Instant{});
    const Verdict found = verdict();
    EXPECT_FALSE(found.is_sound());
    EXPECT_THAT(found.shards[0].report.damage, IsEmpty());
    EXPECT_THAT(found.shards[0].faults,
                ElementsAre(HasSubstr("object 60 (subscription) at segment-00000001, offset "),
                            HasSubstr("object 61 (unknown) at segment-00000001, offset "),
                            HasSubstr(": its session is gone")));
}

TEST_F(Verifying, MissesAFolderOnlyWhereSomethingWasKept) {
    const std::vector<std::string> two = shard_folders(2);
    const auto found = verify(broker_.disk, two);
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->is_sound());
    EXPECT_THAT(verdict_text(*found), HasSubstr("damaged: shard-1: the folder is not there\n"));
    store::testing::FaultyDisk fresh(1);
    EXPECT_TRUE(verify(fresh, two).value().is_sound());
}

TEST_F(Verifying, RefusesAStoreOfALaterVersion) {
    const Buffer head = store::encode_segment_head(
        {.number = 1, .segment_bytes = broker_.store_options.segment_bytes, .version = 2});
    ASSERT_TRUE(broker_.disk.open(kFirst).value()->write_at(0, head));
    const auto found = verify(broker_.disk, shard_folders(1));
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error(),
              "shard-0: segment-00000001 is of version 2; this program reads version 1");
}

}  // namespace
}  // namespace godwit::server
