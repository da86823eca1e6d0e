#include "broker/session/session.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

void put_in_flight(Session& session, uint16_t packet_id) {
    if (!session.outbox) session.outbox = std::make_unique<Outbox>();
    session.outbox->inflight.push_back({{}, {packet_id}});
}

TEST(Subscriptions, AreFoundInWhateverOrderTheyCameAndWent) {
    Session session;
    for (const uint32_t id : {7u, 3u, 9u, 1u, 5u})
        session.subscriptions.add({id})->kept = {id * 10};
    for (const uint32_t id : {1u, 3u, 5u, 7u, 9u}) {
        ASSERT_NE(session.subscriptions.find({id}), nullptr) << id;
        EXPECT_EQ(session.subscriptions.find({id})->kept, ObjectId{id * 10});
    }
    EXPECT_EQ(session.subscriptions.find({4}), nullptr);
    EXPECT_EQ(session.subscriptions.find({10}), nullptr);
    session.subscriptions.remove({3});
    session.subscriptions.remove({9});
    EXPECT_EQ(session.subscriptions.find({3}), nullptr);
    EXPECT_EQ(session.subscriptions.find({5})->kept, ObjectId{50});
    EXPECT_EQ(session.subscription_count(), 3u);
}

TEST(NextPacketId, BeginsAtOneAndCountsUp) {
    Session session;
    EXPECT_EQ(session.next_packet_id(), PacketId{1});
    EXPECT_EQ(session.next_packet_id(), PacketId{2});
    EXPECT_EQ(session.next_packet_id(), PacketId{3});
}

TEST(NextPacketId, WrapsToOneAndNeverGivesZero) {
    Session session;
    session.last_packet_id = {65534};
    EXPECT_EQ(session.next_packet_id(), PacketId{65535});
    EXPECT_EQ(session.next_packet_id(), PacketId{1});
}

// [MQTT5-2.2.1-4]
TEST(NextPacketId, SkipsThoseInFlight) {
    Session session;
    for (const uint16_t id : {2, 3, 5}) put_in_flight(session, id);
    EXPECT_EQ(session.next_packet_id(), PacketId{1});
    EXPECT_EQ(session.next_packet_id(), PacketId{4});
    EXPECT_EQ(session.next_packet_id(), PacketId{6});
}

TEST(NextPacketId, SkipsThoseInFlightAcrossTheWrap) {
    Session session;
    session.last_packet_id = {65533};
    for (const uint16_t id : {65534, 65535, 1, 2}) put_in_flight(session, id);
    EXPECT_EQ(session.next_packet_id(), PacketId{3});
}

TEST(NextPacketId, SkipsOneThatOnlyWaitsForItsPubcomp) {
    Session session;
    put_in_flight(session, 1);
    session.outbox->inflight.front().released = true;
    EXPECT_EQ(session.next_packet_id(), PacketId{2});
}

TEST(NextPacketId, FindsTheLastFreeOne) {
    Session session;
    for (unsigned id = 1; id <= 300; ++id) put_in_flight(session, uint16_t(id));
    session.last_packet_id = {65535};
    EXPECT_EQ(session.next_packet_id(), PacketId{301});
}

TEST(Session, TellsAnEmptyUserNameFromNone) {
    Session session;
    EXPECT_EQ(session.user(), std::nullopt);
    session.set_user("");
    EXPECT_EQ(session.user(), "");
    session.set_user("alice");
    EXPECT_EQ(session.user(), "alice");
    session.set_user(std::nullopt);
    EXPECT_EQ(session.user(), std::nullopt);
}

TEST(Session, KeepsNoExtrasBehindAReplay) {
    Session session;
    EXPECT_EQ(session.take_replay(), nullptr);
    session.need_extras().replay = std::make_unique<Replay>();
    EXPECT_NE(session.take_replay(), nullptr);
    EXPECT_EQ(session.extras, nullptr);
    session.need_extras().replay = std::make_unique<Replay>();
    session.extras->next_membership = 2;  // numbers of memberships are not given twice
    EXPECT_NE(session.take_replay(), nullptr);
    EXPECT_NE(session.extras, nullptr);
}

TEST(Session, KeepsItsMembershipsBehindAReplay) {
    Session session;
    session.need_extras().memberships.emplace_back();
    session.extras->replay = std::make_unique<Replay>();
    EXPECT_NE(session.take_replay(), nullptr);
    ASSERT_NE(session.extras, nullptr);
    EXPECT_EQ(session.extras->memberships.size(), 1u);
}

TEST(OwnText, IsWhatItWasMadeOf) {
    EXPECT_EQ(OwnText().view(), "");
    EXPECT_EQ(OwnText("").view(), "");
    OwnText text("some text");
    const OwnText moved = std::move(text);
    EXPECT_EQ(moved.view(), "some text");
    EXPECT_EQ(OwnText(std::string(65535, 'x')).view(), std::string(65535, 'x'));
}

TEST(HeldFilters, StayAscendingBeyondTheFirst) {
    HeldFilters filters;
    EXPECT_EQ(filters.size(), 0u);
    EXPECT_EQ(filters.find({0}), nullptr);
    for (uint32_t i = 0; i < 5; ++i) filters.add({i})->kept = {10 + i};
    EXPECT_EQ(filters.size(), 5u);
    EXPECT_EQ(filters.find({3})->kept, ObjectId{13});
    filters.remove({0});
    filters.remove({3});
    EXPECT_EQ(filters.find({3}), nullptr);
    ASSERT_EQ(filters.all().size(), 3u);
    EXPECT_EQ(filters.all()[0].id.value, 1u);
    EXPECT_EQ(filters.all()[2].id.value, 4u);
    filters.clear();
    EXPECT_EQ(filters.size(), 0u);
}

TEST(HeldFilters, HoldOneAloneAsWell) {
    HeldFilters filters;
    filters.add({7});
    filters.find({7})->kept = {3};
    EXPECT_EQ(filters.all()[0].kept, ObjectId{3});
    filters.remove({7});
    EXPECT_TRUE(filters.all().empty());
    filters.add({8});
    EXPECT_EQ(filters.all()[0].id.value, 8u);
}

}  // namespace
}  // namespace godwit::broker
