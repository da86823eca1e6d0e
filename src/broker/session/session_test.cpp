#include "broker/session/session.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

void put_in_flight(Session& session, uint16_t packet_id) {
    if (!session.outbox) session.outbox = std::make_unique<Outbox>();
    session.outbox->inflight.push_back({{}, {packet_id}});
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
