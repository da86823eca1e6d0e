// What clients and realms may hold, and how fast they may send: keys of [limits] and [[realm]].
#include "config/testing/parse.h"

#include <gmock/gmock.h>

namespace godwit::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Config, AQueueSmallerThanAPacketIsAWarning) {
    EXPECT_THAT(warnings("[limits]\nqueue_bytes_max = 1024\n"),
                ElementsAre(HasSubstr("f:2: limits.queue_bytes_max: ")));
    EXPECT_THAT(warnings("[limits]\nrealm_queue_bytes_max = 1024\n"),
                ElementsAre(HasSubstr("f:2: limits.realm_queue_bytes_max: ")));
}

TEST(Config, RatesOfClientsRealmsAndListenersReachTheBroker) {
    const auto broker = accepted(
                            "[limits]\nclient_publish_rate = 10\nclient_byte_burst = 7\n"
                            "client_byte_rate = 9\nrealm_publish_burst = 30\n"
                            "realm_publish_rate = 20\n[[listener]]\nurl = 'mqtt://127.0.0.1'\n"
                            "byte_rate = 1000\n[[listener]]\nurl = 'ws://127.0.0.1/mqtt'\n")
                            .options.broker;
    EXPECT_EQ(broker.limits.client_rates.publish_rate, 10u);
    EXPECT_EQ(broker.limits.client_rates.publish_burst, 0u);
    EXPECT_EQ(broker.limits.client_rates.byte_rate, 9u);
    EXPECT_EQ(broker.limits.client_rates.byte_burst, 7u);
    EXPECT_EQ(broker.limits.realm.rates.publish_rate, 20u);
    EXPECT_EQ(broker.limits.realm.rates.publish_burst, 30u);
    EXPECT_EQ(broker.limits.realm.rates.byte_rate, 0u);
    EXPECT_EQ(broker.listeners.at(0).rates.byte_rate, 1000u);
    EXPECT_EQ(broker.listeners.at(1).rates.byte_rate, 0u);
}

TEST(Config, ABurstWithoutItsRateIsAWarning) {
    for (const std::string key : {"client_publish", "client_byte", "realm_publish", "realm_byte"}) {
        EXPECT_THAT(warnings("[limits]\n" + key + "_burst = 5\n"),
                    ElementsAre(HasSubstr("f:2: limits." + key + "_burst: ")));
        EXPECT_THAT(warnings("[limits]\n" + key + "_burst = 5\n" + key + "_rate = 5\n"), IsEmpty());
    }
}

// --- realms ---

TEST(Config, ARealmHasAPlainName) {
    for (const std::string realm : {"", "A", "a/b", "a b", "+"})
        EXPECT_THAT(faults("[[listener]]\nurl = 'mqtt://127.0.0.1'\nrealm = '" + realm + "'\n"),
                    ElementsAre(HasSubstr("is no name of a realm")));
}

TEST(Config, RealmsAreThoseOfTheListAndOfListeners) {
    const Config config = accepted(R"([server]
realms = " umbra  acme "
[[listener]]
url = "mqtt://127.0.0.1:1"
realm = "plant"
realm_by = "user"
)");
    std::vector<std::string> names;
    for (const auto& each : config.options.broker.realms) names.push_back(each.name);
    EXPECT_THAT(names, ElementsAre("default", "umbra", "acme", "plant"));
    EXPECT_EQ(config.options.broker.listeners[0].realm, 3);
    EXPECT_EQ(config.options.broker.listeners[0].realm_by, broker::RealmBy::User);
    EXPECT_THAT(faults("[server]\nrealms = \"acme Umbra\"\n"),
                ElementsAre(HasSubstr("f:2: server.realms: \"Umbra\" is no name of a realm")));
}

TEST(Config, ARealmHasLimitsOfItsOwnAndElseThoseOfAll) {
    const Config config = accepted(R"([limits]
realm_sessions_max = 1000
retained_messages_max = 50
[[realm]]
name = "acme"
realm_sessions_max = 7
retained_full = "refuse"
[[realm]]
name = "umbra"
)");
    const auto& realms = config.options.broker.realms;
    ASSERT_EQ(realms.size(), 3u);
    EXPECT_FALSE(realms[0].limits) << "those of [limits]";
    EXPECT_EQ(realms[1].name, "acme");
    ASSERT_TRUE(realms[1].limits && realms[2].limits);
    EXPECT_EQ(realms[1].limits->sessions_max, 7u);
    EXPECT_EQ(realms[1].limits->retained_messages_max, 50u);
    EXPECT_EQ(realms[1].limits->retained_full, broker::WhenFull::Refuse);
    EXPECT_EQ(realms[2].limits->sessions_max, 1000u);
    EXPECT_EQ(config.options.broker.limits.realm.sessions_max, 1000u);
}

TEST(Config, WhatLimitsSayInTheEnvironmentHoldsForARealmToo) {
    Sources sources;
    sources.text = "[[realm]]\nname = \"acme\"\nrealm_sessions_max = 7\n";
    sources.environment = {{"GODWIT_LIMITS_REALM_SESSIONS_MAX", "3"},
                           {"GODWIT_LIMITS_REALM_CONNECTIONS_MAX", "4"}};
    const auto config = parse_config(sources);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->options.broker.realms[1].limits->sessions_max, 7u);
    EXPECT_EQ(config->options.broker.realms[1].limits->connections_max, 4u);
}

TEST(Config, RefusesARealmThatIsNone) {
    EXPECT_THAT(faults("[[realm]]\nrealm_sessions_max = 7\n"),
                ElementsAre(HasSubstr("f:1: realm.name: the realm has no name")));
    EXPECT_THAT(faults("[[realm]]\nname = \"Acme\"\n"),
                ElementsAre(HasSubstr("f:2: realm.name: \"Acme\" is no name of a realm")));
    EXPECT_THAT(faults("[[realm]]\nname = \"a\"\n[[realm]]\nname = \"a\"\n"),
                ElementsAre(HasSubstr("f:4: realm.name: there are two [[realm]] named \"a\"")));
    EXPECT_THAT(faults("[[realm]]\nname = \"a\"\nrealm_session_max = 1\n"),
                ElementsAre(HasSubstr("did you mean realm_sessions_max?")));
    EXPECT_THAT(faults("[[realm]]\nname = \"a\"\ninflight_max = 1\n"),
                ElementsAre(HasSubstr("inflight_max belongs to [limits]")));
    EXPECT_THAT(faults("[realm]\nname = \"a\"\n"), ElementsAre(HasSubstr("[[realm]]")));
}

TEST(Config, ARealmHasRatesOfItsOwnAndElseThoseOfAll) {
    const auto broker = accepted(R"([limits]
realm_publish_rate = 20
realm_publish_burst = 30
[[realm]]
name = "acme"
realm_publish_rate = 500
realm_byte_rate = 1000
[[realm]]
name = "umbra"
realm_publish_rate = 0
[[realm]]
name = "plant"
)")
                            .options.broker;
    const auto rates = [&](size_t realm) { return broker.realms.at(realm).limits->rates; };
    EXPECT_FALSE(broker.realms[0].limits) << "those of [limits]";
    EXPECT_EQ(rates(1).publish_rate, 500u);
    EXPECT_EQ(rates(1).publish_burst, 30u) << "each key for itself";
    EXPECT_EQ(rates(1).byte_rate, 1000u);
    EXPECT_FALSE(rates(2).is_bounded()) << "where the others are";
    EXPECT_EQ(rates(3).publish_rate, 20u);
    EXPECT_EQ(rates(3).byte_rate, 0u);
    EXPECT_EQ(broker.limits.realm.rates.publish_rate, 20u);
}

TEST(Config, RefusesARateOfARealmThatIsNone) {
    const std::string acme = "[[realm]]\nname = 'acme'\n";
    EXPECT_THAT(faults(acme + "realm_publish_rate = -1\n"),
                ElementsAre(HasSubstr("f:3: realm.realm_publish_rate: -1 is out of range")));
    EXPECT_THAT(faults(acme + "realm_byte_rate = 4294967296\n"),
                ElementsAre(HasSubstr("f:3: realm.realm_byte_rate: 4294967296 is out of range")));
    EXPECT_THAT(faults(acme + "realm_byte_burst = '1 MiB'\n"),
                ElementsAre(HasSubstr("f:3: realm.realm_byte_burst: this is ")));
    EXPECT_THAT(faults(acme + "publish_rate = 5\n"),
                ElementsAre(HasSubstr("did you mean realm_publish_rate?")));
    EXPECT_THAT(faults(acme + "client_byte_rate = 5\n"),
                ElementsAre(HasSubstr("realm.client_byte_rate: there is no such key")));
}

TEST(Config, ABurstOfARealmNeedsARateOfItOrOfAll) {
    for (const std::string key : {"realm_publish", "realm_byte"}) {
        const std::string acme = "[[realm]]\nname = 'acme'\n" + key + "_burst = 5\n";
        const std::string rate = key + "_rate = 9\n";
        EXPECT_THAT(warnings(acme), ElementsAre(HasSubstr("f:2: realm." + key + "_burst: ")));
        EXPECT_THAT(warnings(acme + rate), IsEmpty());
        EXPECT_THAT(warnings("[limits]\n" + rate + acme), IsEmpty());
        EXPECT_THAT(warnings("[limits]\n" + rate + acme + key + "_rate = 0\n"),
                    ElementsAre(HasSubstr("f:4: realm." + key + "_burst: ")));
        EXPECT_THAT(warnings("[limits]\n" + rate + key + "_burst = 5\n" +
                             "[[realm]]\nname = 'acme'\n" + key + "_rate = 0\n"),
                    IsEmpty())
            << "the burst is not its own";
    }
}

}  // namespace
}  // namespace godwit::config
