// Memory that is nearly used up: what is refused, to whom, and what goes on. docs/limits.md says
// what is promised.
#include "conformance/conformance.h"

#include "broker/scarcity.h"
#include "world/statement.h"

namespace godwit::conformance {
namespace {

using broker::Loss;
using broker::Memory;
using world::CoreOptions;
using world::World;

struct Way {
    uint16_t shards;
    bool durable;
};
class Scarcity : public ::testing::TestWithParam<Way> {
protected:
    std::unique_ptr<World> world() const {
        return std::make_unique<World>(
            seed(), CoreOptions{.shards = GetParam().shards, .durable = GetParam().durable});
    }
    static void set(World& world, Memory memory) {
        world.core().set_memory(memory);
        world.settle();
    }
    /// The last shard, where what is told from the first must cross.
    static uint16_t far() { return uint16_t(GetParam().shards - 1); }
};
INSTANTIATE_TEST_SUITE_P(
    Ways, Scarcity, ::testing::Values(Way{1, false}, Way{3, false}, Way{1, true}, Way{3, true}),
    [](const auto& way) {
        return (way.param.durable ? "Durable" : "Memory") + std::to_string(way.param.shards);
    });

/// An offline session of the first shard that waits for "t".
Client waiter(World& world) {
    Client client = world.connect(world.id_on(0, "s"), lasting());
    client.subscribe("t", {.qos = 2}).disconnect();
    return client;
}

/// Names of the events that are about this client.
std::vector<std::string> events_of(World& world, const Client& client) {
    std::vector<std::string> names;
    for (const broker::Event& each : world.core().events)
        if (each.client == client.id()) names.emplace_back(each.name);
    return names;
}

bool has(const std::vector<std::string>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

TEST_P(Scarcity, MoreThanAFewBytesDoNotWait) {
    auto w = world();
    Client sub = waiter(*w), pub = w->connect(w->id_on(far(), "p"));
    set(*w, Memory::Scarce);
    const std::string payload(broker::kScarceQueueBytes / 4, 'x');
    for (size_t i = 0; i < 4; ++i) {
        pub.publish("t", payload, {.qos = 1});
        EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    }
    pub.publish("t", "y", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    EXPECT_TRUE(has(events_of(*w, pub), "publish_refused"));
    set(*w, Memory::Ample);
    pub.publish("t", "z", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
    EXPECT_EQ(sub.resume().received().size(), 5u);
}

TEST_P(Scarcity, WhoCannotBeToldIsNotRefusedAndTheLossIsCounted) {
    auto w = world();
    Client sub = waiter(*w), pub = w->connect_v311(w->id_on(far(), "p"));
    set(*w, Memory::Spent);
    pub.publish("t", "x", {.qos = 1});
    EXPECT_FALSE(pub.closed());
    w->settle();
    EXPECT_EQ(w->core().report(sub.id())->lost[Loss::MemoryFull], 1u);
    EXPECT_EQ(w->counters().lost[Loss::MemoryFull], 1u);
}

TEST_P(Scarcity, WhoIsThereMayFallALittleBehind) {
    auto w = world();
    ConnectOptions slow = by_hand();
    slow.receive_maximum = 1;
    Client sub = w->connect(w->id_on(0, "s"), slow), pub = w->connect(w->id_on(far(), "p"));
    sub.subscribe("t", {.qos = 1});
    set(*w, Memory::Spent);
    for (int i = 0; i < 20; ++i) {
        pub.publish("t", "x", {.qos = 1});
        EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success) << i;
    }
    pub.publish("t", std::string(broker::kScarceQueueBytes, 'x'), {.qos = 1});
    pub.publish("t", "y", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
}

TEST_P(Scarcity, AGroupWithoutAReadyMemberKeepsNoMore) {
    auto w = world();
    ConnectOptions slow = by_hand();
    slow.receive_maximum = 1;
    Client member = w->connect(w->id_on(0, "m"), slow), pub = w->connect(w->id_on(0, "p"));
    member.subscribe("$share/g/t", {.qos = 1});
    for (int i = 0; i < 3; ++i) pub.publish("t", "x", {.qos = 1});
    set(*w, Memory::Scarce);
    pub.publish("t", "y", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    set(*w, Memory::Ample);
    pub.publish("t", "z", {.qos = 1});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::Success);
}

TEST_P(Scarcity, WhoIsThereGetsItsMessages) {
    auto w = world();
    Client sub = w->connect(w->id_on(0, "s")), pub = w->connect(w->id_on(far(), "p"));
    sub.subscribe("t", {.qos = 2});
    set(*w, Memory::Spent);
    for (uint8_t qos : {0, 1, 2}) pub.publish("t", std::to_string(qos), {.qos = qos});
    EXPECT_EQ(sub.received(), (Messages{"0", "1", "2"}));
}

TEST_P(Scarcity, NothingNewIsRetainedButWhatIsThereMayChange) {
    auto w = world();
    Client pub = w->connect(w->id_on(0, "p"));
    const std::string topic = w->topic_on(far(), "t"), other = w->topic_on(far(), "u");
    pub.publish(topic, "old", {.qos = 1, .retain = true});
    set(*w, Memory::Scarce);
    pub.publish(topic, "new", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::NoMatchingSubscribers);
    pub.publish(topic, "much longer than before", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    pub.publish(other, "x", {.qos = 1, .retain = true});
    EXPECT_EQ(pub.ack_reason(Type::Puback), R::QuotaExceeded);
    set(*w, Memory::Ample);
    Client sub = w->connect("s").subscribe("#", {.qos = 1});
    EXPECT_EQ(sub.received(), Messages{"new"});
}

TEST_P(Scarcity, WhoCannotBeToldThatItIsNotRetainedIsNamed) {
    auto w = world();
    Client pub = w->connect_v311(w->id_on(0, "p"));
    set(*w, Memory::Scarce);
    pub.publish(w->topic_on(0, "t"), "x", {.qos = 1, .retain = true});
    EXPECT_TRUE(has(events_of(*w, pub), "retained_refused"));
    EXPECT_EQ(w->counters().retained, 0u);
}

TEST_P(Scarcity, WhoHasManySubscriptionsGetsNoMore) {
    auto w = world();
    Client many = w->connect("many"), few = w->connect("few");
    for (size_t i = 0; i < broker::kScarceSubscriptions; ++i)
        many.subscribe("t/" + std::to_string(i));
    set(*w, Memory::Scarce);
    EXPECT_EQ(many.subscribe("one/more").suback(), Codes{R::QuotaExceeded});
    EXPECT_EQ(many.subscribe("t/0", {.qos = 1}).suback(), Codes{R::GrantedQos1}) << "it has that";
    EXPECT_EQ(few.subscribe("one/more").suback(), Codes{R::Success});
    set(*w, Memory::Spent);
    EXPECT_EQ(few.subscribe("another").suback(), Codes{R::QuotaExceeded});
    set(*w, Memory::Ample);
    EXPECT_EQ(many.subscribe("one/more").suback(), Codes{R::Success});
}

TEST_P(Scarcity, NoSessionIsMadeWhenMemoryIsSpentAndThoseThatAreThereGoOn) {
    auto w = world();
    Client known = w->connect("known", lasting());
    known.disconnect();
    set(*w, Memory::Scarce);
    EXPECT_EQ(w->connect("first").connack_reason(), R::Success);
    set(*w, Memory::Spent);
    expect_refused(w->connect("second"), R::QuotaExceeded);
    EXPECT_EQ(known.resume().connack_reason(), R::Success);
    EXPECT_TRUE(known.session_present());
}

TEST_P(Scarcity, ALargePacketInPiecesIsNotWaitedFor) {
    auto w = world();
    Client large = w->connect("large"), small = w->connect("small");
    set(*w, Memory::Scarce);
    const Buffer bytes = world::publish_packet(
        Version::V5, "t", std::string(2 * broker::kScarcePacketBytes, 'x'), {});
    large.push(Bytes(bytes).first(bytes.size() / 4));
    w->settle();
    large.push(Bytes(bytes).subspan(bytes.size() / 4, 10));
    expect_disconnect(large, R::QuotaExceeded);
    const Buffer few = world::publish_packet(Version::V5, "t", std::string(1000, 'x'), {});
    small.push(Bytes(few).first(500));
    w->settle();
    small.push(Bytes(few).subspan(500));
    EXPECT_FALSE(small.ping().closed());
}

TEST_P(Scarcity, WhoHoldsMuchIsNamedAndWhenMemoryIsSpentDisconnected) {
    auto w = world();
    Client hoarder = w->connect("hoarder"), other = w->connect("other");
    const Buffer bytes =
        world::publish_packet(Version::V5, "t", std::string(2 * broker::kMuchBytes, 'x'), {});
    hoarder.push(Bytes(bytes).first(bytes.size() - 1));
    w->settle();
    set(*w, Memory::Scarce);
    EXPECT_TRUE(has(events_of(*w, hoarder), "holds_much"));
    EXPECT_FALSE(has(events_of(*w, other), "holds_much"));
    EXPECT_FALSE(hoarder.closed());
    set(*w, Memory::Spent);
    expect_disconnect(hoarder, R::QuotaExceeded);
    EXPECT_FALSE(other.ping().closed());
}

TEST_P(Scarcity, ALongTopicGetsNoAlias) {
    auto w = world();
    Client client = w->connect("c"), other = w->connect("d");
    set(*w, Memory::Scarce);
    other.publish("t", "x", {.topic_alias = 1}).publish("", "y", {.topic_alias = 1});
    EXPECT_FALSE(other.ping().closed());
    client.publish(std::string(broker::kScarceAliasBytes + 1, 't'), "x", {.topic_alias = 1});
    expect_disconnect(client, R::QuotaExceeded);
}

TEST_P(Scarcity, AllOfItIsToldOnce) {
    auto w = world();
    for (const Memory memory : {Memory::Scarce, Memory::Spent, Memory::Spent, Memory::Ample})
        set(*w, memory);
    std::vector<std::string> told;
    for (const broker::Event& each : w->core().events) told.emplace_back(each.name);
    std::erase_if(told, [](const std::string& name) { return name.rfind("memory_", 0) != 0; });
    EXPECT_EQ(told, (std::vector<std::string>{"memory_scarce", "memory_spent", "memory_ample"}));
}

}  // namespace
}  // namespace godwit::conformance
