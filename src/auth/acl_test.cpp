#include "auth/acl.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

Policy acl(std::string_view text) {
    auto parsed = parse_acl(text);
    EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().what);
    return parsed ? std::move(parsed).value() : Policy();
}

constexpr Decision kDefaultDeny{false, 0};
constexpr Decision allowed_by(uint32_t line) {
    return {true, line};
}
constexpr Decision denied_by(uint32_t line) {
    return {false, line};
}

Decision ask(const Policy& rules, Action action, std::string_view topic,
             std::optional<std::string_view> user, std::string_view client) {
    return rules.decide({.client_id = client, .username = user}, {action, topic});
}
Decision publish(const Policy& rules, std::string_view topic,
                 std::optional<std::string_view> user = std::nullopt,
                 std::string_view client = "c") {
    return ask(rules, Action::Publish, topic, user, client);
}
Decision receive(const Policy& rules, std::string_view topic,
                 std::optional<std::string_view> user = std::nullopt,
                 std::string_view client = "c") {
    return ask(rules, Action::Receive, topic, user, client);
}
Decision subscribe(const Policy& rules, std::string_view filter,
                   std::optional<std::string_view> user = std::nullopt,
                   std::string_view client = "c") {
    return ask(rules, Action::Subscribe, filter, user, client);
}

// --- reading the file ---

TEST(AclFile, TheExampleOfMosquittoIsReadAsItIs) {
    const Policy rules =
        acl("# This affects access control for clients with no username.\n"
            "topic read $SYS/#\n"
            "\n"
            "# This only affects clients with username \"roger\".\n"
            "user roger\n"
            "topic foo/bar\n"
            "\n"
            "# This affects all clients.\n"
            "pattern write $SYS/broker/connection/%c/state\n");
    EXPECT_EQ(rules.rules().size(), 4u) << "and that all may connect";
    EXPECT_EQ(receive(rules, "$SYS/broker/uptime"), allowed_by(2));
    EXPECT_EQ(receive(rules, "$SYS/broker/uptime", "roger"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "foo/bar", "roger"), allowed_by(6));
    EXPECT_EQ(publish(rules, "foo/bar"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "$SYS/broker/connection/b1/state", "x", "b1"), allowed_by(9));
    EXPECT_EQ(publish(rules, "$SYS/broker/connection/b2/state", "x", "b1"), kDefaultDeny);
}

TEST(AclFile, AnEmptyFileDeniesEverything) {
    for (const auto* text : {"", "\n\n", "# nothing\n"}) {
        const Policy rules = acl(text);
        EXPECT_EQ(publish(rules, "a"), kDefaultDeny);
        EXPECT_EQ(receive(rules, "a", "u"), kDefaultDeny);
        EXPECT_EQ(subscribe(rules, "#", "u"), kDefaultDeny);
    }
}

TEST(AclFile, WithoutAnAccessWordARuleAllowsBoth) {
    const Policy rules = acl("topic a/b");
    EXPECT_EQ(publish(rules, "a/b"), allowed_by(1));
    EXPECT_EQ(receive(rules, "a/b"), allowed_by(1));
}

TEST(AclFile, AnAccessWordAloneIsATopic) {
    EXPECT_EQ(publish(acl("topic read"), "read"), allowed_by(1));
}

TEST(AclFile, ATopicWithBlanksNeedsAnAccessWord) {
    EXPECT_EQ(publish(acl("topic write living room/lamp"), "living room/lamp"), allowed_by(1));
    EXPECT_FALSE(parse_acl("topic living room/lamp"));
}

TEST(AclFile, UserNamesMayHoldBlanks) {
    EXPECT_EQ(publish(acl("user John Smith \ntopic a"), "a", "John Smith"), allowed_by(2));
}

TEST(AclFile, ASectionMayBeReopened) {
    const Policy rules = acl("user a\ntopic x\nuser b\ntopic y\nuser a\ntopic z\n");
    EXPECT_EQ(publish(rules, "x", "a"), allowed_by(2));
    EXPECT_EQ(publish(rules, "z", "a"), allowed_by(6));
    EXPECT_EQ(publish(rules, "z", "b"), kDefaultDeny);
}

TEST(AclFile, CarriageReturnsAndOuterBlanksDoNotMatter) {
    const Policy rules = acl("topic read a/b \r\n  # note\r\n\t topic   write   c\r\n");
    EXPECT_EQ(receive(rules, "a/b"), allowed_by(1));
    EXPECT_EQ(publish(rules, "c"), allowed_by(3));
}

TEST(AclFile, ABadLineIsAnErrorWithItsNumber) {
    const std::pair<const char*, const char*> kBad[] = {
        {"allow a/b", "'allow' is none of topic, pattern and user"},
        {"Topic a/b", "'Topic' is none of topic, pattern and user"},
        {"topic", "'' is no topic filter"},
        {"pattern", "'' is no topic filter"},
        {"user", "no name after 'user'"},
        {"topic subscribe a/b", "'subscribe' is none of read, write, readwrite and deny"},
        {"topic read a+/b", "'a+/b' is no topic filter"},
        {"topic read a/#/b", "'a/#/b' is no topic filter"},
        {"pattern read +%c", "'+%c' is no topic filter"},
        {"topic read \xff", "the line is not UTF-8"},
        {"\xef\xbb\xbftopic a", "is none of topic, pattern and user"},
    };
    for (const auto& [line, what] : kBad) {
        const auto parsed = parse_acl("topic fine\n\n" + std::string(line) + "\ntopic fine too\n");
        ASSERT_FALSE(parsed) << line;
        EXPECT_EQ(parsed.error().line, 3u) << line;
        EXPECT_NE(parsed.error().what.find(what), std::string::npos) << parsed.error().what;
    }
}

// --- deciding ---

TEST(AclDecisions, EverybodyMayConnectAndWhoMayPublishMayRetain) {
    const Policy rules = acl("topic write w\n");
    EXPECT_TRUE(ask(rules, Action::Connect, "", "u", "c").allowed);
    EXPECT_EQ(ask(rules, Action::Retain, "w", std::nullopt, "c"), allowed_by(1));
    EXPECT_EQ(ask(rules, Action::Retain, "x", std::nullopt, "c"), kDefaultDeny);
}

TEST(AclDecisions, ReadAndWriteAreApart) {
    const Policy rules = acl("topic read r\ntopic write w\ntopic readwrite rw\n");
    EXPECT_EQ(receive(rules, "r"), allowed_by(1));
    EXPECT_EQ(publish(rules, "r"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "w"), allowed_by(2));
    EXPECT_EQ(receive(rules, "w"), kDefaultDeny);
    EXPECT_EQ(subscribe(rules, "w"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "rw"), allowed_by(3));
    EXPECT_EQ(subscribe(rules, "rw"), allowed_by(3));
}

TEST(AclDecisions, DenyWinsWhereverItStands) {
    const Policy rules =
        acl("user u\n"
            "topic readwrite a/#\n"
            "topic deny a/secret\n"
            "pattern deny +/%u/key\n");
    EXPECT_EQ(publish(rules, "a/open", "u"), allowed_by(2));
    EXPECT_EQ(publish(rules, "a/secret", "u"), denied_by(3));
    EXPECT_EQ(receive(rules, "a/u/key", "u"), denied_by(4));
}

TEST(AclDecisions, TheAnonymousSectionIsNotForUsers) {
    const Policy rules = acl("topic a\nuser u\ntopic b\n");
    EXPECT_EQ(publish(rules, "a"), allowed_by(1));
    EXPECT_EQ(publish(rules, "a", "u"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "a", "stranger"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "b"), kDefaultDeny);
}

TEST(AclDecisions, PatternsAreForEveryClient) {
    const Policy rules = acl("user u\npattern write from/%c\npattern read to/%u/#\n");
    EXPECT_EQ(publish(rules, "from/c7", std::nullopt, "c7"), allowed_by(2));
    EXPECT_EQ(publish(rules, "from/c7", "other", "c7"), allowed_by(2));
    EXPECT_EQ(receive(rules, "to/v/x", "v"), allowed_by(3));
    EXPECT_EQ(receive(rules, "to/u/x", "v"), kDefaultDeny);
    EXPECT_EQ(receive(rules, "to/u/x"), kDefaultDeny) << "no user name, no %u";
}

TEST(AclDecisions, PlaceholdersStandAnywhereAndMoreThanOnce) {
    const Policy rules = acl("pattern %u/dev-%c/%c/#");
    EXPECT_EQ(publish(rules, "u/dev-c/c/x", "u", "c"), allowed_by(1));
    EXPECT_EQ(publish(rules, "u/dev-c/d/x", "u", "c"), kDefaultDeny);
}

TEST(AclDecisions, TopicRulesHaveNoPlaceholders) {
    const Policy rules = acl("topic x/%c");
    EXPECT_EQ(publish(rules, "x/%c"), allowed_by(1));
    EXPECT_EQ(publish(rules, "x/c", std::nullopt, "c"), kDefaultDeny);
}

TEST(AclDecisions, APercentSignWithoutALetterOfOursIsText) {
    EXPECT_EQ(publish(acl("pattern 100%/%d/%"), "100%/%d/%"), allowed_by(1));
}

TEST(AclDecisions, LongIdentitiesAreFilledInWhole) {
    const std::string id(60'000, 'x');
    EXPECT_EQ(publish(acl("pattern a/%c/b"), "a/" + id + "/b", "u", id), allowed_by(1));
}

TEST(AclDecisions, WildcardsGrantNoDollarTopics) {
    const Policy rules = acl("topic #");
    EXPECT_EQ(receive(rules, "a"), allowed_by(1));
    EXPECT_EQ(receive(rules, "$SYS/x"), kDefaultDeny);
    EXPECT_EQ(subscribe(rules, "$SYS/#"), kDefaultDeny);
}

// --- hostile identities ---

TEST(AclIdentities, NoneSmugglesWildcardsOrSeparators) {
    const Policy rules = acl("pattern readwrite a/%c/x\npattern readwrite b/%u/#\n");
    for (const auto* hostile : {"+", "#", "v/x", "/", "", "v+", "#v"}) {
        for (const auto* topic : {"a/v/x", "a/v", "a", "b/v", "b/v/x", "b", "a//x", "b/"}) {
            EXPECT_EQ(publish(rules, topic, hostile, hostile), kDefaultDeny) << hostile << topic;
            EXPECT_EQ(receive(rules, topic, hostile, hostile), kDefaultDeny) << hostile << topic;
            EXPECT_EQ(subscribe(rules, topic, hostile, hostile), kDefaultDeny) << hostile << topic;
        }
    }
}

TEST(AclIdentities, WithAWildcardInEitherNameNoPatternAllowsAnything) {
    const Policy rules = acl("topic b\nuser u\ntopic b\npattern readwrite a\n");
    EXPECT_EQ(publish(rules, "a", "u", "c"), allowed_by(4));
    EXPECT_EQ(publish(rules, "a", "u", "+"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "a", "u#", "c"), kDefaultDeny);
    EXPECT_EQ(publish(rules, "b", "u", "+"), allowed_by(3)) << "its own rules stand";
}

TEST(AclIdentities, NoneOpensDollarTopics) {
    const Policy rules = acl("pattern readwrite %u/#");
    EXPECT_EQ(receive(rules, "$SYS/broker", "$SYS"), kDefaultDeny);
    EXPECT_EQ(receive(acl("pattern a/%u/#"), "a/$SYS/broker", "$SYS"), allowed_by(1));
}

TEST(AclIdentities, NoneSlipsOutOfADeny) {
    const Policy rules = acl("topic a/#\nuser v/x\ntopic #\npattern deny a/%u/#\n");
    EXPECT_EQ(publish(rules, "a/b"), allowed_by(1)) << "without a user name %u says nothing";
    EXPECT_EQ(publish(rules, "a/v/x/y", "v/x"), denied_by(4));
    EXPECT_EQ(publish(rules, "a/other", "v/x"), denied_by(4)) << "from the level of %u on";
    EXPECT_EQ(publish(rules, "b", "v/x"), allowed_by(3));
}

TEST(AclIdentities, AHostileOneIsDeniedEverythingByADenyThatBeginsWithIt) {
    const Policy rules = acl("topic $SYS/#\ntopic #\npattern deny %c/private\n");
    EXPECT_EQ(receive(rules, "$SYS/x", std::nullopt, "$SYS/x"), denied_by(3));
    EXPECT_EQ(receive(rules, "a", std::nullopt, "+"), denied_by(3));
    EXPECT_EQ(receive(rules, "$SYS/private", std::nullopt, "$SYS"), denied_by(3));
    EXPECT_EQ(receive(rules, "$SYS/x", std::nullopt, "$SYS"), allowed_by(1));
}

// --- subscribing ---

TEST(AclSubscribe, IsAllowedWhereSomethingCouldArrive) {
    const Policy rules = acl("topic read plant/7/#\n");
    EXPECT_EQ(subscribe(rules, "plant/7/temp"), allowed_by(1));
    EXPECT_EQ(subscribe(rules, "plant/+/temp"), allowed_by(1));
    EXPECT_EQ(subscribe(rules, "#"), allowed_by(1));
    EXPECT_EQ(subscribe(rules, "plant/8/#"), kDefaultDeny);
    EXPECT_EQ(subscribe(rules, "plant"), kDefaultDeny);
}

TEST(AclSubscribe, AWiderSubscriptionStillReceivesOnlyWhatIsReadable) {
    const Policy rules = acl("topic read plant/7/#\n");
    EXPECT_TRUE(subscribe(rules, "#").allowed);
    EXPECT_EQ(receive(rules, "plant/7/temp"), allowed_by(1));
    EXPECT_EQ(receive(rules, "plant/8/temp"), kDefaultDeny);
}

TEST(AclSubscribe, IsRefusedWhereADenyCoversTheFilter) {
    const Policy rules = acl("topic read #\ntopic deny secret/#\n");
    EXPECT_EQ(subscribe(rules, "secret/#"), denied_by(2));
    EXPECT_EQ(subscribe(rules, "secret/+/x"), denied_by(2));
    EXPECT_EQ(subscribe(rules, "+/x"), allowed_by(1));
    EXPECT_EQ(receive(rules, "secret/x"), denied_by(2));
}

TEST(AclSubscribe, UsesPatternsToo) {
    const Policy rules = acl("pattern read to/%u/#\n");
    EXPECT_EQ(subscribe(rules, "to/u/#", "u"), allowed_by(1));
    EXPECT_EQ(subscribe(rules, "to/+/#", "u"), allowed_by(1));
    EXPECT_EQ(subscribe(rules, "to/v/#", "u"), kDefaultDeny);
}

}  // namespace
}  // namespace godwit::auth
