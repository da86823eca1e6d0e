// What the checkers forgive because of crashes, disks, damage and clocks; and that each of these
// excuses ends where it should.
#include "sim/story.h"

#include <gtest/gtest.h>

namespace godwit::sim {
namespace {

using std::chrono::hours;

// --- how near a crash has to be ---

/// s gets m (QoS `qos`); `after` later the broker crashes; s gets it once more.
Story again_after_a_crash(uint8_t qos, Duration after) {
    Story story = pair();
    const uint32_t m = story.message(qos);
    story.publish_acked(m);
    story.receive(1, m, qos);
    story.pace(after);
    story.crash();
    story.receive(1, m, qos);
    return story;
}

TEST(CrashExcuse, WhatHadJustBeenSentMayComeOnceMore) {
    EXPECT_EQ(again_after_a_crash(1, kSlack).count(check_duplicates), 0u);
    EXPECT_EQ(again_after_a_crash(1, kSlack + milliseconds(1)).count(check_duplicates), 1u);
}

TEST(CrashExcuse, OnceForEachTimeThatItWasForgotten) {
    Story story = again_after_a_crash(1, kSlack);
    story.receive(1, 0, 1);
    EXPECT_EQ(story.count(check_duplicates), 1u);
}

TEST(CrashExcuse, Qos2IsForgivenNothing) {
    EXPECT_EQ(again_after_a_crash(2, milliseconds(1)).count(check_duplicates), 1u);
}

TEST(CrashExcuse, TroubleOfTheDiskMakesItLongerByItsOwnLength) {
    Story story = again_after_a_crash(1, seconds(5));
    const Instant crash = story.history().crashes[0].at;
    story.history().add_trouble(crash - seconds(4) - kSlack, crash);
    EXPECT_EQ(story.count(check_duplicates), 1u);
    story.history().add_trouble(crash - milliseconds(10), crash + seconds(9));  // not twice
    EXPECT_EQ(story.count(check_duplicates), 1u);
    story.history().troubles[0].from = crash - seconds(5) + kSlack;
    EXPECT_EQ(story.count(check_duplicates), 0u);
    story.history().troubles[0].from += milliseconds(1);
    EXPECT_EQ(story.count(check_duplicates), 1u);
}

// --- sessions ---

TEST(CrashExcuse, ANewSessionMayBeForgottenUntilSomethingIsAcknowledged) {
    Story story;
    story.pace(milliseconds(100));
    story.connect(1);
    Story asked = story;
    asked.subscribe(1, "t");
    for (Story* each : {&story, &asked}) {
        each->crash();
        each->history().connections[0].closed = each->history().crashes[0];
        each->connect(1, false);
    }
    EXPECT_EQ(story.count(check_session_present), 0u);
    EXPECT_EQ(asked.count(check_session_present), 1u);
}

TEST(CrashExcuse, ARefusalAndARepeatedPublishAcknowledgeNothingNew) {
    const auto forgotten_after = [](bool dup, mqtt::ReasonCode reason) {
        Story story;
        story.pace(milliseconds(100));
        const uint32_t m = story.message(2);
        const uint32_t before = story.connect(0, false, 0);
        if (dup) story.publish(m);
        story.close(before);
        const uint32_t mine = story.connect(0);
        story.publish(m, dup);
        story.event(Kind::Pubrec, 0, m).reason = reason;
        story.crash();
        story.history().connections[mine].closed = story.history().crashes[0];
        story.connect(0, false);
        return story.count(check_session_present);
    };
    EXPECT_EQ(forgotten_after(true, mqtt::ReasonCode::Success), 0u);
    EXPECT_EQ(forgotten_after(false, mqtt::ReasonCode::QuotaExceeded), 0u);
    EXPECT_EQ(forgotten_after(false, mqtt::ReasonCode::Success), 1u);
}

TEST(CrashExcuse, ACleanStartThatWasToldIsNotUndone) {
    Story story;
    story.close(story.connect(1));
    story.pace(milliseconds(1));
    const uint32_t clean = story.connect(1, false, 0);
    story.history().connections[clean].clean_start = true;
    story.crash();
    story.history().connections[clean].closed = story.history().crashes[0];
    Story back = story;
    story.connect(1, false);
    back.connect(1, true);
    EXPECT_EQ(story.count(check_session_present), 0u);
    EXPECT_EQ(back.count(check_session_present), 1u);
}

/// A session that has 3600 s says goodbye with none; `after` later the broker crashes.
Story goodbye_then_crash(Duration after) {
    Story story;
    const uint32_t old = story.connect(1);
    ConnectionFacts& facts = story.history().connections[old];
    facts.said_goodbye = true;
    facts.goodbye_offset = 5;
    facts.goodbye_expiry_s = 0;
    facts.reads.push_back({5, facts.accepted});
    story.close(old);
    story.pace(after);
    story.crash();
    story.connect(1, true);
    return story;
}

TEST(CrashExcuse, AnExpiryInDisconnectMayBeForgotten) {
    EXPECT_EQ(goodbye_then_crash(kSlack).count(check_session_present), 0u);
    EXPECT_EQ(goodbye_then_crash(kSlack + milliseconds(1)).count(check_session_present), 1u);
}

/// The client says goodbye, which takes its will back; `after` later the broker crashes, and the
/// will comes.
Story will_after_goodbye(Duration after) {
    Story story;
    const uint32_t connection = story.connect_with_will(2);
    ConnectionFacts& facts = story.history().connections[connection];
    const uint32_t will = facts.will;
    facts.said_goodbye = true;
    facts.goodbye_offset = 5;
    facts.reads.push_back({5, facts.accepted});
    story.close(connection);
    story.pace(after);
    story.crash();
    story.receive(1, will, 1);
    return story;
}

TEST(CrashExcuse, AGoodbyeMayBeForgottenAndItsWillBeDue) {
    EXPECT_EQ(will_after_goodbye(kSlack).count(check_wills), 0u);
    EXPECT_EQ(will_after_goodbye(kSlack + milliseconds(1)).count(check_wills), 1u);
}

/// A crash cuts off a client whose will has a delay of 4 s. `after` later the broker crashes again,
/// and its clock has gone back by an hour; the will comes `then` later.
Story delayed_will(Duration after, Duration then) {
    Story story;
    ConnectionFacts& facts = story.history().connections[story.connect_with_will(2, 4)];
    const uint32_t will = facts.will;
    story.crash();
    facts.closed = story.history().crashes[0];
    story.pace(after);
    story.crash(-std::chrono::hours(1));
    story.pace(then);
    story.receive(1, will, 1);
    return story;
}

TEST(CrashExcuse, ADelayedWillMayBeCountedFromTheRestart) {
    EXPECT_EQ(delayed_will(kSlack, seconds(4)).count(check_wills), 0u);
    EXPECT_EQ(delayed_will(kSlack, seconds(4) - milliseconds(1)).count(check_wills), 1u);
    EXPECT_EQ(delayed_will(kSlack + milliseconds(1), seconds(4)).count(check_wills), 1u);
}

// --- retained ---

TEST(CrashExcuse, AReplayThatIsUnderWayEnds) {
    Story story;
    story.connect(0);
    story.connect(1);
    const uint32_t m = story.message(1, true, "r");
    story.publish_acked(m);
    Story before = story;
    story.subscribe(1, "r");
    story.crash();
    before.crash();
    before.subscribe(1, "r");
    EXPECT_EQ(story.count(check_retained), 0u);
    EXPECT_EQ(before.count(check_retained), 1u);
}

/// a stands, s sees b live, the broker crashes, and a new subscription of s gets a.
TEST(CrashExcuse, AValueThatWasNotAcknowledgedMayStandNowhere) {
    for (const bool acked : {false, true}) {
        Story story;
        story.connect(0);
        story.connect(1);
        const uint32_t a = story.message(1, true, "r"), b = story.message(1, true, "r");
        story.publish_acked(a);
        story.subscribe(1, "r", 1);
        story.publish(b);
        if (acked) story.event(Kind::Puback, 0, b);
        story.receive(1, b, 1);
        story.crash();
        story.subscribe(1, "r", 1);
        story.receive(1, a, 1).retain = true;
        EXPECT_EQ(story.count(check_retained) > 0, acked);
    }
}

// --- acknowledgements ---

TEST(CrashExcuse, MailThatACrashDestroyedIsNoBusinessOfALaterAcknowledgement) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish(m);
    story.history().hops.push_back({m, 5, 0, false});
    Story without = story;
    story.crash();
    for (Story* each : {&story, &without}) each->event(Kind::Puback, 0, m);
    EXPECT_EQ(without.count(check_acknowledgements), 1u);
    EXPECT_EQ(story.count(check_acknowledgements), 0u);
    story.history().hops.push_back({m, story.history().crashes[0].turn, 0, false});
    EXPECT_EQ(story.count(check_acknowledgements), 1u);
    story.history().hops.back().again = true;
    EXPECT_EQ(story.count(check_acknowledgements), 0u);
}

// --- the broker's clock ---

TEST(ClockExcuse, WhatPassesDuringARestartCounts) {
    History h;
    const Moment from{kBegin + seconds(10), 1};
    h.crashes = {{kBegin + seconds(20), 5}, {kBegin + seconds(30), 9}};
    h.jumps = {seconds(100), -seconds(5)};
    EXPECT_EQ(h.due(from, seconds(10)), kBegin + seconds(20));
    EXPECT_EQ(h.due(from, seconds(60)), kBegin + seconds(20));  // due while it was down
    EXPECT_EQ(h.due(from, seconds(115)), kBegin + seconds(25));
    EXPECT_EQ(h.due(from, seconds(125)), kBegin + seconds(40));  // and the second goes back
    EXPECT_EQ(h.due(from, seconds(125), 8), kBegin + seconds(35));
    EXPECT_EQ(h.due(from, seconds(125), 4), kBegin + seconds(135));
    EXPECT_EQ(h.due({kBegin + seconds(20), 5}, seconds(7)), kBegin + seconds(27));
}

TEST(ClockExcuse, ASessionMayExpireByTheJumpAndNoEarlier) {
    for (const auto jump : {hours(1), hours(2)}) {
        Story story;
        story.close(story.connect(1, false, 4000));
        story.crash(jump);
        story.connect(1, jump < hours(2));
        EXPECT_EQ(story.count(check_session_present), 0u);
        story.history().connections.back().session_present ^= true;
        EXPECT_EQ(story.count(check_session_present), 1u);
    }
}

// --- what is due by a jump that the next crash takes back ---

TEST(ClockExcuse, ACrashThatComesSoonUndoesWhatWasDue) {
    History h;
    const Moment from{kBegin + seconds(10), 1};
    h.crashes = {{kBegin + seconds(20), 5}, {kBegin + seconds(21), 9}};
    h.jumps = {seconds(100), -seconds(100)};
    EXPECT_EQ(h.due(from, seconds(60)), kBegin + seconds(20));
    EXPECT_EQ(h.due_at_last(from, seconds(60), milliseconds(999)), kBegin + seconds(20));
    EXPECT_EQ(h.due_at_last(from, seconds(60), seconds(1)), kBegin + seconds(70));
    EXPECT_EQ(h.due_at_last(from, seconds(60), seconds(1), 8), kBegin + seconds(20));
    EXPECT_EQ(h.due_at_last(from, seconds(5), seconds(1)), kBegin + seconds(15));
    h.jumps[1] = {};
    EXPECT_EQ(h.due_at_last(from, seconds(60), seconds(1)), kBegin + seconds(21));
}

/// The client of session s is away. A restart finds that two hours have passed; `after` later the
/// next one, that they have not.
Story there_and_back(Duration after) {
    Story story = pair();
    story.close(1);
    story.crash(hours(2));
    story.pace(after);
    story.crash(-hours(2));
    story.pace(seconds(2));
    return story;
}

TEST(ClockExcuse, ASessionThatWasDueMayBeThereAfterTheNextCrash) {
    for (const auto after : {2 * kSlack, 2 * kSlack + milliseconds(1)}) {
        Story story = there_and_back(after);
        Story gone = story;
        story.connect(1, true);
        gone.connect(1, false);
        EXPECT_EQ(story.count(check_session_present), after == 2 * kSlack ? 0u : 1u);
        EXPECT_EQ(gone.count(check_session_present), 0u);
    }
}

TEST(ClockExcuse, ASessionThatWasDueIsOwedNothingFromMeanwhile) {
    for (const auto jump : {hours(2), hours(0)}) {
        const size_t owed = jump == hours(0) ? 1 : 0;
        Story story = pair();
        story.subscribe(1, "$share/g/t");
        const uint32_t with_will = story.connect(2);
        const uint32_t will = story.message(1);
        story.history().messages[will] = {.publisher = 2, .topic = "t", .qos = 1, .will = true};
        story.history().connections[with_will].will = will;
        story.close(1);
        story.crash(jump);
        story.pace(milliseconds(100));
        story.publish_acked(story.message(1));
        story.close(with_will);
        story.crash(-jump);
        story.connect(1, true);
        EXPECT_EQ(story.count(check_delivery), owed);
        EXPECT_EQ(story.count(check_shared), owed);
        EXPECT_EQ(story.count(check_wills), owed);
        story.publish_acked(story.message(1));
        EXPECT_EQ(story.count(check_delivery), owed + 1);
        EXPECT_EQ(story.count(check_shared), owed + 1);
    }
}

TEST(ClockExcuse, AMessageThatWasDueMayBeSentAfterTheNextCrash) {
    for (const bool taken_back : {true, false}) {
        Story story = pair();
        const uint32_t m = story.message(1);
        story.history().messages[m].expiry_s = 60;
        story.publish(m);
        story.crash(hours(2));
        story.crash(taken_back ? -hours(2) : hours(0));
        story.receive(1, m, 1).expiry_s = taken_back ? 57 : 1;
        EXPECT_EQ(story.count(check_expiry), taken_back ? 0u : 1u);
    }
}

TEST(ClockExcuse, AWillThatWasDueMayBeCancelledAfterTheNextCrash) {
    for (const bool taken_back : {true, false}) {
        Story story;
        story.connect(1);
        story.subscribe(1, "w");
        const uint32_t connection = story.connect(2);
        const uint32_t will = story.message(1, false, "w");
        story.history().messages[will] = {
            .publisher = 2, .topic = "w", .qos = 1, .will = true, .delay_s = 60};
        story.history().connections[connection].will = will;
        story.close(connection);
        story.crash(hours(2));
        story.pace(milliseconds(500));
        story.crash(taken_back ? -hours(2) : hours(0));
        story.pace(seconds(2));
        story.connect(2, true);
        EXPECT_EQ(story.count(check_wills), taken_back ? 0u : 1u);
    }
}

// --- sessions that more crashes than one forget something of ---

/// A session of a second is resumed by two connections that have an hour, `after` apart; then the
/// broker crashes, and the client comes back much later. It has got a SUBACK meanwhile.
Story two_resumptions_then_crash(Duration after) {
    Story story;
    story.close(story.connect(1, false, 1));
    for (int i = 0; i < 2; ++i) {
        story.pace(milliseconds(50));
        story.connect(1, true);
        if (i == 1) story.subscribe(1, "t");
        story.pace(i == 0 ? after : milliseconds(50));
        story.close(uint32_t(1 + i));
    }
    story.crash();
    story.pace(seconds(60));
    story.connect(1, false);
    return story;
}

TEST(CrashExcuse, TwoResumptionsMayBeForgottenAtOnce) {
    EXPECT_EQ(two_resumptions_then_crash(milliseconds(50)).count(check_session_present), 0u);
    EXPECT_EQ(two_resumptions_then_crash(seconds(1)).count(check_session_present), 1u);
}

/// A session of an hour loses its connection, the broker crashes, and `after` later once more; then
/// two hours have passed.
Story two_crashes_after_the_end(Duration after) {
    Story story;
    story.close(story.connect(1, false, 3600));
    story.pace(milliseconds(100));
    story.crash();
    story.pace(after);
    story.crash(hours(2));
    story.pace(seconds(1));
    story.connect(1, true);
    return story;
}

TEST(CrashExcuse, TheEndOfAConnectionMayBeForgottenByTwoCrashes) {
    EXPECT_EQ(two_crashes_after_the_end(kSlack).count(check_session_present), 0u);
    EXPECT_EQ(two_crashes_after_the_end(kSlack + milliseconds(1)).count(check_session_present), 1u);
}

// --- how far the clock may go ---

TEST(ClockExcuse, ItJumpsAsFarAsTheTimeOfDayAndNoFurther) {
    Story story;
    story.crash(seconds(1));
    EXPECT_EQ(story.count(check_clock), 0u);
    story.crash(seconds(2));
    EXPECT_EQ(story.count(check_clock), 1u);
    story.history().jumps[1] = -milliseconds(1);  // the time of day has no smaller ones
    EXPECT_EQ(story.count(check_clock), 0u);
    story.history().jumps[1] = -milliseconds(2);
    EXPECT_EQ(story.count(check_clock), 1u);
    story.history().steps.push_back({story.now(), -hours(1)});
    EXPECT_EQ(story.count(check_clock), 0u);
    story.history().jumps[1] = -seconds(5);  // it had run for two
    EXPECT_EQ(story.count(check_clock), 1u);
    story.history().jumps[1] = hours(1);
    EXPECT_EQ(story.count(check_clock), 1u);
    story.history().steps.push_back({story.now(), hours(1)});
    EXPECT_EQ(story.count(check_clock), 0u);
}

// --- damage ---

/// p lives on shard 0, s on shard 1; damage is found on `shard` after what `tell` tells.
template <class Tell>
Story damaged(uint16_t shard, Tell&& tell) {
    Story story = pair();
    story.history().homes = {0, 1, 2};
    tell(story);
    story.damage(shard);
    return story;
}

TEST(DamageExcuse, OfTheSubscribersShardForgivesDelivery) {
    const auto lost = [](Story& story) { story.publish_acked(story.message(1)); };
    EXPECT_EQ(damaged(1, lost).count(check_delivery), 0u);
    EXPECT_EQ(damaged(0, lost).count(check_delivery), 1u);
    EXPECT_EQ(damaged(2, lost).count(check_delivery), 1u);
}

TEST(DamageExcuse, OfEitherShardForgivesCopies) {
    const auto twice = [](Story& story) {
        const uint32_t m = story.message(2);
        story.publish_acked(m);
        story.receive(1, m, 2);
        story.receive(1, m, 2);
    };
    EXPECT_EQ(damaged(0, twice).count(check_duplicates), 0u);
    EXPECT_EQ(damaged(1, twice).count(check_duplicates), 0u);
    EXPECT_EQ(damaged(2, twice).count(check_duplicates), 1u);
}

TEST(DamageExcuse, OfEitherShardForgivesOrder) {
    const auto swapped = [](Story& story) {
        const uint32_t a = story.message(1), b = story.message(1);
        story.publish_acked(a);
        story.publish_acked(b);
        story.receive(1, b, 1);
        story.receive(1, a, 1);
    };
    EXPECT_EQ(damaged(0, swapped).count(check_order), 0u);
    EXPECT_EQ(damaged(1, swapped).count(check_order), 0u);
    EXPECT_EQ(damaged(2, swapped).count(check_order), 1u);
}

TEST(DamageExcuse, ForgivesALostSessionOnThatShardAndOnlyFromThenOn) {
    for (const uint16_t shard : {1, 2}) {
        Story story = damaged(shard, [](Story& s) { s.close(1); });
        story.connect(1, false);
        EXPECT_EQ(story.count(check_session_present), shard == 1 ? 0u : 1u);
        story.close(2);
        story.connect(1, false);  // this one was made after the damage
        EXPECT_EQ(story.count(check_session_present), shard == 1 ? 1u : 2u);
    }
}

TEST(DamageExcuse, ForgivesValuesOfThatShardsTopics) {
    for (const uint16_t shard : {2, 3}) {
        Story story = damaged(shard, [](Story& s) {
            s.publish_acked(s.message(1, true, "r"));
            s.history().messages.back().home = 2;
        });
        story.connect(1, true);
        story.subscribe(1, "r");
        EXPECT_EQ(story.count(check_retained), shard == 2 ? 0u : 1u);
    }
}

TEST(DamageExcuse, ForgivesComplaintsOfThatShardsClients) {
    for (const uint16_t shard : {1, 2}) {
        const Story story =
            damaged(shard, [](Story& s) { s.event(Kind::Unsettled, 1).why = "waits"; });
        EXPECT_EQ(story.count(check_protocol), shard == 1 ? 0u : 1u);
    }
}

TEST(DamageExcuse, ForgivesMessagesNobodyAskedFor) {
    for (const uint16_t shard : {1, 2}) {
        const Story story = damaged(shard, [](Story& s) {
            const uint32_t m = s.message(1, false, "other");
            s.publish_acked(m);
            s.receive(1, m, 1);
        });
        EXPECT_EQ(story.count(check_subscriptions), shard == 1 ? 0u : 1u);
    }
}

/// The member that was away is fed; until shortly before it came, or not so long, a disk failed.
TEST(TroubleExcuse, AMessageThatWaitsForADiskIsNotHeldForWhoIsAway) {
    for (const bool long_enough : {true, false}) {
        Story story;
        story.connect(0);
        for (const uint32_t member : {1u, 2u}) {
            story.connect(member);
            story.subscribe(member, "$share/g/t", 1);
        }
        story.close(1);
        story.publish_acked(story.message(1));
        const Instant sent = story.now() - seconds(1);
        story.drop(0, "time", "passes");
        story.connect(1, true);
        story.receive(1, 0, 1);
        const Instant come = story.now() - seconds(1);
        story.history().add_trouble(
            sent, long_enough ? come - milliseconds(900) : come - milliseconds(1500));
        EXPECT_EQ(story.count(check_shared), long_enough ? 0u : 1u);
    }
}

// --- refusals and limits ---

TEST(RefusalExcuse, WhatWasRefusedIsNotOwed) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish(m);
    story.event(Kind::Puback, 0, m).reason = mqtt::ReasonCode::QuotaExceeded;
    EXPECT_EQ(story.count(check_delivery), 0u);
    story.history().events.back().reason = mqtt::ReasonCode::Success;
    EXPECT_EQ(story.count(check_delivery), 1u);
}

TEST(RefusalExcuse, ASubscriptionThatWasRefusedIsNotInForce) {
    Story story = pair();
    const uint32_t m = story.message(1);
    story.publish_acked(m);
    EXPECT_EQ(story.count(check_delivery), 1u);
    for (Event& each : story.history().events)
        if (each.kind == Kind::Suback) each.reason = mqtt::ReasonCode::QuotaExceeded;
    EXPECT_EQ(story.count(check_delivery), 0u);
}

TEST(LimitExcuse, ATopicThatIsNotKeptNeedNotComeToNewSubscribers) {
    Story story;
    story.connect(0);
    story.connect(1);
    story.publish_acked(story.message(1, true, "r"));
    story.subscribe(1, "r");
    Event& refused = story.event(Kind::Dropped, 1);
    refused.client = kNone;
    refused.text = "other";
    refused.why = "quota_exceeded";
    EXPECT_EQ(story.count(check_retained), 1u);
    story.history().events.back().text = "r";
    EXPECT_EQ(story.count(check_retained), 0u);
    EXPECT_EQ(story.count(check_bounds), 1u);
    story.history().limits.realm.retained_messages_max = 3;
    EXPECT_EQ(story.count(check_bounds), 0u);
}

TEST(LimitExcuse, AGroupMayDropWhenItsLimitIsNear) {
    Story story;
    story.connect(0);
    story.connect(1);
    story.subscribe(1, "$share/g/t");
    story.publish_acked(story.message(1));
    Event& gauge = story.event(Kind::Gauge, 1);
    gauge.text = "group_drops";
    gauge.number = 1;
    EXPECT_EQ(story.count(check_shared), 1u);
    story.history().limits.group_messages_max = 2;
    EXPECT_EQ(story.count(check_shared), 0u);
    story.history().events.back().number = 0;
    EXPECT_EQ(story.count(check_shared), 1u);
}

}  // namespace
}  // namespace godwit::sim
