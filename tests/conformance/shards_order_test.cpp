// Across shards: order for each publisher, topic and QoS; QoS 2 exactly once; packet identifiers.
// Connections break and come back at any moment.
#include "conformance/shards.h"

namespace godwit::conformance {
namespace {

/// Breaks the connection whatever is under way, and dials again with a CONNECT. One that has seen
/// no CONNACK is left alone: its CONNECT might come late and take over its successor.
void break_and_return(Trial& run, Client client, const std::vector<Client>& all) {
    if (!client.state().online()) return;
    client.state().link_->cut();
    client.state().online_ = false;
    run.turns(run.draw(6), all);
    auto options = next_time(client.state().options_);
    options.receive_maximum = uint16_t(1 + run.draw(10));  // perhaps less than is in flight
    client.state().dial(options);
    client.push(world::connect_packet(client.id(), options));
}

/// What a receiver that keeps the protocol has taken: a QoS 2 identifier that is not released yet
/// means the same message again.
std::vector<Publish> taken(Client client) {
    std::vector<Publish> all;
    std::set<uint16_t> unreleased;
    for (const world::Packet& each : client.state().packets_) {
        if (each.type() == Type::Pubrel) unreleased.erase(each.ack().packet_id.value);
        if (each.type() != Type::Publish) continue;
        const mqtt::Publish publish = each.publish();
        const bool twice =
            publish.qos == Qos::ExactlyOnce && !unreleased.insert(publish.packet_id.value).second;
        if (!twice) all.push_back(world::publish_of(publish));
    }
    return all;
}

using Streams = std::map<std::string, std::vector<uint64_t>>;  // by publisher, topic and QoS

/// First arrivals only: what QoS 1 sends again after a cut may come after newer ones.
Streams streams_of(const std::vector<Publish>& publishes) {
    Streams streams;
    std::map<std::string, std::set<uint64_t>> seen;
    for (const Publish& each : publishes) {
        const std::string stream =
            *each.content_type + " " + each.topic + " " + std::to_string(int(each.qos));
        if (seen[stream].insert(number_of(each)).second) streams[stream].push_back(number_of(each));
    }
    return streams;
}

struct Publishers {
    std::vector<Client> clients;
    std::map<std::string, uint64_t> sent;
    uint16_t last_id = 0;

    explicit Publishers(Trial& run) {
        for (int i = 0; i < 3; ++i)
            clients.push_back(run.world.connect(run.id_anywhere("p" + std::to_string(i))));
    }
    void publish_one(Trial& run, uint8_t least_qos) {
        const size_t who = run.draw(clients.size());
        const auto qos = uint8_t(least_qos + run.draw(3u - least_qos));
        const std::string topic = "t/" + std::to_string(run.draw(2));
        const std::string name = std::to_string(who);
        world::PublishOptions options{.qos = qos};
        if (qos > 0) options.packet_id = ++last_id;
        options.properties.content_type = name;
        const uint64_t number = ++sent[name + " " + topic + " " + std::to_string(qos)];
        clients[who].push(
            world::publish_packet(Version::V5, topic, std::to_string(number), options));
    }
    Streams expected() const {
        Streams streams;
        for (const auto& [stream, count] : sent) streams[stream] = count_up(1, count);
        return streams;
    }
};

TEST(Order, HoldsForEachPublisherTopicAndQos) {
    for_all_runs([](Trial& run) {
        Publishers publishers(run);
        std::vector<Client> all = publishers.clients;
        std::vector<Client> subscribers;
        for (uint16_t i = 0; i < 2; ++i) {
            auto subscriber = run.world.connect(run.id_anywhere("s" + std::to_string(i)),
                                                {.receive_maximum = uint16_t(2 + run.draw(9))});
            subscribers.push_back(subscriber.subscribe("t/#", {.qos = 2}));
            all.push_back(subscriber);
        }
        for (int i = 0; i < 80; ++i) {
            publishers.publish_one(run, 0);
            run.turns(run.draw(4), all);
        }
        run.world.settle();
        for (Client& each : subscribers) EXPECT_EQ(streams_of(taken(each)), publishers.expected());
    });
}

TEST(Order, HoldsAcrossResumes) {
    for_all_runs([](Trial& run) {
        Publishers publishers(run);
        std::vector<Client> all = publishers.clients;
        auto subscriber = run.world.connect(
            run.id_anywhere("s"), lasting({.receive_maximum = uint16_t(2 + run.draw(9))}));
        subscriber.subscribe("t/#", {.qos = 2});
        all.push_back(subscriber);
        for (int i = 0; i < 60; ++i) {
            publishers.publish_one(run, 1);
            run.turns(run.draw(4), all);
            if (run.chance(8)) break_and_return(run, subscriber, all);
        }
        run.world.settle();
        EXPECT_EQ(streams_of(taken(subscriber)), publishers.expected());
    });
}

// --- QoS 2 ---

/// A publisher that keeps the protocol across cuts: PUBLISH again until PUBREC, PUBREL until
/// PUBCOMP.
struct Qos2Sender {
    Client client;
    std::map<uint16_t, uint64_t> unreceived;  // identifier -> number
    std::set<uint16_t> unreleased;            // PUBREC came
    size_t looked_at = 0;
    uint16_t last_id = 0;

    Buffer packet_of(uint16_t id, bool dup) const {
        return world::publish_packet(Version::V5, "t", std::to_string(unreceived.at(id)),
                                     {.qos = 2, .dup = dup, .packet_id = id});
    }
    void send(uint64_t number) {
        unreceived[++last_id] = number;
        client.push(packet_of(last_id, false));
    }
    /// Takes note of what has come.
    void look() {
        const auto& packets = client.state().packets_;
        for (; looked_at < packets.size(); ++looked_at) {
            const world::Packet& each = packets[looked_at];
            if (each.type() == Type::Pubrec) {
                unreceived.erase(each.ack().packet_id.value);
                unreleased.insert(each.ack().packet_id.value);
            }
            if (each.type() == Type::Pubcomp) unreleased.erase(each.ack().packet_id.value);
        }
    }
    void break_and_resend(Trial& run, const std::vector<Client>& all) {
        if (!client.state().online()) return;
        break_and_return(run, client, all);
        look();
        for (const auto& [id, number] : unreceived) client.push(packet_of(id, true));
        for (const uint16_t id : unreleased) {
            Buffer out;
            mqtt::encode_pubrel(out, Version::V5, {{id}, {}, {}, {}});
            client.push(out);
        }
    }
};

TEST(Qos2, IsExactlyOnceAcrossCutsOnBothSides) {
    for_all_runs([](Trial& run) {
        Qos2Sender sender{run.world.connect(run.id_anywhere("p"), lasting()), {}, {}, 0, 0};
        auto subscriber = run.world.connect(
            run.id_anywhere("s"), lasting({.receive_maximum = uint16_t(1 + run.draw(10))}));
        subscriber.subscribe("t", {.qos = 2});
        const std::vector<Client> all{sender.client, subscriber};
        for (uint64_t number = 1; number <= 40; ++number) {
            sender.send(number);
            run.turns(run.draw(6), all);
            sender.look();
            if (run.chance(8)) sender.break_and_resend(run, all);
            if (run.chance(8)) break_and_return(run, subscriber, all);
        }
        run.world.settle();
        sender.look();
        EXPECT_TRUE(sender.unreceived.empty() && sender.unreleased.empty());
        auto got = numbers(taken(subscriber));
        std::ranges::sort(got);
        EXPECT_EQ(got, count_up(1, 40));
        EXPECT_EQ(run.world.counters().inflight, 0u);
    });
}

TEST(Qos2, IsExactlyOnceAcrossTakeovers) {
    for_all_runs([](Trial& run) {
        const std::string id = run.id_anywhere("s");
        std::vector<Client> lives{run.world.connect(id, lasting()).subscribe("t", {.qos = 2})};
        auto publisher = run.world.connect(run.id_anywhere("p"));
        std::vector<Client> all{publisher, lives[0]};
        for (uint16_t number = 1; number <= 40; ++number) {
            publisher.push(world::publish_packet(Version::V5, "t", std::to_string(number),
                                                 {.qos = 2, .packet_id = number}));
            run.turns(run.draw(5), all);
            if (!run.chance(10)) continue;
            lives.push_back(run.world.dial(next_time(lasting())));
            lives.back().push(world::connect_packet(id, next_time(lasting())));
            all.push_back(lives.back());
            run.world.settle();  // the receiver is one: its books go from connection to connection
        }
        run.world.settle();
        std::set<uint16_t> unreleased;
        std::vector<uint64_t> got;
        for (Client& life : lives) {
            for (const world::Packet& each : life.state().packets_) {
                if (each.type() == Type::Pubrel) unreleased.erase(each.ack().packet_id.value);
                if (each.type() == Type::Publish &&
                    unreleased.insert(each.publish().packet_id.value).second)
                    got.push_back(number_of(world::publish_of(each.publish())));
            }
        }
        std::ranges::sort(got);
        EXPECT_EQ(got, count_up(1, 40));
    });
}

// --- packet identifiers ---

TEST(PacketIdentifiers, StartAt1CountUpAndNeverMeetOneInFlight) {
    for_all_runs([](Trial& run) {
        auto options = by_hand(lasting());
        auto subscriber = run.world.connect(run.id_anywhere("s"), options);
        subscriber.subscribe("t", {.qos = 2});
        auto publisher = run.world.connect(run.id_anywhere("p"));
        std::set<uint16_t> in_flight;
        uint16_t expected = 1;
        for (int i = 0; i < 40; ++i) {
            publisher.publish("t", "x", {.qos = uint8_t(1 + run.draw(2))});
            for (const Publish& each : subscriber.publishes()) {
                if (each.dup) {
                    EXPECT_TRUE(in_flight.contains(each.packet_id));
                    continue;
                }
                EXPECT_EQ(each.packet_id, expected++);
                EXPECT_TRUE(in_flight.insert(each.packet_id).second);
                if (!run.chance(60)) continue;
                in_flight.erase(each.packet_id);
                if (each.qos == Qos::AtLeastOnce)
                    subscriber.puback(each.packet_id);
                else
                    subscriber.pubrec(each.packet_id).pubcomp(each.packet_id);
            }
            if (run.chance(10)) subscriber.resume();
        }
        EXPECT_EQ(run.world.counters().inflight, in_flight.size());
    });
}

/// The identifier that follows, past those in flight.
uint16_t id_after(uint16_t last, const std::set<uint16_t>& in_flight) {
    do {
        if (++last == 0) last = 1;
    } while (in_flight.contains(last));
    return last;
}

void wrap_around_those_in_flight(uint16_t shards) {
    Trial run(seed(), shards, {.options = {}, .cut_bytes = false});
    auto subscriber = run.world.connect(run.id_anywhere("s"), by_hand(lasting()));
    subscriber.subscribe("t", {.qos = 2});
    auto publisher = run.world.connect(run.id_anywhere("p"));
    const std::set<uint16_t> kept{1, 2, 5, 700, 65535};
    uint16_t last = 0;
    size_t seen = 0;
    for (int batch = 0; batch < 70; ++batch) {
        Buffer out, acks;
        for (uint16_t i = 1; i <= 1000; ++i)
            put_bytes(out,
                      world::publish_packet(Version::V5, "t", "x", {.qos = 1, .packet_id = i}));
        publisher.raw(out);
        for (const Publish& each : subscriber.publishes()) {
            last = id_after(last, seen >= 65'535 ? kept : std::set<uint16_t>{});
            EXPECT_EQ(each.packet_id, last);
            ++seen;
            if (!kept.contains(each.packet_id))
                mqtt::encode_puback(acks, Version::V5, {{each.packet_id}, {}, {}, {}});
        }
        subscriber.raw(acks);
        if (batch == 33) subscriber.resume().publishes();
    }
    EXPECT_EQ(seen, 70'000u);
}

TEST(PacketIdentifiers, WrapAroundThoseInFlight) {
    for (const uint16_t shards : {1, 2, 4})
        ASSERT_NO_FATAL_FAILURE(wrap_around_those_in_flight(shards));
}

}  // namespace
}  // namespace godwit::conformance
