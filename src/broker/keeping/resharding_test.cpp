// Resharding logs that hold what no broker wrote together. How sound state fares:
// tests/conformance, and on a disk that fails: server/resharding_test.
#include "broker/keeping/resharding.h"

#include "broker/testing/small_broker.h"
#include "broker/testing/store_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using mqtt::Qos;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::SmallBroker;

struct NoWatch : ReshardWatch {
    void on_progress(size_t, uint64_t, uint64_t) override {}
};

std::vector<LogFolder> folders_of(SmallBroker& broker) {
    std::vector<LogFolder> folders;
    for (const std::string& each : testing::shard_folders(broker.shard_count()))
        folders.push_back({&broker.disk, each});
    return folders;
}

/// The logs of `from`, as they lie there, become those of `to`.
Result<Resharded, DiskError> move(SmallBroker& from, SmallBroker& to) {
    NoWatch nobody;
    const ReshardPlan plan{.from = folders_of(from),
                           .to = folders_of(to),
                           .key = to.config(0).hash_key,
                           .store = to.store_options,
                           .now = from.now,
                           .wall = {}};
    return reshard(plan, nobody);
}

class Author {
public:
    explicit Author(SmallBroker& broker)
        : log_(NewLog::make(folders_of(broker).front(), broker.store_options).value()) {}
    ~Author() { GW_ASSERT(log_.sync().has_value()); }
    ObjectId put(Bytes bytes) {
        const ObjectId id = log_.next_id();
        GW_ASSERT(log_.put(id, bytes).has_value());
        return id;
    }
    template <class Record>
    ObjectId put_object(const Record& record) {
        Buffer bytes;
        append_object(bytes, record);
        return put(bytes);
    }
    void put_message(ObjectId owner, Bytes more_takers = {}) {
        Buffer bytes;
        append_object(bytes, MessageRecord{.number = ++number_,
                                           .parts = {.topic = "a",
                                                     .forwarded_properties = {},
                                                     .payload = as_bytes("x"),
                                                     .qos = Qos::AtLeastOnce,
                                                     .stamp = number_},
                                           .taker_count = more_takers.empty() ? 1u : 2u,
                                           .takers = {}});
        append_taker(bytes, {.owner = owner, .qos = Qos::AtLeastOnce, .subscription_ids = {}});
        put_bytes(bytes, more_takers);
        put(bytes);
    }

private:
    NewLog log_;
    uint64_t number_ = 0;
};

TEST(Resharding, DropsWhatMeansNothing) {
    SmallBroker from(1), to(3);
    {
        Author author(from);
        const ObjectId session = author.put_object(
            SessionRecord{.expiry_s = 3600, .client_id = "c", .username = {}, .will = {}});
        author.put_object(SubscriptionRecord{.session = session, .share = {}, .filter = "a"});
        author.put_message(session);
        author.put(as_bytes("\x63 of a later release"));
        author.put(as_bytes("\x01 a session cut off"));
        author.put_message(session, as_bytes("a taker cut off"));
        author.put_message({~0u});
        author.put_object(SubscriptionRecord{.session = {~0u}, .share = {}, .filter = "a"});
    }
    const auto moved = move(from, to);
    ASSERT_TRUE(moved) << moved.error().what;
    EXPECT_EQ(moved->sessions, 1u);
    EXPECT_EQ(moved->subscriptions, 1u);
    EXPECT_EQ(moved->messages, 1u);
    EXPECT_EQ(moved->dropped, 5u);
    ASSERT_TRUE(to.open());
    for (uint16_t i = 0; i < to.shard_count(); ++i) EXPECT_THAT(to.found(i).refused, IsEmpty());
    const size_t client =
        to.connect({.clean_start = false, .client_id = "c", .session_expiry_s = 3600});
    EXPECT_THAT(to.clients[client].topics, ElementsAre("a"));
}

TEST(Resharding, MovesWhateverALogHoldsOrSaysWhyNot) {
    size_t moved = 0;
    for (uint64_t seed = 0; seed < 200; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Random random(seed);
        SmallBroker from(uint16_t(1 + seed % 2)), to(uint16_t(1 + seed % 3));
        for (const std::string& folder : testing::shard_folders(from.shard_count())) {
            Buffer script(100 + random.below(400));
            for (uint8_t& each : script) each = uint8_t(random.below(256));
            testing::write_script(from.disk, folder, script);
        }
        const auto done = move(from, to);
        moved += done.has_value();
        if (done)
            ASSERT_TRUE(to.open());
        else
            ASSERT_EQ(done.error().what, "a message is still on its way between two shards");
    }
    EXPECT_GT(moved, 20u);
}

}  // namespace
}  // namespace godwit::broker
