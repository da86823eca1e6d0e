#include "admin/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

namespace godwit::admin {
namespace {

BrokerStats stats() {
    BrokerStats in;
    in.version = "1.2.3";
    in.started = Instant(std::chrono::seconds(100));
    in.now = Instant(std::chrono::milliseconds(112'500));
    in.shards.resize(2);
    in.shards[0].publishes_received = 12;
    in.shards[1].publishes_received = 30;
    in.shards[1].sessions = 5;
    in.listeners = {{"mqtt://127.0.0.1:1883", 7}};
    in.log_lines_dropped = 3;
    in.audit_lines_lost = 4;
    in.realms = {{.realm = "default"}};
    return in;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

TEST(Metrics, GiveEachCounterOfEachShard) {
    const std::string text = render_metrics(stats());
    EXPECT_TRUE(has_line(text, "# HELP godwit_publishes_received_total PUBLISH packets received"));
    EXPECT_TRUE(has_line(text, "# TYPE godwit_publishes_received_total counter"));
    EXPECT_TRUE(has_line(text, "godwit_publishes_received_total{shard=\"0\"} 12"));
    EXPECT_TRUE(has_line(text, "godwit_publishes_received_total{shard=\"1\"} 30"));
}

TEST(Metrics, GiveLossesByTheirReason) {
    BrokerStats in = stats();
    in.shards[1].lost[broker::Loss::QueueOldest] = 4;
    const std::string text = render_metrics(in);
    EXPECT_TRUE(has_line(text, "godwit_dropped_total{shard=\"1\",reason=\"queue_oldest\"} 4"));
    EXPECT_TRUE(has_line(text, "godwit_dropped_total{shard=\"0\",reason=\"queue_oldest\"} 0"));
    EXPECT_TRUE(has_line(text, "godwit_dropped_total{shard=\"0\",reason=\"expired\"} 0"));
}

TEST(Metrics, TellOfEachRealmUpToAHundred) {
    BrokerStats in = stats();
    in.realms = {{.realm = "default", .sessions = 4}, {.realm = "acme", .connects_refused = 9}};
    const std::string text = render_metrics(in);
    EXPECT_TRUE(has_line(text, "# TYPE godwit_realm_sessions gauge"));
    EXPECT_TRUE(has_line(text, "godwit_realm_sessions{realm=\"default\"} 4"));
    EXPECT_TRUE(has_line(text, "godwit_realm_sessions{realm=\"acme\"} 0"));
    EXPECT_TRUE(has_line(text, "# TYPE godwit_realm_connects_refused_total counter"));
    EXPECT_TRUE(has_line(text, "godwit_realm_connects_refused_total{realm=\"acme\"} 9"));
    in.realms.resize(101, {.realm = "more"});
    in.realms[99].realm = "last";
    in.realms[100].realm = "beyond";
    const std::string many = render_metrics(in);
    EXPECT_TRUE(has_line(many, "godwit_realm_queued{realm=\"last\"} 0"));
    EXPECT_EQ(many.find("beyond"), std::string::npos);
}

TEST(Metrics, TellHowOftenAndHowLongClientsWereHeldBackByWhoseRate) {
    BrokerStats in = stats();
    in.shards[1].held_back.times[size_t(broker::RateOf::Realm)] = 4;
    in.shards[1].held_back.nanoseconds[size_t(broker::RateOf::Realm)] = 2'250'000'000;
    const std::string text = render_metrics(in);
    EXPECT_TRUE(has_line(text, "# TYPE godwit_held_back_total counter"));
    EXPECT_TRUE(has_line(text, "godwit_held_back_total{shard=\"1\",by=\"realm\"} 4"));
    EXPECT_TRUE(has_line(text, "godwit_held_back_total{shard=\"0\",by=\"client\"} 0"));
    EXPECT_TRUE(has_line(text, "godwit_held_back_seconds_total{shard=\"1\",by=\"realm\"} 2.250"));
}

TEST(Metrics, TellOfTheCalloutWhereThereIsOne) {
    BrokerStats in = stats();
    EXPECT_EQ(render_metrics(in).find("callout"), std::string::npos);
    in.callout = CalloutStats{.asked = 5, .failed = 2, .in_flight = 1};
    const std::string text = render_metrics(in);
    EXPECT_TRUE(has_line(text, "# TYPE godwit_callout_asked_total counter"));
    EXPECT_TRUE(has_line(text, "godwit_callout_asked_total 5"));
    EXPECT_TRUE(has_line(text, "godwit_callout_failed_total 2"));
    EXPECT_TRUE(has_line(text, "godwit_callout_allowed_total 0"));
    EXPECT_TRUE(has_line(text, "# TYPE godwit_callout_in_flight gauge"));
    EXPECT_TRUE(has_line(text, "godwit_callout_in_flight 1"));
}

// Dashboards have them.
TEST(Metrics, KeepTheNamesOfTheFirstRelease) {
    const std::string text = render_metrics(stats());
    for (const char* reason : {"queue_full", "group_full", "output_full", "offline_qos0", "expired",
                               "too_large", "not_authorized", "session_end", "damaged"})
        EXPECT_TRUE(
            has_line(text, std::string("godwit_dropped_") + reason + "_total{shard=\"0\"} 0"))
            << reason;
}

TEST(Metrics, CallGaugesWhatTheyAre) {
    const std::string text = render_metrics(stats());
    EXPECT_TRUE(has_line(text, "# TYPE godwit_sessions gauge"));
    EXPECT_TRUE(has_line(text, "godwit_sessions{shard=\"1\"} 5"));
    EXPECT_EQ(text.find("godwit_sessions_total"), std::string::npos);
}

TEST(Metrics, TellBuildUptimeListenersAndLostLogLines) {
    const std::string text = render_metrics(stats());
    EXPECT_TRUE(has_line(text, "godwit_build_info{version=\"1.2.3\"} 1"));
    EXPECT_TRUE(has_line(text, "godwit_uptime_seconds 12.500"));
    EXPECT_TRUE(has_line(text, "godwit_log_lines_dropped_total 3"));
    EXPECT_TRUE(has_line(text, "godwit_audit_lines_lost_total 4"));
    EXPECT_TRUE(
        has_line(text, "godwit_listener_connections{listener=\"mqtt://127.0.0.1:1883\"} 7"));
}

TEST(Metrics, EscapeWhatALabelMustNotHold) {
    BrokerStats in = stats();
    in.listeners = {{"unix:/a\"b\\c\nd", 1}};
    EXPECT_TRUE(has_line(render_metrics(in),
                         "godwit_listener_connections{listener=\"unix:/a\\\"b\\\\c\\nd\"} 1"));
}

// Text format 0.0.4: HELP and TYPE once a family, before its samples, which stand together.
TEST(Metrics, AreWellFormed) {
    std::istringstream lines(render_metrics(stats()));
    std::set<std::string> families;
    std::string family, line;
    int samples = 0;
    while (std::getline(lines, line)) {
        if (line.starts_with("# HELP ")) {
            family = line.substr(7, line.find(' ', 7) - 7);
            EXPECT_TRUE(families.insert(family).second) << family;
            EXPECT_GT(line.size(), 8 + family.size()) << "no help: " << line;
        } else if (line.starts_with("# TYPE ")) {
            EXPECT_TRUE(line == "# TYPE " + family + " counter" ||
                        line == "# TYPE " + family + " gauge")
                << line;
        } else {
            ++samples;
            EXPECT_EQ(line.substr(0, line.find_first_of("{ ")), family) << line;
            const std::string value = line.substr(line.rfind(' ') + 1);
            EXPECT_EQ(value.find_first_not_of("0123456789."), value.npos) << line;
        }
    }
    EXPECT_GT(families.size(), 30u);
    EXPECT_GT(samples, 60);
}

TEST(BrokerStats, AddUpAllShards) {
    const broker::Counters total = stats().total();
    EXPECT_EQ(total.publishes_received, 42u);
    EXPECT_EQ(total.sessions, 5u);
    EXPECT_EQ(BrokerStats().total().publishes_received, 0u);
}

}  // namespace
}  // namespace godwit::admin
