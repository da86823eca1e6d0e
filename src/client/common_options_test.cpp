#include "client/common_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace godwit::client {
namespace {

using mqtt::PropertyId;
using mqtt::Version;
using testing::HasSubstr;
using testing::StartsWith;

std::string fault(const CommonOptions& options) {
    const auto prepared = prepare(options);
    return prepared ? "" : prepared.error();
}

Login login_of(const CommonOptions& options) {
    auto prepared = prepare(options);
    EXPECT_TRUE(prepared) << fault(options);
    return std::move(prepared->runner.login);
}

TEST(CommonOptions, WithoutAnyConnectToThisMachineWithVersion5) {
    const auto prepared = prepare({});
    ASSERT_TRUE(prepared);
    EXPECT_EQ(to_text(prepared->runner.endpoint), "localhost:1883");
    EXPECT_EQ(prepared->runner.login.version, Version::V5);
    EXPECT_TRUE(prepared->runner.login.clean_start);
    EXPECT_EQ(prepared->runner.login.client_id, "");
}

TEST(CommonOptions, VersionsHaveTwoNames) {
    EXPECT_EQ(parse_version("mqttv31"), Version::V31);
    EXPECT_EQ(parse_version("311"), Version::V311);
    EXPECT_EQ(parse_version("mqttv5"), Version::V5);
    EXPECT_EQ(parse_version("4"), std::nullopt);
    EXPECT_THAT(fault({.version = "4"}), HasSubstr("-V 4"));
}

TEST(CommonOptions, AKeptSessionLastsForEverUnlessToldOtherwise) {
    const auto expiry = [](const CommonOptions& options) {
        return find_number(login_of(options).properties, PropertyId::SessionExpiryInterval);
    };
    EXPECT_EQ(expiry({}), std::nullopt);
    EXPECT_EQ(expiry({.client_id = "a", .keep_session = true}), mqtt::kNoExpiry);
    EXPECT_EQ(expiry({.client_id = "a", .keep_session = true, .session_expiry = "60"}), 60u);
    EXPECT_EQ(expiry({.session_expiry = "-1"}), mqtt::kNoExpiry);
    EXPECT_EQ(expiry({.version = "311", .client_id = "a", .keep_session = true}), std::nullopt);
    EXPECT_THAT(fault({.session_expiry = "soon"}), HasSubstr("-x soon"));
    EXPECT_THAT(fault({.version = "311", .session_expiry = "1"}), HasSubstr("needs MQTT 5"));
    EXPECT_THAT(fault({.session_expiry = "1",
                       .properties = {"connect", "session-expiry-interval", "1", ""}}),
                HasSubstr("say the same"));
    EXPECT_THAT(fault({.properties = {"disconnect", "session-expiry-interval", "1", ""}}),
                HasSubstr("needs one above 0 at connect"));
}

TEST(CommonOptions, ClientIds) {
    EXPECT_EQ(login_of({.client_id = "a"}).client_id, "a");
    EXPECT_THAT(login_of({.id_prefix = "p-"}).client_id, StartsWith("p-"));
    EXPECT_THAT(login_of({.version = "31"}).client_id, StartsWith("godwit-"));
    EXPECT_THAT(fault({.client_id = "a", .id_prefix = "p"}), HasSubstr("exclude each other"));
    EXPECT_THAT(fault({.keep_session = true}), HasSubstr("choose a client id"));
    EXPECT_THAT(fault({.client_id = "\xff"}), HasSubstr("-i: not UTF-8"));
}

TEST(CommonOptions, Users) {
    EXPECT_EQ(login_of({.username = "u", .password = ""}).password, "");
    EXPECT_EQ(login_of({.url = "mqtt://u:p@h"}).password, "p");
    EXPECT_EQ(login_of({.url = "mqtt://u:p@h", .password = "q"}).password, "q");
    EXPECT_THAT(fault({.version = "311", .password = "p"}), HasSubstr("-P needs -u"));
    EXPECT_EQ(fault({.password = "p"}), "");
    EXPECT_THAT(fault({.username = std::string(65536, 'u')}), HasSubstr("-u: more than"));
}

TEST(CommonOptions, AUrlExcludesWhatItSays) {
    EXPECT_EQ(prepare({.url = "mqtt://h/a/b"})->url_topic, "a/b");
    EXPECT_THAT(fault({.host = "h", .url = "mqtt://h"}), HasSubstr("-L names the broker already"));
    EXPECT_THAT(fault({.url = "ftp://h"}), HasSubstr("-L: "));
}

TEST(CommonOptions, Wills) {
    const Login with = login_of({.will_topic = "w", .will_payload = "gone", .will_qos = 1});
    EXPECT_EQ(with.will->payload, "gone");
    EXPECT_EQ(connect_packet(with).will->qos, mqtt::Qos::AtLeastOnce);
    EXPECT_THAT(fault({.will_payload = "gone"}), HasSubstr("needs --will-topic"));
    EXPECT_THAT(fault({.will_topic = "w/#"}), HasSubstr("--will-topic w/#"));
}

TEST(CommonOptions, PropertiesReachConnect) {
    const Login with =
        login_of({.will_topic = "w",
                  .properties = {"connect", "receive-maximum", "5", "", "connect", "user-property",
                                 "a", "b", "will", "will-delay-interval", "7", "", "will",
                                 "message-expiry-interval", "8", ""}});
    const mqtt::Connect packet = connect_packet(with);
    EXPECT_EQ(packet.receive_maximum, 5);
    EXPECT_EQ(packet.user_properties.begin()->name, "a");
    EXPECT_EQ(packet.will->delay_s, 7u);
    EXPECT_EQ(packet.will->expiry_s, 8u);
    EXPECT_THAT(fault({.version = "311", .properties = {"connect", "user-property", "a", "b"}}),
                HasSubstr("properties need MQTT 5"));
}

TEST(CommonOptions, WebSocketAndItsHeader) {
    const auto prepared = prepare({.websocket = true, .websocket_fields = {"X-Key: v w"}});
    ASSERT_TRUE(prepared);
    EXPECT_EQ(to_text(prepared->runner.endpoint), "ws://localhost:8083/mqtt");
    EXPECT_EQ(prepared->runner.endpoint.websocket_fields.front().second, "v w");
    EXPECT_THAT(fault({.websocket = true, .websocket_fields = {"X-Key"}}),
                HasSubstr("--ws-header"));
}

TEST(CommonOptions, TlsIsCheckedBeforeAnythingIsSent) {
    EXPECT_THAT(fault({.tls_files = {.cafile = "/no/such/file"}}), HasSubstr("/no/such/file"));
    EXPECT_THAT(fault({.tls_files = {.insecure = true}, .tls_version = "tlsv1.1"}),
                HasSubstr("--tls-version"));
    EXPECT_TRUE(prepare({.tls_files = {.insecure = true}})->runner.tls);
}

}  // namespace
}  // namespace godwit::client
