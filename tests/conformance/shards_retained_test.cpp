// Across shards: retained against live messages. One writer a topic, with numbers that count up;
// a subscription that begins in the middle must see no older number after a newer one, and miss
// none that it could have had.
#include "conformance/shards.h"

namespace godwit::conformance {
namespace {

struct Sent {
    bool retain = false;
    bool empty = false;  // a retained message is taken away
};

/// The only writer of one topic; number N is sent[N - 1].
struct Writer {
    Client client;
    std::string topic;
    uint8_t qos = 1;
    std::vector<Sent> sent;
    uint16_t last_id = 0;

    /// The number travels as content type too: a removal has no payload.
    Buffer next(Sent what) {
        sent.push_back(what);
        const std::string number = std::to_string(sent.size());
        world::PublishOptions options{.qos = qos, .retain = what.retain, .packet_id = ++last_id};
        options.properties.content_type = number;
        return world::publish_packet(Version::V5, topic, what.empty ? "" : number, options);
    }
    uint64_t acknowledged() { return client.state().count(qos == 1 ? Type::Puback : Type::Pubrec); }
};

enum class Mix : uint8_t { RetainOnly, WithLive, WithRemovals };

Sent draw_message(Trial& run, Mix mix) {
    if (mix == Mix::RetainOnly) return {true, false};
    if (mix == Mix::WithRemovals && run.chance(25)) return {true, true};
    return {run.chance(50), false};
}

/// What a subscription can have had of one topic, as counts of messages sent.
struct Moments {
    uint64_t acked = 0;     // acknowledged when the SUBSCRIBE left
    uint64_t known = 0;     // sent when the SUBACK had come
    uint64_t replayed = 0;  // sent when the kept values had come for sure
};

/// What was kept between the replayed value (0: none) and the first live one would have been
/// replayed in its place, unless a younger kept value, seen live, came over it meanwhile.
bool misses_kept_value(const Writer& writer, uint64_t replayed, uint64_t live_from,
                       const Moments& moments) {
    if (replayed == 0)
        for (uint64_t n = live_from; n <= moments.replayed; ++n)
            if (writer.sent[n - 1].retain) return false;
    bool missed = false;
    for (uint64_t n = replayed + 1; n < live_from; ++n)
        if (writer.sent[n - 1].retain) missed = !writer.sent[n - 1].empty || replayed != 0;
    return missed;
}

void judge(const Writer& writer, const std::vector<Publish>& seen, const Moments& moments) {
    SCOPED_TRACE(writer.topic);
    const uint64_t end = writer.sent.size();
    uint64_t last = 0, replayed = 0, live_from = end + 1;
    for (const Publish& each : seen) {
        const uint64_t number = std::stoull(*each.content_type);
        EXPECT_GT(number, last) << "an older value after a newer one, or one twice";
        if (each.retain) {
            EXPECT_EQ(last, 0u) << "the kept value comes once and first";
            EXPECT_TRUE(writer.sent[number - 1].retain && !writer.sent[number - 1].empty);
            replayed = number;
        } else if (live_from > end) {
            live_from = number;
        } else {
            EXPECT_EQ(number, last + 1) << "a gap in the live messages";
        }
        last = number;
    }
    EXPECT_TRUE(live_from > end || last == end) << "misses the end";
    EXPECT_GT(live_from, moments.acked);
    EXPECT_LE(live_from, moments.known + 1) << "misses one that was sent after SUBACK";
    EXPECT_FALSE(misses_kept_value(writer, replayed, live_from, moments))
        << "misses a kept value; replayed " << replayed << ", live from " << live_from;
}

struct Scene {
    std::vector<Writer> writers;
    std::vector<Client> clients;

    explicit Scene(Trial& run, uint8_t qos = 1) {
        for (uint16_t i = 0; i < 4; ++i) {
            const auto shard = uint16_t(run.draw(4));
            auto client = run.world.connect(run.world.id_on(shard, "p" + std::to_string(i)),
                                            qos == 2 ? lasting() : ConnectOptions{});
            const auto home = uint16_t(run.draw(4));
            writers.push_back(
                {client, run.world.topic_on(home, "a/" + std::to_string(i)), qos, {}, 0});
            clients.push_back(client);
        }
    }
    /// Some messages of random writers, under way at once.
    void publish(Trial& run, Mix mix, size_t count) {
        for (; count > 0; --count) {
            Writer& writer = writers[run.draw(writers.size())];
            writer.client.push(writer.next(draw_message(run, mix)));
            run.turns(run.draw(4), clients);
        }
    }
};

Buffer subscribe_packet(std::string_view filter) {
    std::vector<mqtt::SubscribeEntry> entries{{filter, {.qos = Qos::AtLeastOnce}}};
    Buffer out;
    mqtt::encode_subscribe(out, Version::V5, {.packet_id = {9999}, .entries = entries});
    return out;
}

void judge_all(Scene& scene, Client subscriber, const std::string& filter,
               const std::vector<Moments>& moments) {
    std::map<std::string, std::vector<Publish>> seen;
    for (const Publish& each : subscriber.publishes()) seen[each.topic].push_back(each);
    for (size_t i = 0; i < scene.writers.size(); ++i) {
        const Writer& writer = scene.writers[i];
        if (filter.ends_with('#') || filter.ends_with('+') || filter == writer.topic)
            judge(writer, seen[writer.topic], moments[i]);
    }
}

/// Goes on until a packet of this type has come.
void await(Trial& run, const Scene& scene, Client client, Type type) {
    for (int i = 0; i < 100'000 && client.state().count(type) == 0; ++i)
        run.turns(1, scene.clients);
    ASSERT_NE(client.state().count(type), 0u);
}

/// One subscription into running streams. `prepare` may put other subscribers beside it.
template <class Prepare>
void subscribe_into_streams(Trial& run, Mix mix, Prepare&& prepare, uint8_t qos = 1) {
    Scene scene(run, qos);
    prepare(scene);
    scene.publish(run, mix, run.draw(12));
    if (run.chance(50)) run.world.settle();
    const std::string filter = run.chance(50)   ? scene.writers[run.draw(4)].topic
                               : run.chance(50) ? "a/#"
                                                : "a/+";
    auto subscriber = run.world.dial();
    scene.clients.push_back(subscriber);
    subscriber.push(world::connect_packet(run.id_anywhere("s"), {}));
    await(run, scene, subscriber, Type::Connack);
    std::vector<Moments> moments(scene.writers.size());
    const auto note = [&](uint64_t Moments::*moment) {
        for (size_t i = 0; i < moments.size(); ++i)
            moments[i].*moment = scene.writers[i].sent.size();
    };
    for (size_t i = 0; i < moments.size(); ++i) moments[i].acked = scene.writers[i].acknowledged();
    subscriber.push(subscribe_packet(filter));
    scene.publish(run, mix, run.draw(12));
    await(run, scene, subscriber, Type::Suback);
    note(&Moments::known);
    const bool rest = run.chance(50);
    if (rest) run.world.settle();
    if (rest) note(&Moments::replayed);
    scene.publish(run, mix, run.draw(6));
    run.world.settle();
    if (!rest) note(&Moments::replayed);
    judge_all(scene, subscriber, filter, moments);
}

TEST(RetainedAndLive, NewestFirstAndNoneMissed) {
    for (const Mix mix : {Mix::RetainOnly, Mix::WithLive, Mix::WithRemovals})
        for_all_runs([mix](Trial& run) { subscribe_into_streams(run, mix, [](Scene&) {}); });
}

/// At QoS 2 a lasting writer's publishes go to other shards once they are on disk.
TEST(RetainedAndLive, AlsoWhereTheyWaitForADisk) {
    for (const Mix mix : {Mix::RetainOnly, Mix::WithLive, Mix::WithRemovals})
        for_all_runs(
            [mix](Trial& run) {
                subscribe_into_streams(
                    run, mix, [](Scene&) {}, 2);
            },
            {.durable = true, .slow_disk = true});
}

TEST(RetainedAndLive, AlsoWhereAnotherSubscriberIsThereAlready) {
    for (const Mix mix : {Mix::RetainOnly, Mix::WithLive, Mix::WithRemovals})
        for_all_runs([mix](Trial& run) {
            subscribe_into_streams(run, mix, [&](Scene& scene) {
                for (uint16_t i = 0; i < run.world.shard_count(); ++i) {
                    auto other = run.world.connect(run.world.id_on(i, "other"));
                    other.subscribe("a/#").subscribe("a/+");
                    for (const Writer& each : scene.writers) other.subscribe(each.topic);
                    scene.clients.push_back(other);
                }
            });
        });
}

/// The same session subscribes once more: live messages go on, the kept value comes again, and is
/// never older than what was seen live.
TEST(RetainedAndLive, SubscribingAgainShowsNoOlderValue) {
    for_all_runs([](Trial& run) {
        Scene scene(run);
        auto subscriber = run.world.connect(run.id_anywhere("s"));
        scene.clients.push_back(subscriber);
        const Writer& watched = scene.writers[0];
        const std::string filter = run.chance(50) ? watched.topic : "a/#";
        subscriber.subscribe(filter, {.qos = 1});
        for (int i = 0; i < 4; ++i) {
            scene.publish(run, Mix::RetainOnly, run.draw(10));
            subscriber.push(subscribe_packet(filter));
        }
        scene.publish(run, Mix::RetainOnly, run.draw(10));
        run.world.settle();
        std::map<std::string, uint64_t> last, live;
        for (const Publish& each : subscriber.publishes()) {
            const uint64_t number = number_of(each);
            EXPECT_GE(number, last[each.topic]) << "an older value after a newer one";
            last[each.topic] = number;
            if (each.retain) continue;
            EXPECT_EQ(number, live[each.topic] + 1);
            live[each.topic] = number;
        }
        for (const Writer& each : scene.writers) {
            if (filter != "a/#" && filter != each.topic) continue;
            EXPECT_EQ(live[each.topic], each.sent.size());
        }
    });
}

/// At QoS 2 a publish of a lasting session waits for the disk before it goes to other shards; what
/// follows at QoS 1 must not be there first.
TEST(RetainedAndLive, TheLastOneStandsWhateverItsQos) {
    const auto script = [](Trial& run) {
        auto publisher = run.world.connect(run.id_anywhere("p"), lasting());
        auto live = run.world.connect(run.id_anywhere("l"));
        const std::string topic = run.world.topic_on(uint16_t(run.draw(4)), "t");
        live.subscribe(topic, {.qos = 1});
        const uint16_t count = uint16_t(2 + run.draw(5));
        bool stands = false;
        for (uint16_t i = 1; i <= count; ++i) {
            stands = !run.chance(30);
            world::PublishOptions how{
                .qos = uint8_t(1 + run.draw(2)), .retain = true, .packet_id = i};
            how.properties.content_type = std::to_string(i);
            publisher.push(
                world::publish_packet(Version::V5, topic, stands ? std::to_string(i) : "", how));
            run.turns(run.draw(4), {publisher, live});
        }
        run.world.settle();
        std::vector<uint64_t> seen;
        for (const Publish& each : live.publishes())
            seen.push_back(std::stoull(*each.content_type));
        EXPECT_EQ(seen, count_up(1, count)) << "one queue, one publisher, one topic";
        auto late = run.world.connect(run.id_anywhere("s"));
        late.subscribe(topic, {.qos = 2});
        EXPECT_EQ(numbers(late.publishes()),
                  stands ? std::vector<uint64_t>{count} : std::vector<uint64_t>{});
    };
    for_all_runs(script, {.durable = true, .slow_disk = true});
}

/// The will says that a device is gone, its next publish that it is back.
TEST(RetainedAndLive, AWillDoesNotComeAfterWhatItsClientSaysNext) {
    const auto script = [](Trial& run) {
        const std::string topic = run.world.topic_on(uint16_t(run.draw(4)), "t");
        ConnectOptions how = lasting();
        how.will = WillOptions{.topic = topic, .payload = "1", .qos = 1, .retain = true};
        auto device = run.world.connect(run.id_anywhere("d"), how);
        auto live = run.world.connect(run.id_anywhere("l"));
        live.subscribe(topic, {.qos = 1});
        how.clean_start = false;
        device.state().dial(how);
        device.push(world::connect_packet(device.id(), how));
        device.push(world::publish_packet(Version::V5, topic, "2",
                                          {.qos = 1, .retain = true, .packet_id = 1}));
        run.world.settle();
        EXPECT_EQ(numbers(live.publishes()), count_up(1, 2));
        auto late = run.world.connect(run.id_anywhere("s"));
        late.subscribe(topic, {.qos = 1});
        EXPECT_EQ(numbers(late.publishes()), count_up(2, 2));
    };
    for_all_runs(script, {.durable = true, .slow_disk = true});
}

TEST(RetainedAndLive, ManyKeptValuesComeOnceEach) {
    for_all_runs([](Trial& run) {
        auto publisher = run.world.connect(run.id_anywhere("p"));
        Buffer batch;
        for (uint16_t i = 1; i <= 200; ++i)
            put_bytes(batch, world::publish_packet(Version::V5, "m/" + std::to_string(i), "1",
                                                   {.qos = 1, .retain = true, .packet_id = i}));
        publisher.raw(batch);
        auto subscriber = run.world.connect(run.id_anywhere("s"), {.receive_maximum = 20});
        subscriber.push(subscribe_packet("m/#"));
        run.turns(run.draw(40), {subscriber, publisher});
        batch.clear();
        for (uint16_t i = 1; i <= 200; i += 20)
            put_bytes(batch, world::publish_packet(Version::V5, "m/" + std::to_string(i), "2",
                                                   {.qos = 1, .retain = true, .packet_id = i}));
        publisher.raw(batch);
        std::map<std::string, Messages> seen;
        for (const Publish& each : subscriber.publishes()) seen[each.topic].push_back(each.payload);
        ASSERT_EQ(seen.size(), 200u);
        for (const auto& [topic, values] : seen) {
            const bool changed = std::stoi(topic.substr(2)) % 20 == 1;
            EXPECT_EQ(values.back(), changed ? "2" : "1") << topic;
            EXPECT_TRUE(std::ranges::is_sorted(values)) << topic;
            EXPECT_LE(values.size(), changed ? 2u : 1u) << topic;
        }
    });
}

}  // namespace
}  // namespace godwit::conformance
