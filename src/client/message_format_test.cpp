#include "client/message_format.h"

#include "mqtt/encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace godwit::client {
namespace {

using testing::HasSubstr;

constexpr ReceivedAt kTime{std::chrono::nanoseconds(1'470'818'943'786'368'637)};

class Formatted : public testing::Test {
protected:
    Formatted() {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }

    std::string print(std::string_view format) const {
        const auto parsed = MessageFormat::parse(format);
        if (!parsed) return "fault: " + parsed.error();
        std::string out;
        const auto printed = parsed->print(out, message, kTime);
        return printed ? out : "fault: " + printed.error();
    }

    void add(const mqtt::Property& property) {
        mqtt::put_property(properties, property);
        message.properties = properties;
    }

    mqtt::Publish message{.qos = mqtt::Qos::AtLeastOnce,
                          .topic = "a/topic",
                          .packet_id = {12},
                          .payload = as_bytes("Zz\n")};
    Buffer properties;
};

TEST_F(Formatted, MessageFields) {
    EXPECT_EQ(print("%t|%q|%r|%l|%m|%x|%X|%%|%p"), "a/topic|1|0|3|12|5a7a0a|5A7A0A|%|Zz\n");
    message.retain = true;
    EXPECT_EQ(print("%r"), "1");
}

TEST_F(Formatted, Properties) {
    EXPECT_EQ(print("%A%C%D%E%F%P%R%S"), "");
    message.topic_alias = 4;
    add({.id = mqtt::PropertyId::ContentType, .text = "t/p"});
    add({.id = mqtt::PropertyId::CorrelationData, .text = "cc"});
    add({.id = mqtt::PropertyId::MessageExpiryInterval, .number = 100});
    add({.id = mqtt::PropertyId::PayloadFormatIndicator, .number = 1});
    add({.id = mqtt::PropertyId::ResponseTopic, .text = "r"});
    add({.id = mqtt::PropertyId::SubscriptionIdentifier, .number = 5});
    add({.id = mqtt::PropertyId::SubscriptionIdentifier, .number = 6});
    add({.id = mqtt::PropertyId::UserProperty, .text = "k", .value = "v"});
    add({.id = mqtt::PropertyId::UserProperty, .text = "k", .value = "w"});
    EXPECT_EQ(print("%A|%C|%D|%E|%F|%P|%R|%S"), "4|t/p|cc|100|1|k:v k:w|r|5 6");
}

TEST_F(Formatted, Widths) {
    EXPECT_EQ(print("%10t|%-10t|%3.3t|%.2t|%12.3t|"), "   a/topic|a/topic   |a/t|a/|         a/t|");
    EXPECT_EQ(print("%010l|%0l|%-06m|%20x|"), "0000000003|3|12    |              5a7a0a|");
    EXPECT_EQ(print("%5q|%5r|"), "1|0|");  // these have none
}

TEST_F(Formatted, Times) {
    EXPECT_EQ(print("%I"), "2016-08-10T08:49:03+0000");
    EXPECT_EQ(print("%U"), "1470818943.786368637");
    EXPECT_EQ(print("@Y-@m-@d @H:@M:@S.@N @@"), "2016-08-10 08:49:03.786368637 @");
}

TEST_F(Formatted, Escapes) {
    EXPECT_EQ(print("\\\\\\0\\a\\e\\n\\r\\t\\v"), std::string("\\\0\a\x1b\n\r\t\v", 8));
}

TEST_F(Formatted, Json) {
    message.payload = as_bytes("{\"a\": [1]}");
    add({.id = mqtt::PropertyId::UserProperty, .text = "k", .value = "v"});
    add({.id = mqtt::PropertyId::MessageExpiryInterval, .number = 9});
    add({.id = mqtt::PropertyId::UserProperty, .text = "l", .value = "\""});
    const std::string front =
        R"({"tst":"2016-08-10T08:49:03.786368+0000","topic":"a/topic","qos":1,"retain":0,)"
        R"("payloadlen":10,"mid":12,"properties":{"user-properties":{"k":"v","l":"\""},)"
        R"("message-expiry-interval":9},"payload":)";
    EXPECT_EQ(print("%j"), front + R"("{\"a\": [1]}"})");
    EXPECT_EQ(print("%J"), front + R"({"a": [1]}})");
}

TEST_F(Formatted, JsonOfAnyPayload) {
    message = {.topic = "t", .payload = as_bytes("\xff\x01")};
    EXPECT_THAT(print("%j"), HasSubstr("\"payload\":\"\xef\xbf\xbd\\u0001\""));
    EXPECT_THAT(print("%J"), HasSubstr("fault: the payload on t is not JSON"));
    message.payload = {};
    EXPECT_THAT(print("%J"), HasSubstr("\"payload\":null}"));
}

TEST_F(Formatted, WrongFormatsAreNamed) {
    EXPECT_THAT(print("a%z"), HasSubstr("at character 3: no field %z"));
    EXPECT_THAT(print("a%"), HasSubstr("without its letter"));
    EXPECT_THAT(print("\\q"), HasSubstr("no such escape"));
    EXPECT_THAT(print("\\"), HasSubstr("a backslash at the end"));
    EXPECT_THAT(print("@"), HasSubstr("an @ at the end"));
    EXPECT_THAT(print("%10001t"), HasSubstr("a width of more than 10000"));
    EXPECT_THAT(print("%.99999999999999999999t"), HasSubstr("a width of more than 10000"));
}

}  // namespace
}  // namespace godwit::client
