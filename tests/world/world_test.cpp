#include "world/world.h"

#include "world/statement.h"

namespace godwit::world {
namespace {

TEST(World, CarriesAMessageBetweenShards) {
    World world(seed(), {.shards = 2});
    auto subscriber = world.connect(world.id_on(0, "sub")).subscribe("plant/#", {.qos = 1});
    auto publisher = world.connect(world.id_on(1, "pub"));
    publisher.publish("plant/7", "20", {.qos = 1}).publish("plant/8", "21", {.qos = 2});
    EXPECT_EQ(subscriber.received(), (Messages{"20", "21"}));
    EXPECT_EQ(subscriber.received(), Messages{});
}

TEST(World, SameSeedSameRun) {
    const auto run = [](uint64_t with_seed) {
        World world(with_seed, {.shards = 4});
        auto a = world.connect("a").subscribe("t");
        world.connect("b").publish("t", "1").publish("t", "2");
        std::string log;
        for (const auto& event : world.core().events) log += event.client + event.name + ";";
        for (const auto& each : a.received()) log += each;
        return log;
    };
    EXPECT_EQ(run(1), run(1));
}

TEST(World, TimeIsVirtual) {
    World world(seed());
    auto client = world.connect("c", {.keepalive_s = 10});
    world.advance(std::chrono::seconds(14));
    EXPECT_FALSE(client.closed());
    world.advance(std::chrono::seconds(2));
    EXPECT_EQ(client.disconnect_reason(), mqtt::ReasonCode::KeepAliveTimeout);
    EXPECT_TRUE(client.closed());
}

TEST(World, AuthenticatorIsScripted) {
    World world(seed(),
                {.options = {.listeners = {{.allow_anonymous = false, .check_password = true}}},
                 .authenticator = [](const broker::AuthRequest& ask) {
                     const bool known = ask.password == "good";
                     return AuthAnswer{known ? mqtt::ReasonCode::Success
                                             : mqtt::ReasonCode::BadUserNameOrPassword};
                 }});
    auto good = world.connect("a", {.username = "u", .password = "good"});
    auto bad = world.connect("b", {.username = "u", .password = "bad"});
    EXPECT_EQ(good.connack_reason(), mqtt::ReasonCode::Success);
    EXPECT_EQ(bad.connack_reason(), mqtt::ReasonCode::BadUserNameOrPassword);
    EXPECT_TRUE(bad.closed());
}

TEST(World, ClientThatReadsNothingIsASlowClient) {
    World world(seed());
    auto slow = world.connect("slow").subscribe("t");
    slow.set_reading(false);
    world.connect("p").publish("t", "1");
    EXPECT_EQ(slow.received(), Messages{});
    slow.set_reading(true);
    EXPECT_EQ(slow.received(), Messages{"1"});
}

}  // namespace
}  // namespace godwit::world
