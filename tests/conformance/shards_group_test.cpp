// Across shards: shared subscriptions. Members, publishers and the group's home are anywhere.
#include "conformance/shards.h"

namespace godwit::conformance {
namespace {

constexpr const char* kShared = "$share/g/t/#";

Buffer message(uint64_t number, uint8_t qos) {
    return world::publish_packet(Version::V5, "t/" + std::to_string(number % 3),
                                 std::to_string(number),
                                 {.qos = qos, .packet_id = uint16_t(qos > 0 ? number : 0)});
}

/// A group whose members acknowledge QoS 1 by hand. The books: who holds which number, and who has
/// acknowledged it. Every step settles, so a message is never under way when one looks.
struct Group {
    struct Member {
        Client client;
        std::vector<std::pair<uint16_t, uint64_t>> held;  // packet id and number
        bool online = true;
    };
    Trial& run;
    std::vector<Member> members;
    Client publisher;
    uint64_t sent = 0;
    std::map<uint64_t, int> acked;  // number -> how often

    explicit Group(Trial& a_trial)
        : run(a_trial), publisher(a_trial.world.connect(a_trial.id_anywhere("p"))) {
        for (int i = 0; i < 3; ++i) {
            auto client = run.world.connect(run.id_anywhere("m" + std::to_string(i)),
                                            by_hand(lasting({.receive_maximum = 8})));
            client.subscribe(kShared, {.qos = 1});
            members.push_back({client, {}, true});
        }
    }
    void take() {
        run.world.settle();
        for (Member& each : members) {
            for (const Publish& publish : each.client.publishes()) {
                EXPECT_TRUE(each.online) << "an offline member was fed";
                each.held.push_back({publish.packet_id, number_of(publish)});
            }
        }
        std::set<uint64_t> held;
        for (const Member& each : members)
            for (const auto& [id, number] : each.held)
                EXPECT_TRUE(held.insert(number).second) << number << " is with two members";
    }
    void publish(size_t count) {
        for (; count > 0; --count) publisher.push(message(++sent, 1));
        take();
    }
    void acknowledge(Member& member, size_t count) {
        for (; count > 0 && member.online && !member.held.empty(); --count) {
            const auto [id, number] = member.held.front();
            member.held.erase(member.held.begin());
            ++acked[number];
            member.client.puback(id);
        }
        take();
    }
    void leave(Member& member) {
        if (!member.online) return;
        member.online = false;
        member.held.clear();  // another's now
        if (run.chance(50))
            member.client.cut();
        else
            member.client.disconnect();
        take();
    }
    void come_back(Member& member) {
        if (member.online) return;
        member.online = true;
        member.client.resume();
        take();
    }
    Member& any() { return members[run.draw(members.size())]; }
};

TEST(SharedGroup, EachMessageIsAcknowledgedByOneMemberWhoeverComesAndGoes) {
    for_all_runs([](Trial& run) {
        Group group(run);
        for (int step = 0; step < 25; ++step) {
            const size_t dice = run.draw(10);
            if (dice < 4)
                group.publish(1 + run.draw(4));
            else if (dice < 7)
                group.acknowledge(group.any(), 1 + run.draw(4));
            else if (dice < 8)
                group.leave(group.any());
            else
                group.come_back(group.any());
        }
        for (auto& each : group.members) group.come_back(each);
        for (int round = 0; round < 50; ++round)  // what waited comes as room is made
            for (auto& each : group.members) group.acknowledge(each, 100);
        EXPECT_EQ(group.acked.size(), group.sent) << "a message was lost";
        for (const auto& [number, times] : group.acked)
            EXPECT_EQ(times, 1) << number << " went to two members";
        EXPECT_EQ(run.world.counters().lost[broker::Loss::SessionEnd], 0u);
    });
}

TEST(SharedGroup, SubackMeansThatEveryShardFeedsTheGroup) {
    for_all_runs([](Trial& run) {
        std::vector<Client> all;
        for (uint16_t i = 0; i < run.world.shard_count(); ++i)
            all.push_back(run.world.connect(run.world.id_on(i, "p")));
        auto member = run.world.connect(run.id_anywhere("m"));
        all.push_back(member);
        member.push(packet("82 # 0001 () '$share/g/t/#' 01"));
        for (int i = 0; i < 10'000 && member.state().count(Type::Suback) == 0; ++i)
            run.turns(1, all);
        ASSERT_EQ(member.state().count(Type::Suback), 1u);
        for (uint16_t i = 0; i < run.world.shard_count(); ++i) all[i].push(message(1, 1));
        EXPECT_EQ(member.received().size(), run.world.shard_count());
    });
}

TEST(SharedGroup, OnlyOnlineMembersAreFed) {
    for_all_runs([](Trial& run) {
        Group group(run);
        group.leave(group.members[0]);
        group.leave(group.members[1]);
        group.publish(6);  // one member has room for all of them
        EXPECT_EQ(group.members[2].held.size(), 6u);
        group.come_back(group.members[0]);
        group.come_back(group.members[1]);
        EXPECT_EQ(group.members[0].held.size() + group.members[1].held.size(), 0u);
    });
}

TEST(SharedGroup, LeaversUnacknowledgedMessagesGoToAnother) {
    for_all_runs([](Trial& run) {
        Group group(run);
        group.publish(9);
        auto& leaver = group.any();
        const auto held = leaver.held;
        ASSERT_FALSE(held.empty());
        group.leave(leaver);
        std::set<uint64_t> now;
        for (const auto& each : group.members)
            for (const auto& [id, number] : each.held) now.insert(number);
        EXPECT_EQ(now.size(), 9u);
    });
}

TEST(SharedGroup, MessagesWaitWhileNobodyIsOnline) {
    for_all_runs([](Trial& run) {
        Group group(run);
        for (auto& each : group.members) group.leave(each);
        group.publish(5);
        auto& first = group.any();
        group.come_back(first);
        EXPECT_EQ(first.held.size(), 5u);
    });
}

TEST(SharedGroup, LeaverThatUnsubscribesFinishesWhatItHolds) {
    for_all_runs([](Trial& run) {
        Group group(run);
        group.publish(9);
        auto& leaver = group.any();
        leaver.client.unsubscribe(kShared);
        group.publish(3);
        const size_t held = leaver.held.size();
        group.acknowledge(leaver, 100);
        EXPECT_EQ(leaver.held.size(), 0u);
        EXPECT_EQ(group.acked.size(), held);
        for (auto& each : group.members) group.acknowledge(each, 100);
        EXPECT_EQ(group.acked.size(), 12u);
    });
}

/// A member of two groups leaves one, holding a message of it, and loses its connection: the
/// message stays its own to finish, or goes to another when its session ends.
TEST(SharedGroup, NothingIsLostByUnsubscribingAndBreakingDown) {
    for_all_runs([](Trial& run) {
        const bool session_ends = run.chance(50), in_other_group = run.chance(50),
                   last_member = !session_ends && run.chance(50);
        auto leaver = run.world.connect(run.id_anywhere("m"), by_hand(lasting()));
        if (in_other_group) leaver.subscribe("$share/h/other", {.qos = 1});
        leaver.subscribe(kShared, {.qos = 1});
        auto publisher = run.world.connect(run.id_anywhere("p"));
        publisher.publish("t/1", "1", {.qos = 1});
        EXPECT_EQ(leaver.received(), Messages{"1"});
        auto other = run.world.connect(run.id_anywhere("o"), lasting());
        if (!last_member) other.subscribe(kShared, {.qos = 1});
        leaver.unsubscribe(kShared);
        leaver.cut();
        Messages got = other.received();
        if (session_ends) {
            leaver.reconnect({});  // a clean start
            for (const auto& each : other.received()) got.push_back(each);
        } else {
            leaver.resume();
        }
        for (const auto& each : leaver.received()) got.push_back(each);
        EXPECT_EQ(got, Messages{"1"});
    });
}

TEST(SharedGroup, Qos2UnderWayCompletesWithTheSameMember) {
    for_all_runs([](Trial& run) {
        std::vector<Client> members;
        for (int i = 0; i < 2; ++i) {
            members.push_back(
                run.world.connect(run.id_anywhere("m" + std::to_string(i)), by_hand(lasting())));
            members.back().subscribe(kShared, {.qos = 2});
        }
        auto publisher = run.world.connect(run.id_anywhere("p"));
        publisher.raw(message(1, 2));
        const bool first_took = members[0].state().publishes_.size() == 1;
        Client taker = members[first_took ? 0 : 1], other = members[first_took ? 1 : 0];
        const auto got = taker.publishes();
        ASSERT_EQ(got.size(), 1u);
        taker.cut();
        run.world.settle();
        EXPECT_EQ(other.received(), Messages{});
        taker.resume();
        const auto again = taker.publishes();
        ASSERT_EQ(again.size(), 1u);
        EXPECT_TRUE(again[0].dup);
        EXPECT_EQ(again[0].packet_id, got[0].packet_id);
        taker.pubrec(got[0].packet_id);
        ASSERT_NE(taker.last(Type::Pubrel), nullptr);
        taker.resume();  // after PUBREC: the PUBREL comes again, the message does not
        EXPECT_EQ(taker.types(), (Types{Type::Connack, Type::Pubrel}));
        taker.pubcomp(got[0].packet_id);
        taker.resume();
        EXPECT_EQ(taker.types(), Types{Type::Connack});
        EXPECT_EQ(other.received(), Messages{});
    });
}

TEST(SharedGroup, Qos2OfAnEndedSessionGoesToNobody) {
    for_all_runs([](Trial& run) {
        auto taker = run.world.connect(run.id_anywhere("m"), by_hand(lasting()));
        taker.subscribe(kShared, {.qos = 2});
        auto publisher = run.world.connect(run.id_anywhere("p"));
        publisher.raw(message(1, 2));
        EXPECT_EQ(taker.received(), Messages{"1"});
        auto other = run.world.connect(run.id_anywhere("o")).subscribe(kShared, {.qos = 2});
        taker.cut();
        taker.reconnect({});                      // a clean start
        EXPECT_EQ(other.received(), Messages{});  // [MQTT5-4.8.2-5]
    });
}

/// With everything under way at once: no step waits for another to settle.
TEST(SharedGroup, NothingIsLostWhileMembersComeAndGoAndMessagesFly) {
    for_all_runs([](Trial& run) {
        std::vector<Client> all;
        for (int i = 0; i < 3; ++i) {
            all.push_back(run.world.connect(run.id_anywhere("m" + std::to_string(i)), lasting()));
            all.back().subscribe(kShared, {.qos = 1});
        }
        auto publisher = run.world.connect(run.id_anywhere("p"));
        all.push_back(publisher);
        for (uint64_t number = 1; number <= 60; ++number) {
            publisher.push(message(number, 1));
            run.turns(run.draw(4), all);
            Client member = all[run.draw(3)];
            if (run.chance(10)) member.state().link_->cut();
            if (!run.chance(20) || !member.state().closed()) continue;
            auto options = next_time(lasting());
            member.state().dial(options);
            member.push(world::connect_packet(member.id(), options));
        }
        run.world.settle();
        for (int i = 0; i < 3; ++i) all[i].resume();
        run.world.settle();
        std::set<uint64_t> got;
        for (int i = 0; i < 3; ++i)
            for (const uint64_t number : numbers(all[i].publishes())) got.insert(number);
        EXPECT_EQ(got.size(), 60u);
    });
}

TEST(SharedGroup, NothingGoesToTwoMembersWhileAllAreOnline) {
    for_all_runs([](Trial& run) {
        std::vector<Client> all;
        for (int i = 0; i < 4; ++i) {
            all.push_back(run.world.connect(run.id_anywhere("m" + std::to_string(i))));
            all.back().subscribe(kShared, {.qos = uint8_t(i % 3)});
        }
        for (int i = 0; i < 2; ++i)
            all.push_back(run.world.connect(run.id_anywhere("p" + std::to_string(i))));
        for (uint64_t number = 1; number <= 60; ++number) {
            all[4 + run.draw(2)].push(message(number, uint8_t(number % 3)));
            run.turns(run.draw(4), all);
        }
        std::vector<uint64_t> got;
        for (int i = 0; i < 4; ++i)
            for (const uint64_t number : numbers(all[i].publishes())) got.push_back(number);
        std::ranges::sort(got);
        EXPECT_EQ(got, count_up(1, 60));
    });
}

}  // namespace
}  // namespace godwit::conformance
