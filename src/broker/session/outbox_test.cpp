#include "broker/session/outbox.h"

#include <gtest/gtest.h>

namespace godwit::broker {
namespace {

using mqtt::Qos;

OutboxEntry entry(Qos qos, std::string_view payload = "p") {
    const auto message = MessageRef::make({.topic = "t", .payload = as_bytes(payload), .qos = qos});
    return {.message = message,
            .extras = nullptr,
            .bytes = uint32_t(message->size_bytes()),
            .qos = qos};
}

Outbox with_inflight(std::initializer_list<uint16_t> ids) {
    Outbox box;
    for (const uint16_t id : ids) box.inflight.push_back({entry(Qos::AtLeastOnce), {id}});
    return box;
}

TEST(Outbox, GivesTheQueueBackInOrder) {
    Outbox box;
    EXPECT_TRUE(box.empty());
    box.push_back(entry(Qos::AtLeastOnce, "1"));
    box.push_back(entry(Qos::AtMostOnce, "2"));
    box.push_back(entry(Qos::ExactlyOnce, "3"));
    EXPECT_FALSE(box.empty());
    EXPECT_EQ(as_text(box.pop_front().message->payload()), "1");
    EXPECT_EQ(as_text(box.pop_front().message->payload()), "2");
    EXPECT_EQ(as_text(box.pop_front().message->payload()), "3");
    EXPECT_TRUE(box.empty());
}

TEST(Outbox, CountsTheMemoryAndTheQos0MessagesOfItsQueue) {
    Outbox box;
    box.push_back(entry(Qos::AtMostOnce, "12345"));
    box.push_back(entry(Qos::AtLeastOnce, "123"));
    const size_t each = sizeof(Message) + 1;
    EXPECT_EQ(box.queued_bytes, 2 * each + 8);
    EXPECT_EQ(box.queued_qos0, 1u);
    (void)box.pop_front();
    EXPECT_EQ(box.queued_bytes, each + 3);
    EXPECT_EQ(box.queued_qos0, 0u);
    (void)box.pop_front();
    EXPECT_EQ(box.queued_bytes, 0u);
}

TEST(Outbox, FindsWhatIsInFlightByItsPacketId) {
    Outbox box = with_inflight({5, 6, 9});
    ASSERT_NE(box.find({6}), nullptr);
    EXPECT_EQ(box.find({6})->packet_id, PacketId{6});
    EXPECT_EQ(box.find({7}), nullptr);
    EXPECT_FALSE(box.empty());
}

TEST(Outbox, ErasesOneAndKeepsTheOrderOfTheOthers) {
    Outbox box = with_inflight({5, 6, 9});
    box.erase({6});
    ASSERT_EQ(box.inflight.size(), 2u);
    EXPECT_EQ(box.inflight[0].packet_id, PacketId{5});
    EXPECT_EQ(box.inflight[1].packet_id, PacketId{9});
    box.erase({5});
    box.erase({9});
    EXPECT_TRUE(box.empty());
}

TEST(Outbox, StillResendsTheRestWhenOneOfThemIsAcknowledged) {
    Outbox box = with_inflight({1, 2, 3, 4});
    box.to_resend = 2;  // 3 and 4
    box.erase({2});     // sent again already
    EXPECT_EQ(box.to_resend, 2u);
    box.erase({3});  // acknowledged on the connection before
    EXPECT_EQ(box.to_resend, 1u);
    box.erase({4});
    EXPECT_EQ(box.to_resend, 0u);
}

TEST(OutboxDeathTest, StopsWhereAnUnknownPacketWouldBeErased) {
    Outbox box = with_inflight({1});
    EXPECT_DEATH(box.erase({2}), "broken");
}

TEST(OutboxEntry, HasAGroupTokenOnlyFromAGroup) {
    OutboxEntry plain = entry(Qos::AtLeastOnce);
    EXPECT_EQ(plain.group_token(), 0u);
    plain.extras = std::make_unique<DeliveryExtras>();
    EXPECT_EQ(plain.group_token(), 0u);
    plain.extras->group_token = 12;
    EXPECT_EQ(plain.group_token(), 12u);
}

}  // namespace
}  // namespace godwit::broker
