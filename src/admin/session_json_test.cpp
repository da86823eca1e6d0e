#include "admin/session_json.h"

#include "base/json.h"

#include <gtest/gtest.h>

namespace godwit::admin {
namespace {

using broker::Loss;

TEST(SessionJson, TellsWhatWaitsAndWhatWasLost) {
    broker::SessionReport report{
        .shard = {1},
        .version = mqtt::Version::V311,
        .subscriptions = 2,
        .queued = 3,
        .queued_bytes = 400,
        .inflight = 1,
        .expires_in_s = 60,
        .held_back = {.times = 4, .held = std::chrono::milliseconds(1500)}};
    report.lost[Loss::QueueFull] = 7;
    const std::string text = render_session("default", "c", report);
    EXPECT_TRUE(text.starts_with(
        "{\"client\":\"c\",\"realm\":\"default\",\"shard\":1,\"mqtt\":\"3.1.1\",\"online\":false,"
        "\"expires_in_s\":60,\"subscriptions\":2,\"queued\":3,\"queued_bytes\":400,\"inflight\":1,"
        "\"held_back\":{\"by\":null,\"times\":4,\"seconds\":1.500},\"lost\":{\"queue_full\":7,"))
        << text;
    EXPECT_TRUE(is_json(text));
    for (const broker::LossText& each : broker::kLosses)
        EXPECT_NE(text.find("\"" + std::string(each.reason) + "\":"), text.npos) << each.reason;
}

TEST(SessionJson, TellsByWhoseRateAClientIsHeldBack) {
    const std::string text =
        render_session("default", "c", {.online = true, .held_back = {broker::RateOf::Realm, 1}});
    EXPECT_TRUE(is_json(text)) << text;
    EXPECT_NE(text.find("\"held_back\":{\"by\":\"realm\",\"times\":1"), text.npos) << text;
}

TEST(SessionJson, IsJsonWhateverTheClientIdIs) {
    const std::string text = render_session("r\"", "a\"b\\\n\x01\xff", {.online = true});
    EXPECT_TRUE(is_json(text)) << text;
    EXPECT_NE(text.find("\"online\":true,\"expires_in_s\":null"), text.npos) << text;
}

}  // namespace
}  // namespace godwit::admin
