#include "client/subscribe_task.h"

#include "client/test_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace godwit::client {
namespace {

using mqtt::ReasonCode;
using testing::ElementsAre;
using testing::IsEmpty;

/// A task that prints what a server sends, into memory.
struct Subscribing {
    explicit Subscribing(SubscribeTask::Plan plan)
        : out(::open_memstream(&text, &text_bytes)), task(std::move(plan), out, reporter, 1) {
        server.accept();
        task.on_event(Connected{}, client, server.now);
    }
    Subscribing(const Subscribing&) = delete;
    ~Subscribing() {
        std::fclose(out);
        std::free(text);
    }

    void grant(const Buffer& reasons) {
        task.on_event(Subscribed{.packet = {.packet_id = {1}, .reasons = reasons}}, client,
                      server.now);
    }
    void receive(std::string_view topic, std::string_view payload, bool retain = false) {
        task.on_event(Received{{.retain = retain, .topic = topic, .payload = as_bytes(payload)}},
                      client, server.now);
    }
    TestServer::Lines turn() {
        task.on_turn(client, server.now, true);
        return server.sent();
    }
    std::string printed() {
        std::fflush(out);
        return {text, text_bytes};
    }

    char* text = nullptr;
    size_t text_bytes = 0;
    std::FILE* out;
    Reporter reporter{"test", true, false};
    ClientProtocol client{Login{.client_id = "c"}};
    TestServer server{client};
    SubscribeTask task;
};

SubscribeTask::Plan plan() {
    return {.filters = {"a/#", "b"}};
}

TEST(SubscribeTask, SubscribesAgainOnEveryConnection) {
    Subscribing world(plan());
    EXPECT_THAT(world.server.sent(), ElementsAre("SUBSCRIBE 1 a/# b"));
    world.server.accept();
    world.task.on_event(Connected{}, world.client, world.server.now);
    EXPECT_THAT(world.server.sent(), ElementsAre("SUBSCRIBE 2 a/# b"));
}

TEST(SubscribeTask, PrintsPayloadsALineEach) {
    Subscribing world(plan());
    world.receive("a", "1");
    world.receive("a", "");  // as mosquitto_sub: nothing at all
    world.receive("b", "two words");
    EXPECT_EQ(world.printed(), "1\ntwo words\n");
    EXPECT_FALSE(world.task.result());
}

TEST(SubscribeTask, PrintsTopicsToo) {
    auto loud = plan();
    loud.verbose = true;
    Subscribing world(std::move(loud));
    world.receive("a/b", "1");
    world.receive("a/c", "");
    EXPECT_EQ(world.printed(), "a/b 1\na/c (null)\n");
}

TEST(SubscribeTask, PrintsInAFormat) {
    auto formatted = plan();
    formatted.format = std::move(*MessageFormat::parse("%t=%J;"));
    formatted.end_of_line = false;
    Subscribing world(std::move(formatted));
    world.receive("a", "not JSON");  // told, and left out
    world.receive("b", "7");
    EXPECT_THAT(world.printed(), testing::StartsWith("b={"));
}

TEST(SubscribeTask, EndsAfterItsCount) {
    auto two = plan();
    two.count = 2;
    Subscribing world(std::move(two));
    world.receive("a", "1");
    EXPECT_FALSE(world.task.result());
    world.receive("a", "2");
    EXPECT_EQ(world.task.result(), kStatusGood);
    world.receive("a", "3");
    EXPECT_EQ(world.printed(), "1\n2\n");
}

TEST(SubscribeTask, LeavesOutStaleAndFilteredMessages) {
    auto some = plan();
    some.no_stale = true;
    some.filter_out = {"a/noise/#"};
    some.count = 1;
    Subscribing world(std::move(some));
    world.receive("a", "stale", true);
    world.receive("a/noise/1", "noise");
    EXPECT_FALSE(world.task.result());
    world.receive("a", "live");
    EXPECT_EQ(world.printed(), "live\n");
}

TEST(SubscribeTask, WithRetainedOnlyEndsAtTheFirstLiveMessage) {
    auto retained = plan();
    retained.retained_only = true;
    Subscribing world(std::move(retained));
    world.receive("a", "kept", true);
    world.receive("a", "live");
    EXPECT_EQ(world.printed(), "kept\n");
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(SubscribeTask, RemovesRetainedMessagesBeforeItEnds) {
    auto removing = plan();
    removing.remove_retained = true;
    removing.count = 1;
    Subscribing world(std::move(removing));
    world.server.sent();
    world.receive("a", "kept", true);
    EXPECT_FALSE(world.task.result());
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 2 q1 retain a="));
    EXPECT_FALSE(world.task.result());
    world.server.puback(2);
    EXPECT_THAT(world.turn(), IsEmpty());
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(SubscribeTask, FailsWhenEverySubscriptionIsRefused) {
    Subscribing world(plan());
    world.grant({0x87, 0x80});
    EXPECT_EQ(world.task.result(), kStatusFailed);
    Subscribing other(plan());
    other.grant({0x87, 0});
    EXPECT_FALSE(other.task.result());
    auto with_another = plan();
    with_another.unsubscribe = {"old"};
    Subscribing mixed(std::move(with_another));  // the answers may come in any order
    const Buffer not_authorized = {0x87};
    mixed.task.on_event(Unsubscribed{{.packet_id = {2}, .reasons = not_authorized}}, mixed.client,
                        mixed.server.now);
    mixed.grant({0x87, 0});
    EXPECT_FALSE(mixed.task.result());
}

TEST(SubscribeTask, MayEndOnceEverythingIsGranted) {
    auto leaving = plan();
    leaving.exit_after_subscribing = true;
    leaving.unsubscribe = {"old"};
    Subscribing world(leaving);
    EXPECT_THAT(world.server.sent(), ElementsAre("SUBSCRIBE 1 a/# b", "UNSUBSCRIBE 2"));
    world.grant({0, 1});
    EXPECT_FALSE(world.task.result());
    const Buffer none_existed = {0x11};
    world.task.on_event(Unsubscribed{{.packet_id = {2}, .reasons = none_existed}}, world.client,
                        world.server.now);
    EXPECT_EQ(world.task.result(), kStatusGood);
    Subscribing refused(std::move(leaving));
    refused.grant({0, 0x87});
    refused.task.on_event(Unsubscribed{{.packet_id = {2}}}, refused.client, refused.server.now);
    EXPECT_EQ(refused.task.result(), kStatusFailed);
}

TEST(SubscribeTask, FailsWhenItsOutputDoes) {
    std::FILE* full = std::fopen("/dev/full", "w");
    ASSERT_NE(full, nullptr);
    Subscribing world(plan());
    SubscribeTask task(plan(), full, world.reporter, 1);
    task.on_event(Received{{.topic = "a", .payload = as_bytes("x")}}, world.client,
                  world.server.now);
    task.on_turn(world.client, world.server.now, true);
    EXPECT_EQ(task.result(), kStatusFailed);
    std::fclose(full);
}

TEST(SubscribeTask, MayPrintNoneAtRandom) {
    auto silent = plan();
    silent.random_percent = 0;
    silent.count = 3;
    Subscribing world(std::move(silent));
    for (int i = 0; i < 3; ++i) world.receive("a", "x");
    EXPECT_EQ(world.printed(), "");
    EXPECT_EQ(world.task.result(), kStatusGood);
}

}  // namespace
}  // namespace godwit::client
