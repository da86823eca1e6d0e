// Each checker on small histories: one that keeps the promise, and one that does not.
#include "sim/story.h"

#include <gtest/gtest.h>

namespace godwit::sim {
namespace {

TEST(CheckDelivery, AcknowledgedMessageMustCome) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish_acked(m);
    EXPECT_EQ(story.count(check_delivery), 1u);
    story.receive(1, m, 1);
    EXPECT_EQ(story.count(check_delivery), 0u);
}

TEST(CheckDelivery, WhatTheBrokerSaysItDroppedNeedNotCome) {
    Story story = pair();
    story.publish_acked(story.message(1));
    story.drop(1, "other", "queue_full");
    EXPECT_EQ(story.count(check_delivery), 1u);
    story.drop(1, "t", "queue_full");
    EXPECT_EQ(story.count(check_delivery), 0u);
}

TEST(CheckDelivery, Qos0ReachesWhoIsThere) {
    Story story = pair();
    const uint32_t m = story.message(0);
    story.publish(m);
    story.history().events.back().broker = {};
    EXPECT_EQ(story.count(check_delivery), 0u);  // the broker has not read it
    story.history().events.back().broker = {kBegin + seconds(100), 100};
    EXPECT_EQ(story.count(check_delivery), 1u);
    story.receive(1, m, 0);
    EXPECT_EQ(story.count(check_delivery), 0u);
}

TEST(CheckDelivery, NothingIsOwedBeforeTheSuback) {
    Story story;
    story.connect(0);
    story.connect(1);
    story.publish_acked(story.message(2));
    story.subscribe(1, "t");
    EXPECT_EQ(story.count(check_delivery), 0u);
}

TEST(CheckDelivery, NothingIsOwedToASessionThatEnded) {
    Story story = pair();
    story.publish_acked(story.message(2));
    story.close(1);
    story.connect(1, false);
    EXPECT_EQ(story.count(check_delivery), 0u);
}

TEST(CheckDuplicates, Qos2NeverTwice) {
    Story story = pair();
    const uint32_t m = story.message(2);
    story.publish_acked(m);
    story.receive(1, m, 2);
    EXPECT_EQ(story.count(check_duplicates), 0u);
    story.receive(1, m, 2);
    EXPECT_EQ(story.count(check_duplicates), 1u);
}

TEST(CheckDuplicates, Qos1AgainWhenSentAgain) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish(m);
    story.receive(1, m, 1);
    story.receive(1, m, 1);
    EXPECT_EQ(story.count(check_duplicates), 1u);
    story.publish(m, true);
    EXPECT_EQ(story.count(check_duplicates), 0u);
}

TEST(CheckDuplicates, DupBelongsToALaterConnection) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish(m);
    story.receive(1, m, 1).dup = true;
    EXPECT_EQ(story.count(check_duplicates), 1u);
}

TEST(CheckOrder, OlderAfterYounger) {
    Story story = pair();
    const uint32_t a = story.message(1), b = story.message(1);
    story.publish(a);
    story.publish(b);
    story.receive(1, b, 1);
    EXPECT_EQ(story.count(check_order), 0u);
    story.receive(1, a, 1);
    EXPECT_EQ(story.count(check_order), 1u);
}

TEST(CheckOrder, WhatWasSentAgainMayComeAgain) {
    Story story = pair();
    const uint32_t a = story.message(1), b = story.message(1);
    story.publish(a);
    story.publish(b);
    story.receive(1, b, 1);
    story.publish(a, true);
    story.receive(1, a, 1);
    EXPECT_EQ(story.count(check_order), 0u);
}

TEST(CheckRetained, NewSubscriptionGetsTheValue) {
    Story story;
    story.connect(0);
    story.connect(1);
    const uint32_t m = story.message(1, true, "r");
    story.publish_acked(m);
    story.subscribe(1, "r");
    EXPECT_EQ(story.count(check_retained), 1u);
    story.receive(1, m, 1).retain = true;
    EXPECT_EQ(story.count(check_retained), 0u);
}

TEST(CheckRetained, AClearedValueIsGone) {
    Story story;
    story.connect(0);
    story.connect(1);
    const uint32_t m = story.message(1, true, "r"), clear = story.message(1, true, "r");
    story.history().messages[clear].empty = true;
    story.publish_acked(m);
    story.publish_acked(clear);
    story.subscribe(1, "r");
    EXPECT_EQ(story.count(check_retained), 0u);
    story.receive(1, m, 1).retain = true;
    EXPECT_EQ(story.count(check_retained), 1u);
}

TEST(CheckRetained, NoOlderValueAfterAYoungerOne) {
    Story story;
    story.connect(0);
    story.connect(1);
    story.subscribe(1, "r");
    const uint32_t a = story.message(1, true, "r"), b = story.message(1, true, "r");
    story.publish_acked(a);
    story.publish_acked(b);
    story.receive(1, a, 1);
    story.receive(1, b, 1);
    EXPECT_EQ(story.count(check_retained), 0u);
    story.receive(1, a, 1).retain = true;
    EXPECT_EQ(story.count(check_retained), 1u);
}

TEST(CheckTakeover, TheOldConnectionClosesFirst) {
    Story good, bad;
    good.close(good.connect(1));
    good.connect(1, true);
    bad.connect(1);
    bad.connect(1, true);
    EXPECT_EQ(good.count(check_takeover), 0u);
    EXPECT_EQ(bad.count(check_takeover), 1u);
}

TEST(CheckSessionPresent, UntilTheExpiry) {
    Story story;
    story.close(story.connect(1, false, 3600));
    story.close(story.connect(1, true, 1));
    EXPECT_EQ(story.count(check_session_present), 0u);
    story.connect(2);
    story.connect(1, true);  // two seconds later
    EXPECT_EQ(story.count(check_session_present), 1u);
}

TEST(CheckSessionPresent, CleanStartFindsNone) {
    Story story;
    story.close(story.connect(1));
    story.history().connections[story.connect(1, true)].clean_start = true;
    EXPECT_EQ(story.count(check_session_present), 1u);
}

/// s sees the wills of t's connection; t's connection ends.
Story with_will(uint32_t delay_s, bool goodbye) {
    Story story;
    const uint32_t connection = story.connect_with_will(2, delay_s);
    ConnectionFacts& c = story.history().connections[connection];
    if (goodbye) {
        c.said_goodbye = true;
        c.goodbye_offset = 10;
        c.reads.push_back({10, {kBegin + seconds(5), 5}});
    }
    story.close(connection);
    return story;
}

TEST(CheckWills, OwedWhenTheConnectionIsLost) {
    Story story = with_will(0, false);
    EXPECT_EQ(story.count(check_wills), 1u);
    story.receive(1, 0, 1);
    EXPECT_EQ(story.count(check_wills), 0u);
}

TEST(CheckWills, NotOwedAfterDisconnect) {
    Story story = with_will(0, true);
    EXPECT_EQ(story.count(check_wills), 0u);
    story.receive(1, 0, 1);
    EXPECT_EQ(story.count(check_wills), 1u);
}

TEST(CheckWills, DelayedAndCancelledByTheNextConnection) {
    Story story = with_will(30, false);
    story.connect(2, true);
    EXPECT_EQ(story.count(check_wills), 0u);
    story.receive(1, 0, 1);
    EXPECT_EQ(story.count(check_wills), 1u);
}

TEST(CheckWills, NotBeforeItsDelay) {
    Story story = with_will(30, false);
    story.receive(1, 0, 1);
    EXPECT_EQ(story.count(check_wills), 1u);
}

TEST(CheckKeepAlive, ASilentClientIsClosed) {
    Story story;
    ConnectionFacts& c = story.history().connections[story.connect(1)];
    c.keepalive_s = 10;
    EXPECT_EQ(story.count(check_keep_alive), 1u);
    c.closed = {c.last_read + seconds(15), 9};
    EXPECT_EQ(story.count(check_keep_alive), 0u);
}

/// s and t share "t"; one message has come to s.
Story group() {
    Story story;
    story.connect(0);
    for (const uint32_t member : {1u, 2u}) {
        story.connect(member);
        story.subscribe(member, "$share/g/t", 1);
    }
    story.publish_acked(story.message(1));
    return story;
}

TEST(CheckShared, SomebodyGetsIt) {
    Story story = group();
    EXPECT_EQ(story.count(check_shared), 1u);
    story.receive(2, 0, 1);
    EXPECT_EQ(story.count(check_shared), 0u);
}

TEST(CheckShared, OnlyOneGetsIt) {
    Story story = group();
    story.receive(1, 0, 1);
    story.receive(2, 0, 1);
    EXPECT_EQ(story.count(check_shared), 1u);
}

TEST(CheckShared, AnotherOneGetsItWhenTheFirstHasLeft) {
    Story story = group();
    story.receive(1, 0, 1);
    story.close(1);
    story.receive(2, 0, 1);
    EXPECT_EQ(story.count(check_shared), 0u);
}

TEST(CheckShared, AwayMembersAreNotFed) {
    Story story;
    story.connect(0);
    for (const uint32_t member : {1u, 2u}) {
        story.connect(member);
        story.subscribe(member, "$share/g/t", 1);
    }
    story.close(1);
    story.publish_acked(story.message(1));
    story.drop(0, "time", "passes");
    story.connect(1, true);
    story.receive(1, 0, 1);
    EXPECT_EQ(story.count(check_shared), 1u);
}

TEST(CheckExpiry, NotSentAfterwards) {
    for (const uint32_t expiry_s : {60u, 1u}) {
        Story story = pair();
        const uint32_t m = story.message(1);
        story.history().messages[m].expiry_s = expiry_s;
        story.publish(m);
        story.drop(0, "time", "passes");
        story.receive(1, m, 1).expiry_s = expiry_s == 60 ? 58 : 1;
        EXPECT_EQ(story.count(check_expiry), expiry_s == 60 ? 0u : 1u);
    }
}

TEST(CheckExpiry, TellsWhatIsLeft) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.history().messages[m].expiry_s = 60;
    story.publish(m);
    story.receive(1, m, 1).expiry_s = 60;
    EXPECT_EQ(story.count(check_expiry), 1u);
}

TEST(CheckExpiry, NothingIsDroppedTooEarly) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.history().messages[m].expiry_s = 60;
    story.publish(m);
    story.drop(1, "t", "expired");
    EXPECT_EQ(story.count(check_expiry), 1u);
}

TEST(CheckSubscriptions, OnlyWhatWasAskedFor) {
    Story story = pair();
    const uint32_t m = story.message(1), other = story.message(1, false, "x");
    story.publish(m);
    story.receive(1, m, 1);
    EXPECT_EQ(story.count(check_subscriptions), 0u);
    story.publish(other);
    story.receive(1, other, 1);
    EXPECT_EQ(story.count(check_subscriptions), 1u);
}

TEST(CheckSubscriptions, NothingAfterUnsuback) {
    Story story = pair();
    const uint32_t before = story.message(1), after = story.message(1);
    story.publish(before);
    story.unsubscribe(1, "t");
    story.receive(1, before, 1);
    EXPECT_EQ(story.count(check_subscriptions), 0u);
    story.publish(after);
    story.receive(1, after, 1);
    EXPECT_EQ(story.count(check_subscriptions), 1u);
}

TEST(CheckSubscriptions, NoLocal) {
    Story story;
    story.connect(0);
    story.subscribe(0, "t", 2, true);
    const uint32_t m = story.message(1);
    story.publish(m);
    story.receive(0, m, 1);
    EXPECT_EQ(story.count(check_subscriptions), 1u);
}

TEST(CheckSubscriptions, QosAndIdentifiers) {
    Story story;
    story.connect(0);
    story.connect(1);
    story.subscribe(1, "t", 0);
    const uint32_t m = story.message(1);
    story.publish(m);
    story.receive(1, m, 1);
    EXPECT_EQ(story.count(check_subscriptions), 1u);
    story.receive(1, m, 0).ids = {7};
    EXPECT_EQ(story.count(check_subscriptions), 2u);
}

TEST(CheckAcknowledgements, NotBeforeTheOtherShardHasIt) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish_acked(m);
    const uint64_t turn = story.history().events.back().broker.turn;
    story.history().hops.push_back({m, turn - 1, turn - 1});
    EXPECT_EQ(story.count(check_acknowledgements), 0u);
    story.history().hops.back().handled_turn = turn + 1;
    EXPECT_EQ(story.count(check_acknowledgements), 1u);
    story.history().hops.back().handled_turn = 0;
    EXPECT_EQ(story.count(check_acknowledgements), 1u);
}

TEST(CheckBounds, UnsentBytesAndFarLimits) {
    Story story = pair();
    story.history().connections[1].most_unsent_bytes = story.history().limits.output_bytes_max;
    EXPECT_EQ(story.count(check_bounds), 0u);
    story.history().connections[1].most_unsent_bytes += 1'000'000;
    EXPECT_EQ(story.count(check_bounds), 1u);
    story.drop(1, "t", "queue_full");
    EXPECT_EQ(story.count(check_bounds), 2u);
}

TEST(CheckProtocol, FaultsAndWhatIsLeftOver) {
    Story story = pair();
    story.event(Kind::Gauge, 1).text = "queued";
    EXPECT_EQ(story.count(check_protocol), 0u);
    story.history().events.back().number = 1;
    EXPECT_EQ(story.count(check_protocol), 1u);
    story.event(Kind::Fault, 1).why = "malformed";
    story.event(Kind::Unsettled, 1).why = "waits";
    EXPECT_EQ(story.count(check_protocol), 3u);
}

}  // namespace
}  // namespace godwit::sim
