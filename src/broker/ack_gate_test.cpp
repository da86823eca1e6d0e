#include "broker/ack_gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace godwit::broker {
namespace {

constexpr uint64_t bits(std::initializer_list<unsigned> shards) {
    uint64_t set = 0;
    for (const unsigned each : shards) set |= uint64_t(1) << each;
    return set;
}

HeldAck of(uint16_t packet_id, bool exactly_once = false) {
    return {.connection = {1, 1}, .packet_id = {packet_id}, .exactly_once = exactly_once};
}
void hold(AckGate& gate, uint16_t packet_id, uint64_t shards, uint64_t number) {
    gate.hold(of(packet_id), {shards, number, true});
}

std::vector<uint16_t> released(AckGate& gate) {
    std::vector<uint16_t> ids;
    while (const auto each = gate.release()) ids.push_back(each->packet_id.value);
    return ids;
}

TEST(AckGate, TellsThePublisherThatAnotherShardRefused) {
    AckGate gate(2);
    for (uint16_t i = 1; i <= 3; ++i) hold(gate, i, bits({1}), i);
    ASSERT_NE(gate.find(Lane::Usual, 2), nullptr);
    EXPECT_EQ(gate.find(Lane::Usual, 2)->packet_id.value, 2);
    EXPECT_EQ(gate.find(Lane::Usual, 4), nullptr);
    gate.refuse(Lane::Usual, 2, mqtt::ReasonCode::QuotaExceeded, 0);
    gate.confirm({1}, {3});
    std::vector<mqtt::ReasonCode> reasons;
    while (const auto each = gate.release()) reasons.push_back(each->reason);
    EXPECT_EQ(reasons, (std::vector{mqtt::ReasonCode::Success, mqtt::ReasonCode::QuotaExceeded,
                                    mqtt::ReasonCode::Success}));
}

TEST(AckGate, ARefusalWaitsForTheDiskAndGoesToTheSamePublishSentAgain) {
    AckGate gate(2);
    HeldAck first = of(1, true);
    first.session = {3, 1};
    HeldAck other = first;
    other.session = {4, 1};
    gate.hold(first, {bits({1}), 5, true});
    gate.hold(first, {});
    gate.hold(other, {});
    gate.refuse(Lane::Usual, 5, mqtt::ReasonCode::QuotaExceeded, 8);
    gate.confirm({1}, {5});
    gate.set_durable(7);
    EXPECT_FALSE(gate.release()) << "the packet id is not free on disk yet";
    gate.set_durable(8);
    EXPECT_EQ(gate.release()->reason, mqtt::ReasonCode::QuotaExceeded);
    EXPECT_EQ(gate.release()->reason, mqtt::ReasonCode::QuotaExceeded);
    EXPECT_EQ(gate.release()->reason, mqtt::ReasonCode::Success);
}

TEST(AckGate, LetsPassWhatWaitsForNobody) {
    const AckGate gate(1);
    EXPECT_TRUE(gate.may_pass({}));
}

TEST(AckGate, HoldsUntilTheOneShardHasConfirmed) {
    AckGate gate(2);
    EXPECT_FALSE(gate.may_pass({bits({1}), 5, true}));
    hold(gate, 1, bits({1}), 5);
    EXPECT_TRUE(released(gate).empty());
    gate.confirm({1}, {4});
    EXPECT_TRUE(released(gate).empty());
    gate.confirm({1}, {5});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1}));
    EXPECT_EQ(gate.size(), 0u);
    EXPECT_TRUE(gate.may_pass({bits({1}), 5, true}));
}

TEST(AckGate, WaitsForEveryShardOfAReceipt) {
    AckGate gate(4);
    hold(gate, 1, bits({1, 2, 3}), 7);
    gate.confirm({3}, {9});
    gate.confirm({1}, {7});
    EXPECT_TRUE(released(gate).empty());
    gate.confirm({2}, {7});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1}));
}

TEST(AckGate, TakesAConfirmationForAllUpToItsNumber) {
    AckGate gate(2);
    for (uint16_t i = 1; i <= 5; ++i) hold(gate, i, bits({1}), i);
    gate.confirm({1}, {3});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1, 2, 3}));
    gate.confirm({1}, {100});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{4, 5}));
}

TEST(AckGate, ReleasesInTheOrderOfArrivalEvenWhereLaterOnesAreReadyFirst) {
    AckGate gate(3);
    hold(gate, 1, bits({1}), 1);
    hold(gate, 2, bits({2}), 2);
    hold(gate, 3, 0, 3);
    gate.confirm({2}, {2});
    EXPECT_TRUE(released(gate).empty());
    EXPECT_FALSE(gate.may_pass({}));  // even what waits for nobody must not pass the others
    gate.confirm({1}, {1});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1, 2, 3}));
    EXPECT_TRUE(gate.may_pass({}));
}

TEST(AckGate, KnowsTheLastOfSixtyFourShards) {
    AckGate gate(64);
    hold(gate, 1, bits({0, 63}), 1);
    gate.confirm({0}, {1});
    EXPECT_TRUE(released(gate).empty());
    gate.confirm({63}, {1});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1}));
}

TEST(AckGate, GivesBackWhatItWasGiven) {
    AckGate gate(1);
    gate.hold({.connection = {7, 3},
               .packet_id = {9},
               .exactly_once = true,
               .reason = mqtt::ReasonCode::NoMatchingSubscribers},
              {});
    const auto out = gate.release();
    ASSERT_TRUE(out);
    EXPECT_EQ(out->connection, (ConnectionId{7, 3}));
    EXPECT_TRUE(out->exactly_once);
    EXPECT_EQ(out->reason, mqtt::ReasonCode::NoMatchingSubscribers);
}

TEST(AckGate, LetsWhatIsAlikeGoOneByOneAndInOrder) {
    AckGate gate(2);
    const auto hold_of = [&](uint32_t client, uint16_t id, uint64_t ticket,
                             mqtt::ReasonCode reason = mqtt::ReasonCode::Success) {
        gate.hold({.connection = {client, 1},
                   .session = {client, 1},
                   .packet_id = {id},
                   .reason = reason},
                  {.taken = true, .ticket = ticket});
    };
    for (const uint16_t id : {5, 9, 7}) hold_of(1, id, 1);
    hold_of(1, 8, 1, mqtt::ReasonCode::NoMatchingSubscribers);
    hold_of(2, 3, 1);
    hold_of(1, 4, 1);
    hold_of(1, 6, 2);
    hold_of(1, 2, 2);
    EXPECT_EQ(gate.size(), 8u);
    EXPECT_FALSE(gate.release());
    gate.set_durable(1);
    std::vector<std::pair<uint32_t, uint16_t>> gone;
    while (const auto each = gate.release()) {
        gone.emplace_back(each->connection.slot, each->packet_id.value);
        EXPECT_EQ(each->reason == mqtt::ReasonCode::NoMatchingSubscribers,
                  each->packet_id.value == 8);
    }
    using Gone = decltype(gone);
    EXPECT_EQ(gone, (Gone{{1, 5}, {1, 9}, {1, 7}, {1, 8}, {2, 3}, {1, 4}}));
    EXPECT_EQ(gate.size(), 2u);
    gate.set_durable(2);
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{6, 2}));
    EXPECT_EQ(gate.size(), 0u);
}

TEST(AckGate, KeepsTheKeysOfCrossingOnesBehindAndBetweenThoseThatAreAlike) {
    AckGate gate(2);
    const auto crossing = [&](uint16_t id) {
        return gate.hold(of(id, true), {.shards = bits({1}), .crossing = true, .ticket = 1});
    };
    gate.hold(of(1), {.ticket = 1});
    gate.hold(of(2), {.ticket = 1});
    const uint64_t first = crossing(3);
    gate.hold(of(4), {.ticket = 1});
    gate.hold(of(5), {.ticket = 1});
    const uint64_t second = crossing(6);
    gate.set_durable(1);
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1, 2}));
    gate.number(second, 8);
    gate.number(first, 7);
    gate.confirm({1}, {7});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{3, 4, 5}));
    gate.confirm({1}, {8});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{6}));
}

TEST(AckGate, LetsNoLaneWaitForTheOther) {
    AckGate gate(2);
    const auto hold_free = [&](uint16_t id, uint64_t number) {
        gate.hold(of(id),
                  {.shards = bits({1}), .number = number, .taken = true, .lane = Lane::Free});
    };
    const uint64_t crossing = gate.hold(of(1), {.shards = bits({1}), .crossing = true});
    hold_free(2, 1);
    hold_free(3, 2);
    EXPECT_FALSE(gate.may_pass({}));
    EXPECT_FALSE(gate.may_pass({.lane = Lane::Free}));
    gate.confirm({1}, {1, Lane::Free});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{2})) << "in order within the lane";
    gate.confirm({1}, {9, Lane::Usual});
    EXPECT_TRUE(released(gate).empty()) << "that lane has its own numbers";
    gate.confirm({1}, {2, Lane::Free});
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{3}));
    EXPECT_TRUE(gate.may_pass({.lane = Lane::Free}));
    EXPECT_FALSE(gate.may_pass({}));
    gate.number(crossing, 9);
    EXPECT_EQ(released(gate), (std::vector<uint16_t>{1}));
}

}  // namespace
}  // namespace godwit::broker
