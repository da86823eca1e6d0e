#include "client/property_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::client {
namespace {

using mqtt::PropertyId;
using testing::HasSubstr;
using Words = std::vector<std::string>;

std::string fault(const Words& words) {
    const auto parsed = parse_properties(words);
    return parsed ? "" : parsed.error();
}

TEST(PropertyWords, GoToThePacketTheyName) {
    const auto lists = parse_properties(Words{"connect",     "receive-maximum",
                                              "7",           "",
                                              "publish",     "content-type",
                                              "text/plain",  "",
                                              "will",        "will-delay-interval",
                                              "9",           "",
                                              "subscribe",   "subscription-identifier",
                                              "3",           "",
                                              "unsubscribe", "user-property",
                                              "a",           "b",
                                              "disconnect",  "session-expiry-interval",
                                              "5",           ""});
    ASSERT_TRUE(lists);
    EXPECT_EQ(find_number(lists->connect, PropertyId::ReceiveMaximum), 7u);
    EXPECT_EQ(mqtt::PropertyList(lists->publish).begin()->text, "text/plain");
    EXPECT_EQ(find_number(lists->will, PropertyId::WillDelayInterval), 9u);
    EXPECT_EQ(find_number(lists->subscribe, PropertyId::SubscriptionIdentifier), 3u);
    EXPECT_EQ(mqtt::UserProperties(lists->unsubscribe).begin()->value, "b");
    EXPECT_EQ(find_number(lists->disconnect, PropertyId::SessionExpiryInterval), 5u);
    EXPECT_FALSE(find_number(lists->connect, PropertyId::SessionExpiryInterval));
}

TEST(PropertyWords, UserPropertiesMayRepeat) {
    const auto lists = parse_properties(
        Words{"publish", "user-property", "a", "1", "publish", "user-property", "a", ""});
    ASSERT_TRUE(lists);
    const mqtt::UserProperties all(lists->publish);
    EXPECT_EQ(std::distance(all.begin(), all.end()), 2);
}

TEST(PropertyWords, AreRefusedWithTheReason) {
    EXPECT_THAT(fault({"publich", "content-type", "x", ""}), HasSubstr("\"publich\" is none of"));
    EXPECT_THAT(fault({"publish", "colour", "x", ""}), HasSubstr("no property \"colour\""));
    EXPECT_THAT(fault({"connect", "content-type", "x", ""}), HasSubstr("does not belong"));
    EXPECT_THAT(fault({"publish", "subscription-identifier", "1", ""}),
                HasSubstr("does not belong"));
    EXPECT_THAT(fault({"publish", "content-type", "a", "b"}), HasSubstr("a word too many"));
    EXPECT_THAT(fault({"publish", "content-type", "a", "", "publish", "content-type", "b", ""}),
                HasSubstr("twice"));
    EXPECT_THAT(fault({"connect", "receive-maximum", "many", ""}), HasSubstr("not a number"));
    EXPECT_THAT(fault({"connect", "receive-maximum", "0", ""}), HasSubstr("not in 1 .. 65535"));
    EXPECT_THAT(fault({"connect", "receive-maximum", "65536", ""}), HasSubstr("not in 1"));
    EXPECT_THAT(fault({"publish", "payload-format-indicator", "2", ""}),
                HasSubstr("not in 0 .. 1"));
    EXPECT_THAT(fault({"publish", "topic-alias", "0", ""}), HasSubstr("not in 1 .. 65535"));
    EXPECT_THAT(fault({"publish", "response-topic", "a/#", ""}), HasSubstr("no wildcards"));
    EXPECT_THAT(fault({"publish", "content-type", "\xff", ""}), HasSubstr("not UTF-8"));
    EXPECT_THAT(fault({"publish", "content-type", std::string(65536, 'a'), ""}),
                HasSubstr("more than 65535"));
    EXPECT_THAT(fault({"publish", "content-type"}), HasSubstr("COMMAND NAME VALUE"));
}

}  // namespace
}  // namespace godwit::client
