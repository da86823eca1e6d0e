// A broker whose number of shards changes between two starts: nobody notices. Each test stops it
// between two turns, whatever is under way, and starts it with more or fewer shards. Beside what
// the scripts see, the world compares what the old disks held with what the new ones hold.
#include "conformance/shards.h"

#include <set>

namespace godwit::conformance {
namespace {

using world::CoreHost;
using world::CoreOptions;
using world::World;

constexpr auto kAtLeastOnce = world::SubscribeOptions{.qos = 1};
constexpr auto kExactlyOnce = world::SubscribeOptions{.qos = 2};
constexpr auto kKill = CoreHost::Crash::Kill;

struct Change {
    uint16_t from, to;
};
class Reshard : public ::testing::TestWithParam<Change> {
protected:
    static CoreOptions options() {
        CoreOptions options{.shards = GetParam().from, .durable = true};
        options.options.limits.takeovers_max = 0;  // publishers here take over again and again
        return options;
    }
    static void there(World& world, Duration downtime = {}) {
        world.restart(CoreHost::Crash::PowerLoss, downtime, GetParam().to);
        ASSERT_EQ(world.shard_count(), GetParam().to);
    }
    static void back(World& world) { world.restart(kKill, {}, GetParam().from); }
};
std::string change_name(const ::testing::TestParamInfo<Change>& info) {
    return std::to_string(info.param.from) + "to" + std::to_string(info.param.to);
}
INSTANTIATE_TEST_SUITE_P(Changes, Reshard,
                         ::testing::Values(Change{1, 2}, Change{2, 1}, Change{1, 4}, Change{4, 1},
                                           Change{2, 3}, Change{3, 8}, Change{8, 4}, Change{4, 4}),
                         change_name);

TEST_P(Reshard, QueuesOfOfflineSessionsComeInOrderAndOnce) {
    World world(seed(), options());
    std::vector<Client> subs;
    for (int i = 0; i < 12; ++i) {
        subs.push_back(world.connect("s" + std::to_string(i), lasting()));
        subs.back().subscribe(i % 3 == 0 ? "t/#" : "t/" + std::to_string(i % 3), kExactlyOnce);
        subs.back().disconnect();
    }
    std::map<std::string, Messages> sent;  // by topic
    for (int i = 0; i < 90; ++i) {
        const std::string topic = "t/" + std::to_string(i % 3);
        sent[topic].push_back(std::to_string(i));
        world.connect("p" + std::to_string(i % 5)).publish(topic, sent[topic].back(), {.qos = 2});
    }
    there(world);
    for (size_t i = 0; i < subs.size(); ++i) {
        if (i == 6) back(world);
        subs[i].resume();
        EXPECT_TRUE(subs[i].session_present());
        std::map<std::string, Messages> got;
        for (const Publish& each : subs[i].publishes()) got[each.topic].push_back(each.payload);
        for (const auto& [topic, messages] : sent) {
            const bool subscribed = i % 3 == 0 || topic == "t/" + std::to_string(i % 3);
            EXPECT_EQ(got[topic], subscribed ? messages : Messages{}) << subs[i].id() << topic;
        }
    }
    there(world);
    for (Client& each : subs) EXPECT_EQ(each.resume().received(), Messages{}) << each.id();
}

TEST_P(Reshard, WhatIsInFlightKeepsItsIdAndItsPlace) {
    World world(seed(), options());
    std::vector<Client> subs;
    for (int i = 0; i < 6; ++i) {
        subs.push_back(world.connect("s" + std::to_string(i), by_hand(lasting())));
        subs.back().subscribe("t", kExactlyOnce);
    }
    Client pub = world.connect("p");
    for (int i = 0; i < 5; ++i) pub.publish("t", std::to_string(i), {.qos = uint8_t(1 + i % 2)});
    std::vector<std::vector<uint16_t>> before;
    for (Client& each : subs) {
        before.push_back(packet_ids(each.publishes()));
        each.pubrec(before.back()[1]);  // its PUBREL is owed from now on
        each.puback(before.back()[2]);
    }
    world.settle();
    there(world);
    back(world);
    for (size_t i = 0; i < subs.size(); ++i) {
        const auto& ids = before[i];
        const auto got = subs[i].resume().publishes();
        EXPECT_EQ(packet_ids(got), (std::vector<uint16_t>{ids[0], ids[3], ids[4]}));
        ASSERT_EQ(got.size(), 3u);
        EXPECT_EQ(got[0].payload + got[1].payload + got[2].payload, "034");
        EXPECT_TRUE(got[0].dup && got[1].dup && got[2].dup);
        ASSERT_EQ(subs[i].count(Type::Pubrel), 1u);
        EXPECT_EQ(subs[i].last(Type::Pubrel)->ack().packet_id.value, ids[1]);
    }
}

TEST_P(Reshard, Qos2PublisherThatRepeatsIsNotTakenTwice) {
    World world(seed(), options());
    Client sub = world.connect("s", lasting());
    sub.subscribe("t", kExactlyOnce).disconnect();
    std::vector<Client> pubs;
    for (uint16_t i = 0; i < 6; ++i) {
        pubs.push_back(world.connect("p" + std::to_string(i), by_hand(lasting())));
        pubs.back().publish("t", "1", {.qos = 2, .packet_id = uint16_t(i + 1)});
    }
    there(world);
    for (uint16_t i = 0; i < 6; ++i) {
        const auto id = uint16_t(i + 1);
        pubs[i].resume().publish("t", "1", {.qos = 2, .dup = true, .packet_id = id}).pubrel(id);
        pubs[i].publish("t", "2", {.qos = 2, .packet_id = id});
    }
    EXPECT_EQ(sub.resume().received(),
              (Messages{"1", "1", "1", "1", "1", "1", "2", "2", "2", "2", "2", "2"}));
}

TEST_P(Reshard, RetainedMessagesReachOldAndNewSubscriptions) {
    World world(seed(), options());
    Client pub = world.connect("p");
    std::set<std::string> values;
    for (int i = 0; i < 30; ++i) {
        const std::string topic = "r/" + std::to_string(i);
        for (const char* value : {"old", "new"})
            pub.publish(topic, value, {.qos = 1, .retain = true});
        if (i % 3 == 0) world.connect("q").publish(topic, "", {.qos = 1, .retain = true});
        if (i % 3 != 0) values.insert(topic);
    }
    for (const bool forth : {true, false}) {
        forth ? there(world) : back(world);
        Client wide = world.connect("w");
        wide.subscribe("r/#", kAtLeastOnce);
        std::set<std::string> got;
        for (const Publish& each : wide.publishes()) {
            EXPECT_EQ(each.payload, "new");
            got.insert(each.topic);
        }
        EXPECT_EQ(got, values);
        world.connect("p").publish("r/1", "new", {.qos = 1, .retain = true});
        EXPECT_EQ(wide.received(), Messages{"new"});
        Client exact = world.connect("e");
        exact.subscribe("r/1", kAtLeastOnce);
        EXPECT_EQ(exact.received(), Messages{"new"});
    }
}

TEST_P(Reshard, SharedGroupsKeepTheirQueuesAndMembers) {
    World world(seed(), options());
    const auto group = [](int i) { return "$share/g" + std::to_string(i) + "/t"; };
    std::vector<Client> members;
    for (int i = 0; i < 5; ++i) {
        members.push_back(world.connect("m" + std::to_string(i), by_hand(lasting())));
        members.back().subscribe(group(i), kExactlyOnce);
    }
    Client pub = world.connect("p");
    pub.publish("t", "taken", {.qos = 2}).publish("t", "unacknowledged", {.qos = 1});
    for (Client& each : members) EXPECT_EQ(each.received().size(), 2u);
    world.settle();
    for (Client& each : members) each.cut();
    for (const char* text : {"1", "2", "3"}) pub.publish("t", text, {.qos = 2});
    there(world);
    back(world);
    world.connect("p").publish("t", "4", {.qos = 2});
    for (int i = 0; i < 5; ++i) {
        const auto got = members[size_t(i)].resume().publishes();
        Messages texts;
        for (const Publish& each : got) texts.push_back(each.payload);
        EXPECT_EQ(texts, (Messages{"taken", "unacknowledged", "1", "2", "3", "4"}));
        EXPECT_TRUE(!got.empty() && got[0].dup);
    }
}

TEST_P(Reshard, DeadlinesComeWhenTheyWereDue) {
    World world(seed(), options());
    Client watcher = world.connect("w", lasting());
    watcher.subscribe("will/#", kAtLeastOnce);
    for (int i = 0; i < 5; ++i) {
        ConnectOptions doomed = lasting();
        doomed.will = world::WillOptions{
            .topic = "will/" + std::to_string(i), .payload = "dead", .qos = 1, .delay_s = 60};
        world.connect("d" + std::to_string(i), doomed).cut();
    }
    Client brief = world.connect("brief", {.expiry_s = 100});
    brief.disconnect();
    world::PublishOptions how{.qos = 1, .retain = true};
    how.properties.expiry_s = 90;
    world.connect("p").publish("kept", "fresh", how);
    world.advance(seconds(20));
    there(world, seconds(20));
    watcher.resume();
    world.advance(seconds(10));
    EXPECT_EQ(watcher.received(), Messages{});
    world.advance(seconds(11));
    EXPECT_EQ(watcher.received().size(), 5u);
    Client reader = world.connect("r");
    reader.subscribe("kept", kAtLeastOnce);
    const auto kept = reader.publishes();
    ASSERT_EQ(kept.size(), 1u);
    EXPECT_LE(*kept[0].expiry_s, 30u);
    world.advance(seconds(45));
    EXPECT_FALSE(brief.resume().session_present());
}

TEST_P(Reshard, WillsOfClientsThatWereOnlineComeOnce) {
    World world(seed(), options());
    Client watcher = world.connect("w", lasting());
    watcher.subscribe("will", kExactlyOnce).disconnect();
    for (int i = 0; i < 4; ++i) {
        ConnectOptions doomed = i % 2 == 0 ? lasting() : ConnectOptions{};
        doomed.will = world::WillOptions{.topic = "will", .payload = std::to_string(i), .qos = 2};
        world.connect("d" + std::to_string(i), doomed);
    }
    there(world);
    back(world);
    Messages got = watcher.resume().received();
    std::sort(got.begin(), got.end());
    EXPECT_EQ(got, (Messages{"0", "1", "2", "3"}));
}

// --- anything at any moment ---

/// Messages of QoS 2 that a client's application was given, repeats of a handshake left out.
std::vector<Publish> taken_by(Client client) {
    std::vector<Publish> all;
    std::set<uint16_t> open;  // PUBREL has not come
    for (const world::Packet& each : client.state().packets_) {
        if (each.type() == Type::Pubrel) open.erase(each.ack().packet_id.value);
        if (each.type() != Type::Publish) continue;
        Publish publish = world::publish_of(each.publish());
        if (publish.qos == Qos::ExactlyOnce && open.insert(publish.packet_id).second)
            all.push_back(std::move(publish));
    }
    return all;
}

/// Sessions, publishers and a group; the broker dies again and again and comes back with another
/// number of shards.
struct Upheaval {
    static constexpr size_t kPublishers = 4;

    explicit Upheaval(Trial& trial) : run(trial), world(trial.world) {
        for (int i = 0; i < 6; ++i) {
            subs.push_back(world.connect("s" + std::to_string(i), lasting()));
            subs.back().subscribe(i % 2 == 0 ? "t/#" : "t/+", kExactlyOnce);
        }
        for (int i = 0; i < 3; ++i) {
            members.push_back(world.connect("m" + std::to_string(i), lasting()));
            members.back().subscribe("$share/g/t/#", kExactlyOnce);
        }
        for (size_t i = 0; i < kPublishers; ++i)
            pubs.push_back(world.connect("p" + std::to_string(i), lasting()));
    }
    std::vector<Client> everybody() const {
        std::vector<Client> all = subs;
        all.insert(all.end(), members.begin(), members.end());
        all.insert(all.end(), pubs.begin(), pubs.end());
        return all;
    }
    void come_and_go() {
        for (Client each : everybody()) {
            if (!each.state().online())
                each.resume();
            else if (run.chance(20))
                each.cut();
        }
    }
    void publish_some() {
        for (size_t count = run.draw(25); count > 0; --count) {
            const size_t i = run.draw(kPublishers);
            if (!pubs[i].state().online()) continue;
            const uint16_t id = pubs[i].state().next_packet_id();
            const std::string text = std::to_string(i) + " " + std::to_string(id);
            pubs[i].push(world::publish_packet(Version::V5, "t/" + std::to_string(i), text,
                                               {.qos = 2, .packet_id = id}));
        }
        run.turns(run.draw(60), everybody());
    }
    void die() {
        const auto crash = run.chance(50) ? CoreHost::Crash::PowerLoss : kKill;
        world.restart(crash, {}, uint16_t(1 + run.draw(5)));
    }
    /// Payloads that a PUBREC told to be safe.
    std::set<std::string> acknowledged() {
        std::set<std::string> all;
        for (size_t i = 0; i < kPublishers; ++i)
            for (const world::Packet& each : pubs[i].state().packets_)
                if (each.type() == Type::Pubrec)
                    all.insert(std::to_string(i) + " " +
                               std::to_string(each.ack().packet_id.value));
        return all;
    }

    Trial& run;
    World& world;
    std::vector<Client> subs, members, pubs;
};

void expect_order(const std::vector<Publish>& taken, const std::string& who) {
    std::map<std::string, uint64_t> last;  // by publisher
    for (const Publish& each : taken) {
        const std::string publisher = each.payload.substr(0, 1);
        const uint64_t number = std::stoull(each.payload.substr(2));
        EXPECT_GT(number, last[publisher])
            << who << " got " << each.payload << " too late, or again";
        last[publisher] = number;
    }
}

TEST(ReshardUpheaval, NothingIsLostRepeatedOrOutOfOrder) {
    for (uint64_t i = 0; i < 15; ++i) {
        SCOPED_TRACE("GODWIT_SEED=" + std::to_string(seed() + i));
        Trial run(seed() + i, uint16_t(1 + i % 4), {.durable = true});
        Upheaval all(run);
        for (int round = 0; round < 6; ++round) {
            all.come_and_go();
            all.publish_some();
            all.die();
        }
        for (Client each : all.everybody()) each.resume();
        run.world.settle();
        const auto safe = all.acknowledged();
        EXPECT_FALSE(safe.empty());
        for (Client& sub : all.subs) {
            const auto taken = taken_by(sub);
            expect_order(taken, sub.id());
            std::set<std::string> texts;
            for (const Publish& each : taken) texts.insert(each.payload);
            for (const std::string& each : safe)
                EXPECT_TRUE(texts.contains(each)) << sub.id() << " lacks " << each;
        }
        std::set<std::string> by_group;
        for (Client& member : all.members)
            for (const Publish& each : taken_by(member))
                EXPECT_TRUE(by_group.insert(each.payload).second) << each.payload << " came twice";
        for (const std::string& each : safe)
            EXPECT_TRUE(by_group.contains(each)) << "no member got " << each;
        if (::testing::Test::HasFailure()) return;
    }
}

}  // namespace
}  // namespace godwit::conformance
