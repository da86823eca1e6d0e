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
    for (const uint32_t id : {7u, 3u, 9u, 1u, 5u}) session.add_subscription({id})->kept = {id * 10};
    for (const uint32_t id : {1u, 3u, 5u, 7u, 9u}) {
        ASSERT_NE(session.find_subscription({id}), nullptr) << id;
        EXPECT_EQ(session.find_subscription({id})->kept, ObjectId{id * 10});
    }
    EXPECT_EQ(session.find_subscription({4}), nullptr);
    EXPECT_EQ(session.find_subscription({10}), nullptr);
    session.remove_subscription({3});
    session.remove_subscription({9});
    EXPECT_EQ(session.find_subscription({3}), nullptr);
    EXPECT_EQ(session.find_subscription({5})->kept, ObjectId{50});
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
    session.has_username = true;
    EXPECT_EQ(session.user(), "");
}

}  // namespace
}  // namespace godwit::broker
