#include "admin/sys_topics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

namespace godwit::admin {
namespace {

using broker::Loss;

class SysTopicsTest : public ::testing::Test {
protected:
    SysTopicsTest() {
        stats_.version = "1.2.3";
        stats_.shards.resize(2);
        stats_.started = stats_.now = Instant(std::chrono::seconds(1000));
    }
    /// The round's messages by topic, without their "$SYS/broker/".
    std::map<std::string, std::string> round() {
        std::map<std::string, std::string> out;
        for (const SysMessage& each : sys_.round(stats_)) {
            EXPECT_TRUE(each.topic.starts_with("$SYS/broker/")) << each.topic;
            EXPECT_TRUE(out.emplace(each.topic.substr(12), each.payload).second) << each.topic;
        }
        return out;
    }
    void pass(int64_t seconds) { stats_.now += std::chrono::seconds(seconds); }

    BrokerStats stats_;
    SysTopics sys_;
};

TEST_F(SysTopicsTest, HaveTheNamesThatToolsForMosquittoKnow) {
    const auto all = round();
    for (const char* name : {"version",
                             "uptime",
                             "clients/total",
                             "clients/connected",
                             "clients/disconnected",
                             "clients/active",
                             "clients/inactive",
                             "clients/expired",
                             "clients/maximum",
                             "messages/received",
                             "messages/sent",
                             "messages/stored",
                             "messages/inflight",
                             "store/messages/count",
                             "store/messages/bytes",
                             "publish/messages/received",
                             "publish/messages/sent",
                             "publish/messages/dropped",
                             "publish/bytes/received",
                             "publish/bytes/sent",
                             "bytes/received",
                             "bytes/sent",
                             "retained messages/count",
                             "subscriptions/count",
                             "shared_subscriptions/count",
                             "load/messages/received/1min",
                             "load/messages/received/5min",
                             "load/messages/received/15min",
                             "load/messages/sent/1min",
                             "load/publish/received/1min",
                             "load/publish/sent/1min",
                             "load/publish/dropped/1min",
                             "load/bytes/received/1min",
                             "load/bytes/sent/1min",
                             "load/sockets/1min",
                             "load/connections/1min"})
        EXPECT_TRUE(all.contains(name)) << name;
}

TEST_F(SysTopicsTest, SayWhatTheBrokerIsAndHowLongItRuns) {
    pass(75);
    const auto all = round();
    EXPECT_EQ(all.at("version"), "godwit version 1.2.3");
    EXPECT_EQ(all.at("uptime"), "75 seconds");
}

TEST_F(SysTopicsTest, AddUpAllShards) {
    stats_.shards[0].sessions = 4;
    stats_.shards[0].sessions_online = 1;
    stats_.shards[1].sessions = 6;
    stats_.shards[1].sessions_online = 2;
    stats_.shards[1].publishes_received = 9;
    stats_.shards[0].retained = 2;
    stats_.shards[1].queued = 3;
    const auto all = round();
    EXPECT_EQ(all.at("clients/total"), "10");
    EXPECT_EQ(all.at("clients/connected"), "3");
    EXPECT_EQ(all.at("clients/disconnected"), "7");
    EXPECT_EQ(all.at("publish/messages/received"), "9");
    EXPECT_EQ(all.at("retained messages/count"), "2");
    EXPECT_EQ(all.at("messages/stored"), "5");
}

TEST_F(SysTopicsTest, TellOnlyWhatHasChangedFromTheSecondRoundOn) {
    round();
    EXPECT_TRUE(round().empty());
    stats_.shards[0].bytes_sent = 10;
    const auto changed = round();
    EXPECT_EQ(changed.size(), 1u);
    EXPECT_EQ(changed.at("bytes/sent"), "10");
    pass(1);
    EXPECT_TRUE(round().contains("uptime"));
}

TEST_F(SysTopicsTest, TellEveryLossByItsReason) {
    stats_.shards[0].lost[Loss::QueueFull] = 1;
    stats_.shards[0].lost[Loss::Expired] = 2;
    stats_.shards[1].lost[Loss::Expired] = 3;
    stats_.shards[1].lost[Loss::OfflineQos0] = 4;
    stats_.shards[1].lost[Loss::Refused] = 8;
    const auto all = round();
    EXPECT_EQ(all.at("dropped/queue_full"), "1");
    EXPECT_EQ(all.at("dropped/expired"), "5");
    EXPECT_EQ(all.at("dropped/offline_qos0"), "4");
    for (const broker::LossText& each : broker::kLosses)
        EXPECT_TRUE(all.contains("dropped/" + std::string(each.reason))) << each.reason;
    EXPECT_EQ(all.at("publish/messages/dropped"), "6") << "what was taken, and then lost";
}

TEST_F(SysTopicsTest, TellTheConditionOfTheWorstDiskAndWhatIsRefused) {
    EXPECT_EQ(round().at("store/condition"), "good");
    stats_.shards[0].store_full = 1;
    stats_.shards[1].store_behind = 1;
    stats_.shards[0].publishes_refused = 1;
    stats_.shards[0].publishes_refused_full = 2;
    stats_.shards[1].publishes_refused_broken = 4;
    const auto all = round();
    EXPECT_EQ(all.at("store/condition"), "full");
    EXPECT_EQ(all.at("publish/messages/refused"), "7");
    stats_.shards[1].store_broken = 1;
    EXPECT_EQ(round().at("store/condition"), "broken");
}

// --- load averages: messages a minute ---

TEST_F(SysTopicsTest, HaveNoLoadInTheFirstRound) {
    stats_.shards[0].packets_received = 1'000'000;
    EXPECT_EQ(round().at("load/messages/received/1min"), "0.00");
}

TEST_F(SysTopicsTest, ApproachASteadyRate) {
    round();
    std::map<std::string, std::string> seen;
    for (int i = 0; i < 600; ++i) {
        pass(10);
        stats_.shards[i % 2].packets_received += 20;  // 120 a minute
        for (auto& [name, value] : round()) seen[name] = value;
    }
    EXPECT_EQ(seen.at("load/messages/received/1min"), "120.00");
    EXPECT_EQ(seen.at("load/messages/received/5min"), "120.00");
    EXPECT_NEAR(std::stod(seen.at("load/messages/received/15min")), 120, 0.5);
}

TEST_F(SysTopicsTest, FollowAChangeFasterOverAShorterSpan) {
    round();
    pass(60);
    stats_.shards[0].packets_received = 600;
    const auto all = round();
    const double one = std::stod(all.at("load/messages/received/1min"));
    const double fifteen = std::stod(all.at("load/messages/received/15min"));
    EXPECT_NEAR(one, 600 * (1 - std::exp(-1)), 0.01);
    EXPECT_NEAR(fifteen, 600 * (1 - std::exp(-1.0 / 15)), 0.01);
}

TEST_F(SysTopicsTest, DecayWhenNothingComesAnyMore) {
    round();
    pass(60);
    stats_.shards[0].packets_received = 600;
    round();
    pass(3600);
    EXPECT_EQ(round().at("load/messages/received/1min"), "0.00");
}

// A connection counts as accepted first and may turn out to be none: accepted less refused sinks.
TEST_F(SysTopicsTest, SurviveAConnectionThatIsRefusedAfterTheRoundThatSawIt) {
    round();
    pass(10);
    stats_.shards[0].connections_accepted = 1;
    round();
    pass(10);
    stats_.shards[0].connections_refused = 1;
    for (int i = 0; i < 3; ++i) {
        const auto all = round();
        pass(10);
        if (!all.contains("load/connections/1min")) continue;
        EXPECT_GE(std::stod(all.at("load/connections/1min")), 0);
        EXPECT_LE(std::stod(all.at("load/connections/1min")), 10);
        EXPECT_NE(all.at("load/connections/1min")[0], '-');
    }
}

}  // namespace
}  // namespace godwit::admin
