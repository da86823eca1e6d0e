#include "admin/realm_json.h"

#include <gtest/gtest.h>

namespace godwit::admin {
namespace {

TEST(RealmJson, HasEachRealmWithAllItsNumbers) {
    EXPECT_EQ(render_realms({}), "{\"realms\":[]}\n");
    EXPECT_EQ(
        render_realms({{.realm = "default"}, {.realm = "acme", .connections = 3, .dropped = 7}}),
        "{\"realms\":[{\"realm\":\"default\",\"connections\":0,\"sessions\":0,"
        "\"subscriptions\":0,\"queued\":0,\"queued_bytes\":0,\"retained\":0,"
        "\"retained_bytes\":0,\"memory_bytes\":0,\"memory_scarce\":0,\"connects_refused\":0,"
        "\"subscriptions_refused\":0,\"publishes_refused\":0,\"dropped\":0},"
        "{\"realm\":\"acme\",\"connections\":3,\"sessions\":0,\"subscriptions\":0,"
        "\"queued\":0,\"queued_bytes\":0,\"retained\":0,\"retained_bytes\":0,"
        "\"memory_bytes\":0,\"memory_scarce\":0,\"connects_refused\":0,"
        "\"subscriptions_refused\":0,\"publishes_refused\":0,\"dropped\":7}]}\n");
}

}  // namespace
}  // namespace godwit::admin
