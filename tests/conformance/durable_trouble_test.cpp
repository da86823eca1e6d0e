// What becomes of everybody while a disk is full or fails, and when it does so no more. Source:
// docs/durability.md, "When the disk is full or fails".
#include "conformance/conformance.h"

#include "world/statement.h"

#include <algorithm>

namespace godwit::conformance {
namespace {

using world::CoreHost;
using world::CoreOptions;
using world::World;

constexpr auto kAtLeastOnce = world::SubscribeOptions{.qos = 1};
constexpr auto kExactlyOnce = world::SubscribeOptions{.qos = 2};
constexpr auto kPatience = seconds(10);  // for a disk that is well again
constexpr size_t kFillMessages = 500;    // of 20 kB: more than there is room for

enum class Fault : uint8_t { Full, Broken };
struct Case {
    Fault fault;
    uint16_t shards;
};

/// `keeper` is an offline session that takes "kept/#". Its shard's disk is full, or fails.
class Trouble : public ::testing::TestWithParam<Case> {
protected:
    static bool is_full() { return GetParam().fault == Fault::Full; }
    static R code() { return is_full() ? R::QuotaExceeded : R::ImplementationSpecificError; }
    store::testing::FaultyDisk& disk() {
        return world_.core().disk(world_.core().home_of("keeper").value);
    }
    void SetUp() override {
        keeper_.subscribe("kept/#", kExactlyOnce).disconnect();
        world_.settle();
    }
    void begin_trouble() {
        if (is_full())
            fill();
        else
            break_disk();
        world_.settle();
    }
    /// Publishes to the keeper until that is refused.
    void fill() {
        disk().capacity = disk().used_bytes();
        Client filler = world_.connect("filler");
        for (size_t i = 0; i < kFillMessages; ++i) {
            const std::string payload = std::to_string(i) + std::string(20'000, ' ');
            filler.publish("kept/fill", payload, {.qos = 1});
            if (filler.ack_reason(Type::Puback) != R::Success) return;
            acked_.push_back(payload);
        }
        FAIL() << "the disk is not full";
    }
    /// What finds out is what the log has to write first: its acknowledgement is held.
    void break_disk() {
        disk().sync_failures = 1000;
        Client first = world_.connect("first");
        first.publish("kept/first", "first", {.qos = 1});
        EXPECT_EQ(first.count(Type::Puback), 0u);
        acked_.push_back("first");  // if not told yet, it will be
    }
    void end_trouble() {
        disk().capacity.reset();
        disk().sync_failures = 0;
        world_.advance(kPatience);
    }
    void restart() {
        world_.settle();
        world_.restart(CoreHost::Crash::PowerLoss);
    }
    /// In the order of arrival.
    Messages kept() {
        keeper_.resume();
        return keeper_.received();
    }
    size_t events(std::string_view name) {
        const auto& all = world_.core().events;
        return size_t(std::count_if(all.begin(), all.end(),
                                    [&](const auto& each) { return each.name == name; }));
    }

    World world_{seed(), CoreOptions{.shards = GetParam().shards, .durable = true}};
    Client keeper_ = world_.connect("keeper", lasting());
    Messages acked_;
};
std::string case_name(const ::testing::TestParamInfo<Case>& info) {
    return (info.param.fault == Fault::Full ? "Full" : "Broken") +
           std::to_string(info.param.shards);
}
constexpr Case kFull[] = {{Fault::Full, 1}, {Fault::Full, 2}, {Fault::Full, 4}};
constexpr Case kBroken[] = {{Fault::Broken, 1}, {Fault::Broken, 2}, {Fault::Broken, 4}};
class FullDisk : public Trouble {};
class BrokenDisk : public Trouble {};
INSTANTIATE_TEST_SUITE_P(Full, Trouble, ::testing::ValuesIn(kFull), case_name);
INSTANTIATE_TEST_SUITE_P(Broken, Trouble, ::testing::ValuesIn(kBroken), case_name);
INSTANTIATE_TEST_SUITE_P(Disks, FullDisk, ::testing::ValuesIn(kFull), case_name);
INSTANTIATE_TEST_SUITE_P(Disks, BrokenDisk, ::testing::ValuesIn(kBroken), case_name);

/// Where the publisher's home is: on the keeper's shard, or another.
std::vector<std::string> publishers(World& world) {
    std::vector<std::string> ids;
    for (uint16_t i = 0; i < world.shard_count(); ++i) ids.push_back(world.id_on(i, "pub"));
    return ids;
}

// --- version 5.0 ---

TEST_P(Trouble, PublisherOfVersion5IsToldByAReasonCodeOnEveryShard) {
    begin_trouble();
    for (const std::string& id : publishers(world_)) {
        Client pub = world_.connect(id);
        pub.publish("kept/x", "no", {.qos = 1});
        EXPECT_EQ(pub.ack_reason(Type::Puback), code()) << id;
        EXPECT_EQ(pub.last(Type::Puback)->ack().reason_string,
                  is_full() ? "the broker's disk is full" : "the broker's disk fails");
        pub.publish("kept/x", "no", {.qos = 2});
        EXPECT_EQ(pub.ack_reason(Type::Pubrec), code()) << id;
        pub.ping();
        EXPECT_FALSE(pub.closed());
    }
    const auto& counters = world_.counters();
    EXPECT_EQ(counters.publishes_refused_full + counters.publishes_refused_broken,
              2u * GetParam().shards + (is_full() ? 1 : 0));
    EXPECT_EQ(counters.publishes_refused_full > 0, is_full());
    end_trouble();
    EXPECT_EQ(kept(), acked_) << "what was refused goes nowhere";
}

TEST_P(Trouble, RefusedQos2IdentifierIsFreeAgain) {
    begin_trouble();
    Client pub = world_.connect("pub", lasting());
    pub.publish("kept/x", "no", {.qos = 2, .packet_id = 7});
    EXPECT_EQ(pub.ack_reason(Type::Pubrec), code());
    end_trouble();
    pub.publish("kept/x", "yes", {.qos = 2, .packet_id = 7});
    EXPECT_EQ(pub.ack_reason(Type::Pubcomp), R::Success);
    acked_.push_back("yes");
    Messages got = kept();
    std::sort(got.begin(), got.end());
    std::sort(acked_.begin(), acked_.end());
    EXPECT_EQ(got, acked_);
}

TEST_P(Trouble, ReasonStringIsLeftOutWhereItIsNotWantedOrDoesNotFit) {
    begin_trouble();
    Client terse = world_.connect("terse", {.request_problem_information = false});
    Client small = world_.connect("small", {.packet_bytes_max = 20});
    for (Client pub : {terse, small}) {
        pub.publish("kept/x", "no", {.qos = 1});
        EXPECT_EQ(pub.ack_reason(Type::Puback), code());
        EXPECT_EQ(pub.last(Type::Puback)->ack().reason_string, "");
    }
}

TEST_P(BrokenDisk, WhatWaitedForTheDiskAlreadyIsAcknowledgedWhenItIsThere) {
    disk().sync_failures = 1000;
    Client pub = world_.connect("pub");
    pub.publish("kept/1", "1", {.qos = 1});
    EXPECT_EQ(pub.count(Type::Puback), 0u);
    pub.publish("kept/2", "2", {.qos = 1});
    ASSERT_EQ(pub.count(Type::Puback), 1u) << "the refusal does not wait behind it";
    EXPECT_EQ(pub.ack_reason(Type::Puback), code());
    end_trouble();
    ASSERT_EQ(pub.count(Type::Puback), 2u);
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(kept(), Messages{"1"});
}

// --- version 3.x ---

TEST_P(Trouble, PublisherOfVersion311IsHeldBackAndGoesOnByItself) {
    begin_trouble();
    std::vector<Client> pubs;
    for (const std::string& id : publishers(world_)) {
        pubs.push_back(world_.connect_v311(id, {.keepalive_s = 10}));
        for (const uint8_t qos : {1, 2, 1}) pubs.back().publish("kept/" + id, id, {.qos = qos});
        pubs.back().push(packet("c0 #"));
    }
    world_.advance(seconds(300));
    EXPECT_EQ(world_.counters().connections_held_back, pubs.size());
    for (Client& pub : pubs) {
        EXPECT_FALSE(pub.closed()) << "its silence is ours";
        EXPECT_EQ(pub.count(Type::Puback) + pub.count(Type::Pubrec), 0u);
    }
    end_trouble();
    for (Client& pub : pubs) {
        EXPECT_EQ(pub.count(Type::Puback), 2u);
        EXPECT_EQ(pub.count(Type::Pubcomp), 1u);
        EXPECT_EQ(pub.count(Type::Pingresp), 1u);
    }
    EXPECT_EQ(world_.counters().connections_held_back, 0u);
    EXPECT_EQ(kept().size(), acked_.size() + 3 * pubs.size());
}

TEST_P(Trouble, WhatAHeldBackPublisherSentIsCountedOnce) {
    begin_trouble();
    const auto before = world_.counters();
    Client pub = world_.connect_v311("pub");
    pub.publish("kept/x", "1", {.qos = 1});
    world_.settle();
    EXPECT_EQ(world_.counters().publishes_received, before.publishes_received);
    end_trouble();
    EXPECT_EQ(world_.counters().publishes_received, before.publishes_received + 1);
}

TEST_P(Trouble, HeldBackPublisherThatGoesAwayIsForgotten) {
    begin_trouble();
    Client pub = world_.connect_v311("pub");
    pub.publish("kept/x", "1", {.qos = 1});
    EXPECT_EQ(world_.counters().connections_held_back, 1u);
    pub.cut();
    EXPECT_EQ(world_.counters().connections_held_back, 0u);
    pub.resume();
    pub.publish("live/x", "1", {.qos = 1});
    EXPECT_EQ(pub.count(Type::Puback), 1u);
    end_trouble();
    EXPECT_EQ(kept(), acked_);
}

// --- what needs no log ---

TEST_P(Trouble, ClientsComeSubscribeAndExchangeMessagesThatNobodyKeeps) {
    begin_trouble();
    world_.connect_v311("held").publish("kept/x", "1", {.qos = 1});
    for (const std::string& id : publishers(world_)) {
        for (uint16_t home = 0; home < world_.shard_count(); ++home) {
            Client pub = world_.connect(id);
            Client sub = world_.connect(world_.id_on(home, "sub"));
            sub.subscribe({"live/#"}, kExactlyOnce);
            EXPECT_EQ(sub.suback(), Codes{R::GrantedQos2});
            pub.publish("live/0", "0");
            pub.publish("live/1", "1", {.qos = 1});
            EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
            EXPECT_EQ(sub.received(), (Messages{"0", "1"}));
            sub.unsubscribe("live/#");
            EXPECT_EQ(sub.unsuback(), Codes{R::Success});
        }
    }
}

TEST_P(Trouble, Qos0GoesOnAlsoToThoseWhoKeepTheRest) {
    begin_trouble();
    keeper_.resume();
    const size_t queued = keeper_.received().size();
    EXPECT_LE(queued, acked_.size());
    world_.connect("pub").publish("kept/x", "now");
    EXPECT_EQ(keeper_.received(), Messages{"now"});
}

TEST_P(FullDisk, AcknowledgementsOfSubscribersGoOnAndMakeRoom) {
    begin_trouble();
    EXPECT_EQ(kept(), acked_);
    world_.advance(kPatience);
    Client pub = world_.connect("pub");
    pub.publish("kept/x", "again", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(keeper_.received(), Messages{"again"});
}

// --- what a log would have to keep, besides queued messages ---

TEST_P(Trouble, NewSubscriptionOfALastingSessionIsRefused) {
    const std::string id = world_.id_on(0, "s");
    Client sub = world_.connect(id, lasting());
    sub.subscribe("old", kAtLeastOnce);
    begin_trouble();
    sub.subscribe({"new", "$share/g/new"}, kAtLeastOnce);
    EXPECT_EQ(sub.suback(), (Codes{code(), code()}));
    Client modest = world_.connect_v311(id, {.clean_start = false});
    modest.subscribe("new", kAtLeastOnce);
    EXPECT_EQ(modest.suback(), Codes{R::UnspecifiedError});
    end_trouble();
    modest.subscribe({"old", "new"}, kAtLeastOnce);
    EXPECT_EQ(modest.suback(), (Codes{R::GrantedQos1, R::GrantedQos1}));
}

TEST_P(FullDisk, SubscriptionThatIsThereIsGrantedAgain) {
    Client sub = world_.connect("sub", lasting());
    sub.subscribe("old", kAtLeastOnce);
    begin_trouble();
    sub.resume();
    sub.subscribe("old", kAtLeastOnce);
    EXPECT_EQ(sub.suback(), Codes{R::GrantedQos1});
}

TEST_P(Trouble, SharedGroupsKeepEverythingSoNothingAboveQos0IsTakenForThem) {
    Client member = world_.connect("member");
    member.subscribe("$share/g/jobs", kAtLeastOnce);
    begin_trouble();
    Client pub = world_.connect("pub");
    pub.publish("jobs", "1", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), code());
    pub.publish("jobs", "0");
    EXPECT_EQ(member.received(), Messages{"0"});
}

TEST_P(Trouble, RetainedMessageIsRefusedAtQos1AndAtQos0ItIsNotToLast) {
    Client pub = world_.connect("pub");
    pub.publish("r", "old", {.qos = 1, .retain = true});
    begin_trouble();
    pub.publish("r", "refused", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), code());
    Client before = world_.connect("before");
    before.subscribe("r");
    EXPECT_EQ(before.received(), Messages{"old"});
    pub.publish("r", "brief", {.retain = true});
    Client after = world_.connect("after");
    after.subscribe("r");
    EXPECT_EQ(after.received(), Messages{"brief"});
    end_trouble();
    restart();
    Client later = world_.connect("later");
    later.subscribe("r");
    EXPECT_EQ(later.received(), Messages{}) << "[MQTT311-3.3.1-7]: the old value is gone";
}

TEST_P(FullDisk, ClearingARetainedMessageMakesRoomAndGoesOn) {
    Client pub = world_.connect("pub");
    pub.publish("r", "old", {.qos = 1, .retain = true});
    begin_trouble();
    pub.publish("r", "", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::NoMatchingSubscribers);
}

// --- afterwards ---

TEST_P(Trouble, NothingAcknowledgedIsLostWhenThePowerGoesMeanwhile) {
    begin_trouble();
    if (!is_full()) acked_.clear();  // that one is not acknowledged
    Client pub = world_.connect("pub");
    for (int i = 0; i < 5; ++i) pub.publish("kept/x", "no", {.qos = 1});
    world_.settle();
    disk().sync_failures = 0;  // a disk that fails altogether starts no broker
    world_.restart(CoreHost::Crash::PowerLoss);
    Messages got = kept();
    std::erase(got, "first");
    EXPECT_EQ(got, acked_);
    end_trouble();
    restart();
    pub.resume();
    pub.publish("kept/x", "yes", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(kept(), Messages{"yes"});
}

TEST_P(Trouble, RecoveryIsLastingAndNothingAcknowledgedIsLostAfterIt) {
    begin_trouble();
    end_trouble();
    Client pub = world_.connect("pub");
    for (int i = 0; i < 200; ++i) {
        acked_.push_back(std::to_string(i));
        pub.publish("kept/x", acked_.back(), {.qos = 1});
        ASSERT_EQ(pub.ack_reason(Type::Puback), R::Success) << i;
    }
    restart();
    EXPECT_EQ(kept(), acked_);
}

TEST_P(Trouble, OneLineSaysThatItBeginsAndOneThatItEnds) {
    const char* const name = is_full() ? "store_full" : "store_broken";
    EXPECT_EQ(events(name), 0u);
    begin_trouble();
    world_.advance(seconds(100));
    EXPECT_EQ(events(name), 1u);
    EXPECT_EQ(world_.counters().store_full, is_full() ? 1u : 0u);
    EXPECT_EQ(world_.counters().store_broken, is_full() ? 0u : 1u);
    EXPECT_EQ(events("store_well"), 0u);
    end_trouble();
    EXPECT_EQ(events(name), 1u);
    EXPECT_EQ(events("store_well"), 1u);
    EXPECT_EQ(world_.counters().store_full + world_.counters().store_broken, 0u);
}

TEST_P(BrokenDisk, StaysSteadyOnADiskThatFailsNowAndThen) {
    disk().sync_failures = 500;
    Client pub = world_.connect("pub");
    for (int i = 0; i < 300; ++i) {
        pub.publish("kept/x", "1", {.qos = 1});
        world_.advance(std::chrono::milliseconds(20));
    }
    EXPECT_LE(events("store_broken"), 6u) << "in 6 s at most one a second";
}

// --- a disk that is slower than what comes ---

TEST(TroubleBehind, WhoUnsubscribesAgainIsNotToldBeforeTheFirstTimeIsOnDisk) {
    World world(seed(), {.shards = 1, .durable = true});
    Client client = world.connect("c", lasting());
    client.subscribe("t", kAtLeastOnce);
    world.core().set_disks_stalled(true);
    client.unsubscribe("t").cut().resume();
    client.unsubscribe("t");
    EXPECT_EQ(client.count(Type::Unsuback), 0u) << "a crash would bring the subscription back";
    world.core().set_disks_stalled(false);
    world.settle();
    EXPECT_EQ(client.unsuback(), Codes{R::NoSubscriptionExisted});
}

TEST(TroubleBehind, ASessionThatWillNotLastAnyMoreUnsubscribesOnDiskToo) {
    World world(seed(), {.shards = 1, .durable = true});
    Client client = world.connect("c", lasting());
    client.subscribe("t", kAtLeastOnce).cut();
    Client again = world.connect("c", {.clean_start = false});
    world.core().set_disks_stalled(true);
    again.unsubscribe("t");
    EXPECT_EQ(again.count(Type::Unsuback), 0u) << "a crash would bring the subscription back";
    world.core().set_disks_stalled(false);
    world.settle();
    EXPECT_EQ(again.unsuback(), Codes{R::Success});
}

TEST(TroubleBehind, PublishersOfEveryVersionAreNotReadUntilHalfOfItIsWritten) {
    World world(seed(), {.shards = 2, .durable = true, .pending_bytes_max = 10'000});
    Client keeper = world.connect("keeper", lasting());
    keeper.subscribe("kept/#", kAtLeastOnce).disconnect();
    Client sub = world.connect("sub");
    sub.subscribe("live", kAtLeastOnce);
    std::vector<Client> pubs{world.connect("five"), world.connect_v311("three")};
    world.core().set_disks_stalled(true);
    const std::string payload(6000, 'x');
    for (int i = 0; i < 2; ++i) pubs[0].publish("kept/x", payload, {.qos = 1});
    world.connect(world.id_on(world.core().home_of("keeper").value, "next turn"));
    world.settle();  // now every shard knows
    for (const char* name : {"four", "six"}) {
        pubs.push_back(world.connect(name));
        pubs.back().publish("kept/x", payload, {.qos = 1});
    }
    pubs[1].publish("kept/x", payload, {.qos = 1});
    EXPECT_EQ(world.counters().store_behind, 1u);
    EXPECT_EQ(world.counters().connections_held_back, 3u);
    for (Client& pub : pubs) EXPECT_EQ(pub.count(Type::Puback), 0u);
    world.connect("live").publish("live", "1", {.qos = 1});
    EXPECT_EQ(sub.received(), Messages{"1"});
    world.core().set_disks_stalled(false);
    world.settle();
    EXPECT_EQ(world.counters().store_behind, 0u);
    EXPECT_EQ(world.counters().connections_held_back, 0u);
    for (Client& pub : pubs) EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    keeper.resume();
    EXPECT_EQ(keeper.received().size(), 5u);
}

}  // namespace
}  // namespace godwit::conformance
