#include "server/explaining.h"

#include "base/json.h"
#include "server/admin_client.h"

#include <gtest/gtest.h>

namespace godwit::server {
namespace {

Result<Question, std::string> read(std::string_view target) {
    return read_question(*admin::parse_target(target));
}

TEST(Explaining, AQuestionIsAQuery) {
    const auto question = read(
        "/api/explain?client=a%2Fb&realm=r&action=publish&topic=t%2Fx&qos=2&payload=9&retain=1"
        "&format=text");
    ASSERT_TRUE(question) << question.error();
    EXPECT_EQ(question->client_id, "a/b");
    EXPECT_EQ(question->realm, "r");
    EXPECT_EQ(question->request.topic, "t/x");
    EXPECT_EQ(question->request.qos, 2);
    EXPECT_EQ(question->request.payload_bytes, 9u);
    EXPECT_TRUE(question->as_text);
    const auto requests = question->requests();
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_EQ(requests[1].action, auth::Action::Retain);
    EXPECT_EQ(requests[1].topic, "t/x");
}

TEST(Explaining, OfASharedSubscriptionTheFilterCounts) {
    const auto question = read("/?client=c&action=subscribe&topic=%24share%2Fg%2Fa%2F%23");
    ASSERT_TRUE(question);
    EXPECT_EQ(question->request.topic, "a/#");
}

TEST(Explaining, ABadQuestionIsRefusedInWords) {
    for (const auto* bad :
         {"/?action=read&topic=a", "/?action=publish", "/?action=publish&topic=%23",
          "/?action=subscribe&topic=a%23", "/?action=publish&topic=a&qos=3",
          "/?action=publish&topic=a&payload=x", "/?user=ann"}) {
        const auto question = read(bad);
        ASSERT_FALSE(question) << bad;
        EXPECT_FALSE(question.error().empty()) << bad;
    }
}

TEST(Explaining, TheFirstDenialDecides) {
    const std::vector<auth::Explanation> all{
        {.allowed = true, .line = 1}, {.allowed = false, .line = 2}, {.allowed = false, .line = 3}};
    EXPECT_EQ(decisive(all).line, 2u);
    EXPECT_EQ(decisive({{.allowed = true, .line = 1}, {.allowed = true, .line = 4}}).line, 4u);
}

TEST(Explaining, AnswersInJson) {
    const auto question = read("/?client=%22&action=publish&topic=%22");
    ASSERT_TRUE(question);
    const std::string json = render_answer(*question, {.allowed = true, .source = "p", .line = 3});
    EXPECT_TRUE(is_json(json)) << json;
    EXPECT_NE(json.find("\"allowed\":true,\"policy\":\"p\",\"line\":3"), json.npos) << json;
}

TEST(AdminClient, WhatGoesIntoATargetComesOutOfIt) {
    const std::string hostile = "a/b?c=d&e %\xff+";
    const auto target = admin::parse_target(
        target_of("/api/clients/" + percent_encoded(hostile) + "/events", {{"x", hostile}}));
    ASSERT_TRUE(target);
    EXPECT_EQ(target->path[2], hostile);
    EXPECT_EQ(target->value("x", ""), hostile);
}

TEST(AdminClient, SaysWhomItCouldNotAsk) {
    for (const auto* address : {"127.0.0.1:1", "no port"}) {
        const auto reply = ask_admin(address, "/healthz");
        ASSERT_FALSE(reply);
        EXPECT_NE(reply.error().find(address), std::string::npos) << reply.error();
    }
}

}  // namespace
}  // namespace godwit::server
