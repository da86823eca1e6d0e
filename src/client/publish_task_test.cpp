#include "client/publish_task.h"

#include "client/test_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace godwit::client {
namespace {

using mqtt::Qos;
using mqtt::ReasonCode;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using namespace std::chrono_literals;

/// A task that publishes through a client to a server, turn by turn. Lines come from a pipe.
struct Publishing {
    explicit Publishing(PublishTask::Plan plan, ProtocolLimits limits = {})
        : client({.client_id = "c"}, limits),
          task(std::move(plan), LineSource(make_pipe(), 1000), reporter) {
        server.accept();
    }

    TestServer::Lines turn(bool may_publish = true) {
        task.on_turn(client, server.now, may_publish);
        return server.sent();
    }
    void acknowledge(uint16_t id, ReasonCode reason = {}) {
        server.puback(id, reason);
        task.on_event(Published{.id = {id}, .reason = reason}, client, server.now);
    }
    void type(const std::string& text) {
        EXPECT_EQ(::write(keyboard.get(), text.data(), text.size()), ssize_t(text.size()));
        task.on_input();
    }
    void type_end() {
        keyboard.reset();
        task.on_input();
    }

    Reporter reporter{"test", true, false};
    os::Fd input, keyboard;
    ClientProtocol client;
    TestServer server{client};
    PublishTask task;

private:
    int make_pipe() {
        std::array<int, 2> ends{};
        EXPECT_EQ(::pipe(ends.data()), 0);
        input = os::Fd(ends[0]);
        keyboard = os::Fd(ends[1]);
        return input.get();
    }
};

PublishTask::Plan plan(Qos qos, uint32_t count = 1) {
    return {.message = {.topic = "t", .payload = "p", .qos = qos}, .count = count};
}

PublishTask::Plan lines(Qos qos) {
    return {.message = {.topic = "t", .qos = qos}, .lines = true};
}

TEST(PublishTask, IsDoneAtOnceAtQos0) {
    Publishing world(plan(Qos::AtMostOnce, 2));
    EXPECT_THAT(world.turn(false), IsEmpty());
    EXPECT_FALSE(world.task.result());
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 0 q0 t=p", "PUBLISH 0 q0 t=p"));
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(PublishTask, WaitsForTheAcknowledgement) {
    Publishing world(plan(Qos::AtLeastOnce));
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 1 q1 t=p"));
    EXPECT_FALSE(world.task.result());
    EXPECT_FALSE(world.task.next_deadline());
    world.acknowledge(1);
    world.turn();
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(PublishTask, FailsWhenTheMessageIsRefused) {
    Publishing world(plan(Qos::AtLeastOnce));
    world.turn();
    world.acknowledge(1, ReasonCode::NotAuthorized);
    world.turn();
    EXPECT_EQ(world.task.result(), kStatusFailed);
}

TEST(PublishTask, FailsWhenTheMessageCannotBeSent) {
    Publishing world(plan(Qos::AtMostOnce, 5));
    world.server.accept({.packet_bytes_max = 3});
    EXPECT_THAT(world.turn(), IsEmpty());
    EXPECT_EQ(world.task.result(), kStatusFailed);
}

TEST(PublishTask, RepeatsWithinTheWindow) {
    Publishing world(plan(Qos::AtLeastOnce, 3), {.inflight_max = 2});
    EXPECT_THAT(world.turn(), SizeIs(2));
    EXPECT_FALSE(world.task.next_deadline());
    world.acknowledge(1);
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 3 q1 t=p"));
    world.acknowledge(2);
    world.acknowledge(3);
    world.turn();
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(PublishTask, RepeatsAtItsPace) {
    auto slow = plan(Qos::AtMostOnce, 2);
    slow.delay = 5s;
    Publishing world(std::move(slow));
    EXPECT_THAT(world.turn(), SizeIs(1));
    EXPECT_EQ(world.task.next_deadline(), world.server.now + 5s);
    EXPECT_THAT(world.turn(), IsEmpty());
    world.server.now += 5s;
    EXPECT_THAT(world.turn(), SizeIs(1));
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(PublishTask, DoesNotQueueWithoutEnd) {
    auto endless = plan(Qos::AtMostOnce, 1'000'000);
    endless.message.payload = std::string(100'000, 'x');
    Publishing world(std::move(endless));
    EXPECT_THAT(world.turn(), SizeIs(11));  // the first above 1 MiB is the last
    EXPECT_LE(*world.task.next_deadline(), world.server.now);
}

TEST(PublishTask, PublishesLinesAsTheyCome) {
    Publishing world(lines(Qos::AtMostOnce));
    EXPECT_TRUE(world.task.wants_input());
    EXPECT_FALSE(world.task.next_deadline());
    world.type("a\nb\n");
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 0 q0 t=a", "PUBLISH 0 q0 t=b"));
    EXPECT_FALSE(world.task.result());
    world.type("last");
    world.type_end();
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 0 q0 t=last"));
    EXPECT_EQ(world.task.result(), kStatusGood);
}

TEST(PublishTask, ReadsNoFurtherThanTheWindow) {
    Publishing world(lines(Qos::AtLeastOnce), {.inflight_max = 1});
    world.type("a\nb\nc\n");
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 1 q1 t=a"));
    EXPECT_FALSE(world.task.wants_input());
    EXPECT_FALSE(world.task.next_deadline());
    world.acknowledge(1);
    EXPECT_THAT(world.turn(), ElementsAre("PUBLISH 2 q1 t=b"));
    EXPECT_FALSE(world.task.result());
}

TEST(PublishTask, GoesOnAfterALineThatWasRefused) {
    Publishing world(lines(Qos::AtLeastOnce));
    world.type("a\nb\n");
    world.turn();
    world.acknowledge(1, ReasonCode::QuotaExceeded);
    world.acknowledge(2);
    world.type_end();
    world.turn();
    EXPECT_EQ(world.task.result(), kStatusFailed);
}

}  // namespace
}  // namespace godwit::client
