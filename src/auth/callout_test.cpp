#include "auth/callout.h"

#include <gtest/gtest.h>

namespace godwit::auth {
namespace {

using Kind = CalloutAnswer::Kind;

TEST(Callout, AsksAllThereIsToKnow) {
    EXPECT_EQ(render_callout({.client = "pump-7",
                              .user = "ann",
                              .password = "a \"b\"",
                              .protocol = "3.1.1",
                              .address = "203.0.113.7",
                              .listener = "mqtts://0.0.0.0:8883",
                              .realm = "plant",
                              .certificate_name = "pump-7",
                              .certificate_subject = "CN=pump-7,O=Plant",
                              .server_name = "plant.example"}),
              R"({"client":"pump-7","user":"ann","password":"a \"b\"","protocol":"3.1.1",)"
              R"("address":"203.0.113.7","listener":"mqtts://0.0.0.0:8883","realm":"plant",)"
              R"("server_name":"plant.example",)"
              R"("certificate":{"name":"pump-7","subject":"CN=pump-7,O=Plant"}})");
}

TEST(Callout, WhatIsNotThereIsNotAnEmptyText) {
    EXPECT_EQ(render_callout({.client = "c"}), R"({"client":"c","user":null,"password":null})");
    EXPECT_EQ(render_callout({.client = "", .user = "", .password = ""}),
              R"({"client":"","user":"","password":""})");
}

// Two passwords must never be one question: the answer to it may be kept.
TEST(Callout, PasswordsThatAreNoTextsAreTheirBytes) {
    const auto asked = [](std::string_view password) {
        return render_callout({.client = "c", .user = "u", .password = password});
    };
    using namespace std::string_view_literals;
    EXPECT_EQ(asked("a\0b"sv), R"({"client":"c","user":"u","password_base64":"YQBi"})");
    EXPECT_EQ(asked("\xff"), R"({"client":"c","user":"u","password_base64":"/w=="})");
    EXPECT_NE(asked("\xff"), asked("\xfe"));
    EXPECT_NE(asked("\xff"), asked("\xef\xbf\xbd")) << "U+FFFD itself";
}

TEST(Callout, TakesTheThreeAnswers) {
    EXPECT_EQ(parse_callout(R"({"result":"allow"})")->kind, Kind::Allow);
    EXPECT_EQ(parse_callout(R"({"result":"deny"})")->kind, Kind::Deny);
    EXPECT_EQ(parse_callout(R"( {"result":"pass","more":[1,2]} )")->kind, Kind::Pass);
}

TEST(Callout, AnAnswerSaysMoreOfTheClient) {
    const auto answer = parse_callout(
        R"({"result":"allow","expires_in_s":1.5,"cache_s":0,
            "realm":"acme","claims":{"site":"north","role":["a","b"],"level":7,"on":true,"exp":1,"deep":{}}})");
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->expires_in_s, 1.5);
    EXPECT_EQ(answer->cache_s, 0);
    EXPECT_EQ(answer->realm, "acme");
    std::string all;
    for (const Claim& each : answer->claims) all += each.name + "=" + each.value + " ";
    EXPECT_EQ(all, "site=north role=a role=b level=7 on=true ");
}

TEST(Callout, WhatIsNotWhollyUnderstoodIsNoAnswer) {
    const std::string many =
        R"({"result":"allow","claims":{"a":")" + std::string(kCalloutClaimsBytesMax, 'x') + "\"}}";
    for (const std::string_view text :
         std::initializer_list<std::string_view>{"",
                                                 "hello",
                                                 "[]",
                                                 "\"allow\"",
                                                 "{}",
                                                 R"({"result":"ALLOW"})",
                                                 R"({"result":true})",
                                                 R"({"result":["allow"]})",
                                                 R"({"result":"deny","result":"allow"})",
                                                 R"({"result":"allow")",
                                                 R"({"result":"allow"}{"result":"deny"})",
                                                 R"({"result":"allow","expires_in_s":"60"})",
                                                 R"({"result":"allow","expires_in_s":-1})",
                                                 R"({"result":"allow","expires_in_s":null})",
                                                 R"({"result":"allow","expires_in_s":1e999})",
                                                 R"({"result":"allow","cache_s":true})",
                                                 R"({"result":"allow","claims":["a"]})",
                                                 R"({"result":"allow","realm":""})",
                                                 R"({"result":"allow","realm":7})",
                                                 many})
        EXPECT_FALSE(parse_callout(text)) << text.substr(0, 60);
}

}  // namespace
}  // namespace godwit::auth
