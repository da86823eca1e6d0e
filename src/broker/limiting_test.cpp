#include "broker/limiting.h"

#include "broker/delivering.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

/// Shard 0 of two, alone.
class Limiting : public ::testing::Test {
protected:
    Limiting() : core_({.shard_count = 2, .options = &options_}) { core_.fx = &fx_; }

    static BrokerOptions small() {
        BrokerOptions options;
        options.limits.realm.queue_messages_max = 3200;
        options.limits.realm.queue_bytes_max = 1'000'000;
        return options;
    }
    /// What the other shard is told at the end of a turn; nullopt: nothing.
    std::optional<RealmUse> told() {
        tell_realm_use(core_);
        if (fx_.posts.empty()) return std::nullopt;
        EXPECT_EQ(fx_.posts.size(), 1u);
        EXPECT_EQ(fx_.posts[0].to, ShardId{1});
        const auto use = *std::get<Boxed<RealmUse>>(fx_.posts[0].envelope);
        fx_.posts.clear();
        return use;
    }

    const BrokerOptions options_ = small();
    Effects fx_;
    Core core_;
};

TEST_F(Limiting, TellsTheOthersWhenASixteenthOfABoundIsReachedAmongThem) {
    EXPECT_FALSE(told());
    add_queued(core_, {0}, 100, 1000);
    EXPECT_FALSE(told());
    add_queued(core_, {0}, 1, 10);
    const auto use = told();
    ASSERT_TRUE(use);
    EXPECT_EQ(use->queued, 101u);
    EXPECT_EQ(use->queued_bytes, 1010u);
    EXPECT_FALSE(told()) << "twice";
    add_queued(core_, {0}, 1, 40'000);
    EXPECT_EQ(told().value().queued_bytes, 41'010u);
    remove_queued(core_, {0}, 101, 1010);
    EXPECT_EQ(told().value().queued, 1u) << "room is told, too";
}

TEST_F(Limiting, TellsOfSessionsWhereTheyAreBounded) {
    add_session(core_, {0});
    EXPECT_FALSE(told()) << "they are not";
    BrokerOptions options = small();
    options.limits.realm.sessions_max = 320;
    Core core({.shard_count = 2, .options = &options});
    core.fx = &fx_;
    for (int i = 0; i < 11; ++i) {
        tell_realm_use(core);
        EXPECT_TRUE(fx_.posts.empty()) << i;
        add_session(core, {0});
    }
    tell_realm_use(core);
    ASSERT_EQ(fx_.posts.size(), 1u);
    EXPECT_EQ(std::get<Boxed<RealmUse>>(fx_.posts[0].envelope)->sessions, 11u);
}

TEST_F(Limiting, CountsWhatTheOtherWasHeardToHold) {
    const Realm& realm = core_.realm({0});
    add_queued(core_, {0}, 200, 100'000);
    on_realm_use(core_, {1}, {.queued = 2999, .queued_bytes = 800'000});
    EXPECT_FALSE(full_realm(realm, 100'000));
    EXPECT_TRUE(full_realm(realm, 100'001)) << "bytes";
    EXPECT_TRUE(full_realm(realm, 10, 1)) << "one ahead, and this one";
    on_realm_use(core_, {1}, {.queued = 3000});
    ASSERT_TRUE(full_realm(realm, 10));
    EXPECT_EQ(full_realm(realm, 10)->of, FullQueue::Of::Realm);
    on_realm_use(core_, {1}, {.queued = 5});
    EXPECT_FALSE(full_realm(realm, 10));
}

TEST_F(Limiting, OneOldestGoesForOneNewestHoweverFullOthersMakeTheRealm) {
    BrokerOptions options = small();
    options.limits.realm.queue_messages_full = WhenFull::DropOldest;
    Core core({.shard_count = 2, .options = &options});
    core.fx = &fx_;
    Session session;
    session.client_id = OwnText("c");
    const auto payload = [](const char* text) {
        return OutboxEntry{.message = MessageRef::make({.topic = "t", .payload = as_bytes(text)}),
                           .qos = mqtt::Qos::AtLeastOnce};
    };
    for (const char* each : {"1", "2", "3"}) enqueue(core, session, payload(each));
    on_realm_use(core, {1}, {.queued = 5000});
    enqueue(core, session, payload("4"));
    ASSERT_EQ(session.queued_count(), 3u);
    EXPECT_EQ(as_text(session.outbox->queue.front().message->payload()), "2");
    EXPECT_EQ(as_text(session.outbox->queue.back().message->payload()), "4");
    EXPECT_EQ(core.counters.lost[Loss::RealmOldest], 1u);
}

TEST_F(Limiting, KeepsTheBooksOfAGroup) {
    SharedGroup group({{0}, "g", "t"});
    const auto message = MessageRef::make({.topic = "t", .payload = as_bytes("1")});
    group.offer(message);
    group.offer(message);
    recount_group(core_, group, group.load());
    EXPECT_EQ(core_.realm({0}).here.queued, 2u);
    EXPECT_EQ(core_.realm({0}).here.queued_bytes, 2 * message->size_bytes());
    EXPECT_EQ(core_.counters.group_queued, 2u);
    recount_group(core_, group, {});
    EXPECT_EQ(core_.realm({0}).here.queued, 0u);
    EXPECT_EQ(core_.counters.group_queued_bytes, 0u);
}

TEST_F(Limiting, ASessionHasCountsOfItsOwnOnceItLosesSomething) {
    Session session;
    session.client_id = OwnText("c");
    EXPECT_EQ(session.extras, nullptr);
    count_loss(core_, session, Loss::Expired, {});
    count_loss(core_, session, Loss::Expired, {});
    ASSERT_TRUE(session.extras && session.extras->lost);
    EXPECT_EQ((*session.extras->lost)[Loss::Expired], 2u);
    EXPECT_EQ(core_.counters.lost[Loss::Expired], 2u);
    EXPECT_EQ(core_.counters.lost[Loss::QueueFull], 0u);
}

}  // namespace
}  // namespace godwit::broker
