#include "bench/ledger.h"

#include <gtest/gtest.h>

namespace godwit::bench {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kRun = 77;
constexpr Instant kNow{100s};

Buffer payload(uint32_t stream, uint64_t sequence, Instant intended = kNow, uint32_t run = kRun) {
    Buffer bytes(kStampBytes);
    write_stamp(bytes.data(),
                {.run = run, .stream = stream, .sequence = sequence, .intended = intended});
    return bytes;
}

TEST(Ledger, ExpectsEachMessageAtEachReceiver) {
    Ledger ledger({.publishers = 1, .subscribers = 3, .topics = 1}, kRun);
    ledger.note_sent(0);
    ledger.note_sent(0);
    EXPECT_EQ(ledger.expected(), 6u);
    EXPECT_EQ(ledger.lost(), 6u);
    EXPECT_EQ(ledger.expected_of(1), 2u);
    (void)ledger.take(1, payload(0, 0), kNow);
    EXPECT_EQ(ledger.lost(), 5u);
}

TEST(Ledger, NoticesWhatIsTwiceAndOutOfOrder) {
    Ledger ledger({.publishers = 1, .subscribers = 1, .topics = 1}, kRun);
    for (int i = 0; i < 3; ++i) ledger.note_sent(0);
    EXPECT_EQ(ledger.take(0, payload(0, 2), kNow).settled, 3u);  // with the two that it skipped
    EXPECT_EQ(ledger.take(0, payload(0, 2), kNow).settled, 0u);
    EXPECT_EQ(ledger.take(0, payload(0, 0), kNow).settled, 0u);
    EXPECT_EQ(ledger.tally().delivered, 2u);
    EXPECT_EQ(ledger.tally().again, 1u);
    EXPECT_EQ(ledger.tally().late, 1u);
    EXPECT_EQ(ledger.lost(), 1u);
}

TEST(Ledger, TheSameNumberAtTwoReceiversIsTwoDeliveries) {
    Ledger ledger({.publishers = 1, .subscribers = 2, .topics = 1}, kRun);
    ledger.note_sent(0);
    (void)ledger.take(0, payload(0, 0), kNow);
    (void)ledger.take(1, payload(0, 0), kNow);
    EXPECT_EQ(ledger.tally().delivered, 2u);
    EXPECT_EQ(ledger.tally().again, 0u);
}

TEST(Ledger, InASharedGroupASecondMemberIsTwice) {
    Ledger ledger(
        {.publishers = 2, .subscribers = 2, .topics = 2, .wildcard = true, .shared = true}, kRun);
    ledger.note_sent(0);
    EXPECT_EQ(ledger.expected(), 1u);
    (void)ledger.take(0, payload(0, 0), kNow);
    (void)ledger.take(1, payload(0, 0), kNow);
    EXPECT_EQ(ledger.tally().again, 1u);
}

TEST(Ledger, WhatIsNotOfThisRunIsForeign) {
    Ledger ledger({.publishers = 2, .subscribers = 2, .topics = 2}, kRun);
    (void)ledger.take(0, payload(0, 0, kNow, kRun + 1), kNow);
    (void)ledger.take(0, payload(1, 0), kNow);   // of a topic that it has not subscribed to
    (void)ledger.take(0, payload(99, 0), kNow);  // no such stream
    (void)ledger.take(0, Buffer(3), kNow);
    EXPECT_EQ(ledger.tally().foreign, 4u);
    EXPECT_EQ(ledger.tally().delivered, 0u);
}

TEST(Ledger, LatencyCountsFromTheTimeMeantAndWithinTheTimeMeasured) {
    Ledger ledger({.publishers = 1, .subscribers = 1, .topics = 1}, kRun);
    ledger.measure(kNow, kNow + 1s);
    (void)ledger.take(0, payload(0, 0, kNow - 1ns), kNow);  // of the warm-up
    (void)ledger.take(0, payload(0, 1, kNow), kNow + 40ns);
    (void)ledger.take(0, payload(0, 2, kNow + 1s), kNow + 2s);  // after it
    EXPECT_EQ(ledger.delivery_times().count(), 1u);
    EXPECT_EQ(ledger.delivery_times().max(), 40ns);
    ledger.note_acknowledged(kNow, kNow + 50ns);
    EXPECT_EQ(ledger.acknowledge_times().max(), 50ns);
    EXPECT_EQ(ledger.tally().acknowledged, 1u);
    ledger.measure(kNow, kNever);
    EXPECT_EQ(ledger.delivery_times().count(), 0u);
}

TEST(Ledger, WhatWasSentBeforeIsExpectedOfEachSession) {
    Ledger ledger({.publishers = 2, .subscribers = 5, .topics = 5}, kRun);
    ledger.expect(0, 6);  // topics 0, 2, 4 in turn: twice each
    ledger.expect(1, 3);  // topics 1, 3: 1 twice
    EXPECT_EQ(ledger.expected(), 9u);
    EXPECT_EQ(ledger.expected_of(4), 2u);
    EXPECT_EQ(ledger.expected_of(1), 2u);
    EXPECT_EQ(ledger.expected_of(3), 1u);
}

}  // namespace
}  // namespace godwit::bench
