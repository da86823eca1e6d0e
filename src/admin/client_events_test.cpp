#include "admin/client_events.h"

#include "base/json.h"

#include <gtest/gtest.h>

namespace godwit::admin {
namespace {

const std::vector<broker::PastEvent> kTwo{
    {.first = {1'700'000'000'000},
     .last = {1'700'000'000'000},
     .name = "refused",
     .reason = "not_authorized",
     .detail = "policy:3",
     .address = "203.0.113.7:49152"},
    {.first = {1'700'000'001'000}, .last = {1'700'000'061'999}, .count = 7, .name = "dropped"}};

TEST(ClientEvents, TextIsALineForEach) {
    EXPECT_EQ(render_events_text(kTwo),
              "2023-11-14 22:13:20 UTC  refused  not_authorized  policy:3  from 203.0.113.7:49152\n"
              "2023-11-14 22:14:21 UTC  dropped  (7 times since 2023-11-14 22:13:21 UTC)\n");
}

TEST(ClientEvents, JsonHasEverything) {
    const std::string json = render_events("default", "a\"b\n\xff", kTwo);
    EXPECT_TRUE(is_json(json)) << json;
    EXPECT_NE(json.find("\"first\":1700000001000,\"last\":1700000061999,\"count\":7"),
              std::string::npos);
    EXPECT_NE(json.find("\"detail\":\"policy:3\""), std::string::npos);
    EXPECT_TRUE(is_json(render_events("default", "c", {})));
}

}  // namespace
}  // namespace godwit::admin
